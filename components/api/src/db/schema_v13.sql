-- Version 13: how many passages of a document can be found, and how many could not be embedded, is
-- counted where that changes. Whoever asks how far a document is reads its row, not its passages.
-- unless SELECT indexed FROM documents LIMIT 0
ALTER TABLE documents ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0
--;
-- unless SELECT failed FROM documents LIMIT 0
ALTER TABLE documents ADD COLUMN failed INTEGER NOT NULL DEFAULT 0
--;
CREATE TRIGGER IF NOT EXISTS chunks_counted AFTER UPDATE OF embedded_by, error ON chunks BEGIN
  UPDATE documents SET
      indexed = indexed + (NEW.embedded_by <> 0 AND NEW.error IS NULL)
        - (OLD.embedded_by <> 0 AND OLD.error IS NULL),
      failed = failed + (NEW.error IS NOT NULL) - (OLD.error IS NOT NULL)
    WHERE no = NEW.document;
END
--;
CREATE TRIGGER IF NOT EXISTS chunks_discounted AFTER DELETE ON chunks
  WHEN OLD.embedded_by <> 0 OR OLD.error IS NOT NULL BEGIN
  UPDATE documents SET
      indexed = indexed - (OLD.embedded_by <> 0 AND OLD.error IS NULL),
      failed = failed - (OLD.error IS NOT NULL)
    WHERE no = OLD.document;
END
--;
UPDATE documents SET
  indexed = (SELECT count(*) FROM chunks AS c WHERE c.document = documents.no
    AND c.embedded_by <> 0 AND c.error IS NULL),
  failed = (SELECT count(*) FROM chunks AS c WHERE c.document = documents.no
    AND c.error IS NOT NULL)
