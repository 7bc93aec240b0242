-- Version 9: who speaks in a session, where that has names, and what was said when. A question about
-- somebody is told from one that has a word in common with a message.
CREATE TABLE IF NOT EXISTS speakers (
  session INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (session, name)
) WITHOUT ROWID
--;
INSERT OR IGNORE INTO speakers (session, name)
  SELECT session, metadata ->> 'name' FROM messages WHERE metadata LIKE '{"name":%'
--;
-- Only what is imported has metadata when it is stored.
CREATE TRIGGER IF NOT EXISTS messages_named
  AFTER INSERT ON messages WHEN NEW.metadata ->> 'name' IS NOT NULL BEGIN
  INSERT OR IGNORE INTO speakers (session, name) VALUES (NEW.session, NEW.metadata ->> 'name');
END
--;
CREATE TRIGGER IF NOT EXISTS sessions_deleted_speakers AFTER DELETE ON sessions BEGIN
  DELETE FROM speakers WHERE session = OLD.no;
END
--;
-- What was said in a time is found without reading the whole session.
CREATE INDEX IF NOT EXISTS messages_time ON messages (session, timestamp)
