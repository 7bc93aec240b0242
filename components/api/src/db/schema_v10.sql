-- Version 10: whose sessions and documents they are. Empty is whoever needs no key. The same content
-- may be a document of several owners, so the owner stands before the hash that has to be unique.
-- unless SELECT owner FROM sessions LIMIT 0
ALTER TABLE sessions ADD COLUMN owner TEXT NOT NULL DEFAULT ''
--;
-- unless SELECT owner FROM documents LIMIT 0
ALTER TABLE documents ADD COLUMN owner TEXT NOT NULL DEFAULT ''
--;
CREATE INDEX IF NOT EXISTS sessions_owned ON sessions (owner, last_updated_at, no)
--;
DROP INDEX IF EXISTS sessions_newest
--;
CREATE INDEX IF NOT EXISTS documents_owned ON documents (owner, created_at, no)
--;
DROP INDEX IF EXISTS documents_newest
--;
DROP VIEW IF EXISTS document_files
--;
-- A file, new or in the place of what the document with this id held. Content that another document
-- of this owner has is not stored again.
CREATE VIEW IF NOT EXISTS document_files (id, name, sha256, bytes, content, at, owner)
  AS SELECT '', '', '', 0, x'', 0, '' WHERE 0
--;
CREATE TRIGGER IF NOT EXISTS document_files_insert INSTEAD OF INSERT ON document_files BEGIN
  INSERT INTO documents (id, name, sha256, bytes, created_at, updated_at, owner)
    SELECT NEW.id, NEW.name, NEW.sha256, NEW.bytes, NEW.at, NEW.at, NEW.owner
    WHERE NOT EXISTS (SELECT 1 FROM documents WHERE sha256 = NEW.sha256 AND id <> NEW.id)
    ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, bytes = excluded.bytes,
      name = excluded.name, updated_at = excluded.updated_at, version = version + 1
      WHERE owner = excluded.owner;
  INSERT OR REPLACE INTO document_sources (document, content)
    SELECT no, NEW.content FROM documents WHERE id = NEW.id AND sha256 = NEW.sha256;
END
