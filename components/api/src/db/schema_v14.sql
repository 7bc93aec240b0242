-- Version 14: a session may be tied to a policy for any hook that a turn chooses. Which those are,
-- the program knows; the table of version 8 knew two of them, and stays, empty.
CREATE TABLE IF NOT EXISTS session_ties (
  session INTEGER NOT NULL,
  hook TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (session, hook)
) WITHOUT ROWID
--;
CREATE TRIGGER IF NOT EXISTS sessions_deleted_ties AFTER DELETE ON sessions BEGIN
  DELETE FROM session_ties WHERE session = OLD.no;
END
--;
INSERT OR IGNORE INTO session_ties (session, hook, digest)
  SELECT session, hook, digest FROM session_policies
--;
DELETE FROM session_policies
