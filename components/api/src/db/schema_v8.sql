-- Version 8: a session may be tied to policies, whichever are in use for the others.
CREATE TABLE IF NOT EXISTS session_policies (
  session INTEGER NOT NULL,
  hook TEXT NOT NULL CHECK (hook IN ('assembly', 'truncation')),
  digest TEXT NOT NULL,
  PRIMARY KEY (session, hook)
) WITHOUT ROWID
--;
CREATE TRIGGER IF NOT EXISTS sessions_deleted_policies AFTER DELETE ON sessions BEGIN
  DELETE FROM session_policies WHERE session = OLD.no;
END
