-- Version 1: sessions, their messages, and the vectors of the messages.
-- Every statement can be repeated: two instances may come here at once, and one may die halfway.
-- Statements are separated by lines that hold only `--;`.
CREATE TABLE IF NOT EXISTS sessions (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT,
  created_at INTEGER NOT NULL,
  last_updated_at INTEGER NOT NULL,
  llm_model_name TEXT,
  rag_document_ids TEXT,
  long_term_memory_enabled INTEGER NOT NULL DEFAULT 1,
  metadata_tags TEXT,
  turns INTEGER NOT NULL DEFAULT 0
)
--;
CREATE INDEX IF NOT EXISTS sessions_newest ON sessions (last_updated_at, no)
--;
-- The digests of models, which measured tokens or made vectors, under short numbers.
CREATE TABLE IF NOT EXISTS models (
  no INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE
)
--;
-- A turn is a message of the user and one of the assistant, which is reserved at the same moment.
-- Times are microseconds since 1970-01-01 UTC. `embedded_by` is the model of the vector, 0 for
-- none.
-- `lease`, `host_run` and `cancel` mean something only while the status is `pending`.
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
  status TEXT NOT NULL
    CHECK (status IN ('pending', 'ok', 'failed', 'cancelled', 'interrupted')),
  timestamp INTEGER NOT NULL,
  tokens INTEGER,
  tokens_by INTEGER,
  embedded_by INTEGER NOT NULL DEFAULT 0,
  is_embedded INTEGER GENERATED ALWAYS AS (embedded_by <> 0) VIRTUAL,
  forgotten INTEGER NOT NULL DEFAULT 0,
  lease INTEGER NOT NULL DEFAULT 0,
  host_run TEXT NOT NULL DEFAULT '',
  cancel INTEGER NOT NULL DEFAULT 0,
  content_hash INTEGER NOT NULL DEFAULT 0,
  content TEXT NOT NULL,
  metadata TEXT
)
--;
CREATE UNIQUE INDEX IF NOT EXISTS messages_order ON messages (session, turn, role DESC)
--;
CREATE INDEX IF NOT EXISTS messages_pending ON messages (session, turn) WHERE status = 'pending'
--;
-- The durable queue of what is to be indexed: what has no vector of the model in use.
CREATE INDEX IF NOT EXISTS messages_queue ON messages (embedded_by, id)
  WHERE status IN ('ok', 'interrupted') AND forgotten = 0
--;
CREATE TABLE IF NOT EXISTS receipts (
  message INTEGER PRIMARY KEY,
  body TEXT NOT NULL
)
--;
-- `seq` never goes back, so it tells how much of a session an index has seen.
CREATE TABLE IF NOT EXISTS vectors (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  session INTEGER NOT NULL,
  model INTEGER NOT NULL,
  message INTEGER NOT NULL,
  vector BLOB NOT NULL
)
--;
CREATE UNIQUE INDEX IF NOT EXISTS vectors_scope ON vectors (session, model, seq)
--;
CREATE UNIQUE INDEX IF NOT EXISTS vectors_message ON vectors (message, model)
--;
-- What a statement must change in several tables goes through a view: one statement is atomic
-- everywhere, several are not.
CREATE VIEW IF NOT EXISTS turn_ends
  (reply, status, content, content_hash, timestamp, tokens, tokens_by, metadata, receipt,
   user, user_status, user_tokens, user_metadata)
  AS SELECT 0, '', '', 0, 0, 0, 0, '', '', 0, '', 0, '' WHERE 0
--;
CREATE VIEW IF NOT EXISTS indexings (message, model, vector) AS SELECT 0, 0, x'' WHERE 0
--;
CREATE TRIGGER IF NOT EXISTS messages_reserved
  AFTER INSERT ON messages WHEN NEW.role = 'assistant' BEGIN
  UPDATE sessions SET turns = NEW.turn, last_updated_at = NEW.timestamp WHERE no = NEW.session;
END
--;
CREATE TRIGGER IF NOT EXISTS turn_ends_insert INSTEAD OF INSERT ON turn_ends BEGIN
  INSERT INTO receipts (message, body)
    SELECT NEW.reply, NEW.receipt FROM messages
    WHERE id = NEW.reply AND status = 'pending' AND NEW.receipt IS NOT NULL;
  UPDATE sessions SET last_updated_at = NEW.timestamp
    WHERE no = (SELECT session FROM messages WHERE id = NEW.reply AND status = 'pending');
  UPDATE messages SET status = NEW.user_status, tokens = NEW.user_tokens,
      tokens_by = NEW.tokens_by, metadata = NEW.user_metadata
    WHERE id = NEW.user AND EXISTS (
      SELECT 1 FROM messages WHERE id = NEW.reply AND status = 'pending');
  UPDATE messages SET status = NEW.status, content = NEW.content,
      content_hash = NEW.content_hash, timestamp = NEW.timestamp, tokens = NEW.tokens,
      tokens_by = NEW.tokens_by, metadata = NEW.metadata
    WHERE id = NEW.reply AND status = 'pending';
END
--;
CREATE TRIGGER IF NOT EXISTS indexings_insert INSTEAD OF INSERT ON indexings BEGIN
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
-- A reserved reply of a turn that died holds nothing; what the user said stays, marked.
CREATE TRIGGER IF NOT EXISTS messages_abandoned
  AFTER DELETE ON messages WHEN OLD.status = 'pending' BEGIN
  UPDATE messages SET status = 'interrupted'
    WHERE session = OLD.session AND turn = OLD.turn AND role = 'user' AND status = 'ok';
END
--;
CREATE TRIGGER IF NOT EXISTS messages_forgotten
  AFTER UPDATE OF forgotten ON messages WHEN NEW.forgotten BEGIN
  DELETE FROM vectors WHERE message = NEW.id;
  UPDATE messages SET embedded_by = 0 WHERE id = NEW.id;
END
--;
CREATE TRIGGER IF NOT EXISTS sessions_deleted AFTER DELETE ON sessions BEGIN
  DELETE FROM receipts WHERE message IN (SELECT id FROM messages WHERE session = OLD.no);
  DELETE FROM vectors WHERE session = OLD.no;
  DELETE FROM messages WHERE session = OLD.no;
END
