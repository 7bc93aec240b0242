-- Version 2: full text. Postings are keyed by session first: a search reads rows of one session,
-- and its statistics are of that session.
CREATE TABLE IF NOT EXISTS postings (
  session INTEGER NOT NULL,
  term TEXT NOT NULL,
  message INTEGER NOT NULL,
  frequency INTEGER NOT NULL,
  length INTEGER NOT NULL,
  PRIMARY KEY (session, term, message)
) WITHOUT ROWID
--;
-- In how many messages of a session a term occurs: what tells rare words from common ones before
-- any posting is read.
CREATE TABLE IF NOT EXISTS terms (
  session INTEGER NOT NULL,
  term TEXT NOT NULL,
  messages INTEGER NOT NULL,
  PRIMARY KEY (session, term)
) WITHOUT ROWID
--;
-- The messages whose words are indexed, with their length in terms.
CREATE TABLE IF NOT EXISTS texts (
  session INTEGER NOT NULL,
  message INTEGER NOT NULL,
  length INTEGER NOT NULL,
  PRIMARY KEY (session, message)
) WITHOUT ROWID
--;
CREATE TABLE IF NOT EXISTS statistics (
  session INTEGER PRIMARY KEY,
  messages INTEGER NOT NULL,
  terms INTEGER NOT NULL
)
--;
DROP VIEW IF EXISTS indexings
--;
CREATE VIEW IF NOT EXISTS index_entries (message, model, vector, terms, length)
  AS SELECT 0, 0, x'', '', 0 WHERE 0
--;
-- A message is indexed in one statement, words and vector; what is there already stays as it is.
CREATE TRIGGER IF NOT EXISTS index_entries_insert INSTEAD OF INSERT ON index_entries BEGIN
  INSERT INTO terms (session, term, messages)
    SELECT m.session, j.key, 1 FROM messages AS m CROSS JOIN json_each(NEW.terms) AS j
    WHERE m.id = NEW.message AND m.forgotten = 0 AND m.status IN ('ok', 'interrupted')
      AND NOT EXISTS (SELECT 1 FROM texts WHERE session = m.session AND message = m.id)
    ON CONFLICT (session, term) DO UPDATE SET messages = messages + 1;
  INSERT INTO postings (session, term, message, frequency, length)
    SELECT m.session, j.key, m.id, j.value, NEW.length
    FROM messages AS m CROSS JOIN json_each(NEW.terms) AS j
    WHERE m.id = NEW.message AND m.forgotten = 0 AND m.status IN ('ok', 'interrupted')
      AND NOT EXISTS (SELECT 1 FROM texts WHERE session = m.session AND message = m.id);
  INSERT INTO statistics (session, messages, terms)
    SELECT m.session, 1, NEW.length FROM messages AS m
    WHERE m.id = NEW.message AND m.forgotten = 0 AND m.status IN ('ok', 'interrupted')
      AND NOT EXISTS (SELECT 1 FROM texts WHERE session = m.session AND message = m.id)
    ON CONFLICT (session)
      DO UPDATE SET messages = messages + 1, terms = terms + excluded.terms;
  INSERT INTO texts (session, message, length)
    SELECT session, id, NEW.length FROM messages
    WHERE id = NEW.message AND forgotten = 0 AND status IN ('ok', 'interrupted')
    ON CONFLICT DO NOTHING;
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
CREATE TRIGGER IF NOT EXISTS messages_forgotten_words
  AFTER UPDATE OF forgotten ON messages WHEN NEW.forgotten BEGIN
  UPDATE terms SET messages = messages - 1
    WHERE session = NEW.session AND term IN (
      SELECT term FROM postings WHERE session = NEW.session AND message = NEW.id);
  DELETE FROM terms WHERE session = NEW.session AND messages = 0;
  DELETE FROM postings WHERE session = NEW.session AND message = NEW.id;
  UPDATE statistics SET messages = messages - 1, terms = terms - (
      SELECT length FROM texts WHERE session = NEW.session AND message = NEW.id)
    WHERE session = NEW.session AND EXISTS (
      SELECT 1 FROM texts WHERE session = NEW.session AND message = NEW.id);
  DELETE FROM texts WHERE session = NEW.session AND message = NEW.id;
END
--;
CREATE TRIGGER IF NOT EXISTS sessions_deleted_words AFTER DELETE ON sessions BEGIN
  DELETE FROM postings WHERE session = OLD.no;
  DELETE FROM terms WHERE session = OLD.no;
  DELETE FROM texts WHERE session = OLD.no;
  DELETE FROM statistics WHERE session = OLD.no;
END
--;
-- What was indexed before there were words waits in the queue again.
UPDATE messages SET embedded_by = 0 WHERE embedded_by <> 0
