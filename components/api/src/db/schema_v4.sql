-- Version 4: documents. A document is a file that somebody uploaded, the text that was read out of
-- it, and the passages (chunks) that the text was cut into.
--
-- `version` rises when the content is replaced or read again: work on an older one is not stored.
-- `lease` and `host_run` belong to whoever reads or indexes the document just now; `attempts` counts
-- who has tried, so that a file which ends every reader is left alone in the end.
CREATE TABLE IF NOT EXISTS documents (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  status TEXT NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'indexing', 'ready', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  lease INTEGER NOT NULL DEFAULT 0,
  host_run TEXT NOT NULL DEFAULT '',
  format TEXT,
  encoding TEXT,
  title TEXT,
  pages INTEGER NOT NULL DEFAULT 0,
  gaps TEXT,
  error_code TEXT,
  error TEXT,
  chunks INTEGER NOT NULL DEFAULT 0,
  worded INTEGER NOT NULL DEFAULT 0,
  terms INTEGER NOT NULL DEFAULT 0,
  embedded_by INTEGER NOT NULL DEFAULT 0
)
--;
CREATE INDEX IF NOT EXISTS documents_newest ON documents (created_at, no)
--;
CREATE INDEX IF NOT EXISTS documents_queue ON documents (no)
  WHERE status IN ('queued', 'indexing')
--;
CREATE TABLE IF NOT EXISTS document_sources (
  document INTEGER PRIMARY KEY,
  content BLOB NOT NULL
)
--;
-- The text as bytes of UTF-8: citations are spans of bytes.
CREATE TABLE IF NOT EXISTS document_texts (
  document INTEGER PRIMARY KEY,
  content BLOB NOT NULL
)
--;
-- `start` and `stop` are bytes in the text of the document; `headings` is a JSON list of texts.
CREATE TABLE IF NOT EXISTS chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document INTEGER NOT NULL,
  place INTEGER NOT NULL,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  page INTEGER NOT NULL,
  headings TEXT NOT NULL,
  embedded_by INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  content TEXT NOT NULL
)
--;
CREATE UNIQUE INDEX IF NOT EXISTS chunks_order ON chunks (document, place)
--;
CREATE INDEX IF NOT EXISTS chunks_embedded ON chunks (document, embedded_by, place)
--;
CREATE TABLE IF NOT EXISTS chunk_vectors (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  document INTEGER NOT NULL,
  model INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  vector BLOB NOT NULL
)
--;
CREATE UNIQUE INDEX IF NOT EXISTS chunk_vectors_scope ON chunk_vectors (document, model, seq)
--;
CREATE UNIQUE INDEX IF NOT EXISTS chunk_vectors_chunk ON chunk_vectors (chunk, model)
--;
-- As `words` and `word_places` of version 3, with the document in the place of the session.
CREATE VIRTUAL TABLE IF NOT EXISTS chunk_words USING fts5 (
  terms, content = '', contentless_delete = 1, tokenize = "ascii tokenchars '/:.,;''_'"
)
--;
CREATE VIRTUAL TABLE IF NOT EXISTS chunk_word_places USING fts5vocab (chunk_words, instance)
--;
CREATE TABLE IF NOT EXISTS session_documents (
  session INTEGER NOT NULL,
  document INTEGER NOT NULL,
  PRIMARY KEY (session, document)
) WITHOUT ROWID
--;
CREATE INDEX IF NOT EXISTS session_documents_back ON session_documents (document, session)
--;
-- Links made before there were documents name none. What a session is linked to is told by the
-- table now.
UPDATE sessions SET rag_document_ids = NULL WHERE rag_document_ids IS NOT NULL
--;
-- A file, new or in the place of what the document with this id held. Content that another document
-- has is not stored again.
CREATE VIEW IF NOT EXISTS document_files (id, name, sha256, bytes, content, at)
  AS SELECT '', '', '', 0, x'', 0 WHERE 0
