-- Snapshots of the vector index, so that a large session need not be read row by row. They are a
-- copy of what the table of vectors holds, which stays the truth: any of them may be missing.
--
-- `parts` is 0 while a snapshot is written. `token` tells it from one that another instance writes
-- at the same time: only parts with the token of the head belong to it.
CREATE TABLE IF NOT EXISTS snapshot_heads (
  session INTEGER NOT NULL,
  model INTEGER NOT NULL,
  token INTEGER NOT NULL,
  mark INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  PRIMARY KEY (session, model)
) WITHOUT ROWID
--;
CREATE TABLE IF NOT EXISTS snapshot_parts (
  no INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  model INTEGER NOT NULL,
  part INTEGER NOT NULL,
  token INTEGER NOT NULL,
  body BLOB NOT NULL
)
--;
CREATE UNIQUE INDEX IF NOT EXISTS snapshot_parts_order ON snapshot_parts (session, model, part)
--;
-- What a snapshot may still hold although its row is gone: also one that is just being made.
CREATE TABLE IF NOT EXISTS snapshot_removals (
  session INTEGER NOT NULL,
  model INTEGER NOT NULL,
  message INTEGER NOT NULL,
  PRIMARY KEY (session, model, message)
) WITHOUT ROWID
--;
CREATE TRIGGER IF NOT EXISTS vectors_removed AFTER DELETE ON vectors
  WHEN EXISTS (SELECT 1 FROM sessions WHERE no = OLD.session)
BEGIN
  INSERT INTO snapshot_removals (session, model, message)
    VALUES (OLD.session, OLD.model, OLD.message) ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS vectors_returned AFTER INSERT ON vectors
  WHEN EXISTS (SELECT 1 FROM snapshot_removals
    WHERE session = NEW.session AND model = NEW.model AND message = NEW.message)
BEGIN
  DELETE FROM snapshot_removals
    WHERE session = NEW.session AND model = NEW.model AND message = NEW.message;
END
--;
CREATE TRIGGER IF NOT EXISTS sessions_deleted_snapshots BEFORE DELETE ON sessions BEGIN
  DELETE FROM snapshot_heads WHERE session = OLD.no;
  DELETE FROM snapshot_parts WHERE session = OLD.no;
  DELETE FROM snapshot_removals WHERE session = OLD.no;
END
