-- Version 3: full text in FTS5. A term is stored as `SESSION/TERM`, so a term of one session is
-- another term than the same word of another: a search reads the postings of its session and no
-- others, and how common a term is counts within the session. The table keeps no text.
--
-- A row is a message: its rowid is 4096 times the message's id, plus its length in terms, at most
-- 4095. So a posting tells the length, and no search has to look it up.
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
  terms, content = '', contentless_delete = 1, tokenize = "ascii tokenchars '/:.,;''_'"
)
--;
-- Where a term stands: `term`, and `doc`, the row of `words`, once for every time.
CREATE VIRTUAL TABLE IF NOT EXISTS word_places USING fts5vocab (words, instance)
--;
DROP TRIGGER IF EXISTS index_entries_insert
--;
DROP VIEW IF EXISTS index_entries
--;
CREATE VIEW IF NOT EXISTS index_entries (message, model, vector, terms, length)
  AS SELECT 0, 0, x'', '', 0 WHERE 0
--;
-- A message is indexed in one statement, words and vector; what is there already stays as it is.
-- `terms` are separated by single spaces, and repeated as often as they occur.
CREATE TRIGGER IF NOT EXISTS index_entries_insert INSTEAD OF INSERT ON index_entries BEGIN
  INSERT INTO statistics (session, messages, terms)
    SELECT m.session, 1, min(NEW.length, 4095) FROM messages AS m
    WHERE m.id = NEW.message AND m.forgotten = 0 AND m.status IN ('ok', 'interrupted')
      AND NOT EXISTS (
        SELECT 1 FROM words WHERE rowid BETWEEN m.id * 4096 AND m.id * 4096 + 4095)
    ON CONFLICT (session)
      DO UPDATE SET messages = messages + 1, terms = terms + excluded.terms;
  INSERT INTO words (rowid, terms)
    SELECT m.id * 4096 + min(NEW.length, 4095),
      CASE NEW.terms WHEN '' THEN ''
        ELSE m.session || '/' || replace(NEW.terms, ' ', ' ' || m.session || '/') END
    FROM messages AS m
    WHERE m.id = NEW.message AND m.forgotten = 0 AND m.status IN ('ok', 'interrupted')
      AND NOT EXISTS (
        SELECT 1 FROM words WHERE rowid BETWEEN m.id * 4096 AND m.id * 4096 + 4095);
  INSERT INTO vectors (session, model, message, vector)
    SELECT session, NEW.model, id, NEW.vector FROM messages
    WHERE id = NEW.message AND forgotten = 0 AND status IN ('ok', 'interrupted')
    ON CONFLICT DO NOTHING;
  DELETE FROM vectors WHERE message = NEW.message AND model <> NEW.model;
  UPDATE messages SET embedded_by = NEW.model
    WHERE id = NEW.message AND EXISTS (
      SELECT 1 FROM vectors WHERE message = NEW.message AND model = NEW.model);
END
--;
DROP TRIGGER IF EXISTS messages_forgotten_words
--;
CREATE TRIGGER IF NOT EXISTS messages_forgotten_words
  AFTER UPDATE OF forgotten ON messages WHEN NEW.forgotten BEGIN
  UPDATE statistics SET messages = messages - 1, terms = terms - (
      SELECT rowid & 4095 FROM words WHERE rowid BETWEEN NEW.id * 4096 AND NEW.id * 4096 + 4095)
    WHERE session = NEW.session AND EXISTS (
      SELECT 1 FROM words WHERE rowid BETWEEN NEW.id * 4096 AND NEW.id * 4096 + 4095);
  DELETE FROM words WHERE rowid BETWEEN NEW.id * 4096 AND NEW.id * 4096 + 4095;
END
--;
DROP TRIGGER IF EXISTS sessions_deleted_words
--;
DROP TRIGGER IF EXISTS sessions_deleted
--;
-- The words first: they are found by the messages.
CREATE TRIGGER IF NOT EXISTS sessions_deleted AFTER DELETE ON sessions BEGIN
  DELETE FROM words WHERE rowid IN (
    SELECT w.rowid FROM messages AS m
      CROSS JOIN words AS w ON w.rowid BETWEEN m.id * 4096 AND m.id * 4096 + 4095
      WHERE m.session = OLD.no);
  DELETE FROM statistics WHERE session = OLD.no;
  DELETE FROM receipts WHERE message IN (SELECT id FROM messages WHERE session = OLD.no);
  DELETE FROM vectors WHERE session = OLD.no;
  DELETE FROM messages WHERE session = OLD.no;
END
--;
DROP TABLE IF EXISTS postings
--;
DROP TABLE IF EXISTS terms
--;
DROP TABLE IF EXISTS texts
--;
DELETE FROM statistics
--;
-- What was indexed otherwise waits in the queue again.
UPDATE messages SET embedded_by = 0 WHERE embedded_by <> 0