--;
CREATE TRIGGER IF NOT EXISTS document_files_insert INSTEAD OF INSERT ON document_files BEGIN
  INSERT INTO documents (id, name, sha256, bytes, created_at, updated_at)
    SELECT NEW.id, NEW.name, NEW.sha256, NEW.bytes, NEW.at, NEW.at
    WHERE NOT EXISTS (SELECT 1 FROM documents WHERE sha256 = NEW.sha256 AND id <> NEW.id)
    ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, bytes = excluded.bytes,
      name = excluded.name, updated_at = excluded.updated_at, version = version + 1;
  INSERT OR REPLACE INTO document_sources (document, content)
    SELECT no, NEW.content FROM documents WHERE id = NEW.id AND sha256 = NEW.sha256;
END
--;
-- What was derived from another version goes.
CREATE TRIGGER IF NOT EXISTS documents_changed AFTER UPDATE OF version ON documents BEGIN
  DELETE FROM chunks WHERE document = NEW.no;
  DELETE FROM document_texts WHERE document = NEW.no;
  UPDATE documents SET status = 'queued', attempts = 0, lease = 0, format = NULL, encoding = NULL,
      title = NULL, pages = 0, gaps = NULL, error_code = NULL, error = NULL, chunks = 0,
      worded = 0, terms = 0, embedded_by = 0
    WHERE no = NEW.no;
END
--;
CREATE TRIGGER IF NOT EXISTS chunks_deleted AFTER DELETE ON chunks BEGIN
  DELETE FROM chunk_vectors WHERE chunk = OLD.id;
  DELETE FROM chunk_words WHERE rowid BETWEEN OLD.id * 4096 AND OLD.id * 4096 + 4095;
END
--;
CREATE TRIGGER IF NOT EXISTS documents_deleted AFTER DELETE ON documents BEGIN
  DELETE FROM session_documents WHERE document = OLD.no;
  DELETE FROM chunks WHERE document = OLD.no;
  DELETE FROM document_texts WHERE document = OLD.no;
  DELETE FROM document_sources WHERE document = OLD.no;
END
--;
CREATE TRIGGER IF NOT EXISTS sessions_deleted_links AFTER DELETE ON sessions BEGIN
  DELETE FROM session_documents WHERE session = OLD.no;
END
--;
-- A chunk is indexed in one statement, words and vector; words that are there stay as they are. One
-- that could not be embedded has no vector but an error, and is found by its words.
CREATE VIEW IF NOT EXISTS chunk_entries (chunk, model, vector, terms, length, error)
  AS SELECT 0, 0, x'', '', 0, '' WHERE 0
--;
CREATE TRIGGER IF NOT EXISTS chunk_entries_insert INSTEAD OF INSERT ON chunk_entries BEGIN
  UPDATE documents SET worded = worded + 1, terms = terms + min(NEW.length, 4095)
    WHERE no = (SELECT document FROM chunks WHERE id = NEW.chunk)
      AND NOT EXISTS (
        SELECT 1 FROM chunk_words WHERE rowid BETWEEN NEW.chunk * 4096 AND NEW.chunk * 4096 + 4095);
  INSERT INTO chunk_words (rowid, terms)
    SELECT c.id * 4096 + min(NEW.length, 4095),
      CASE NEW.terms WHEN '' THEN ''
        ELSE c.document || '/' || replace(NEW.terms, ' ', ' ' || c.document || '/') END
    FROM chunks AS c WHERE c.id = NEW.chunk AND NOT EXISTS (
      SELECT 1 FROM chunk_words WHERE rowid BETWEEN c.id * 4096 AND c.id * 4096 + 4095);
  INSERT INTO chunk_vectors (document, model, chunk, vector)
    SELECT document, NEW.model, id, NEW.vector FROM chunks
    WHERE id = NEW.chunk AND NEW.vector IS NOT NULL
    ON CONFLICT DO NOTHING;
  DELETE FROM chunk_vectors WHERE chunk = NEW.chunk AND model <> NEW.model;
  UPDATE chunks SET embedded_by = NEW.model, error = NEW.error WHERE id = NEW.chunk;
END
