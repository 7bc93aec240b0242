-- Version 16: whether the words of a message are indexed is asked of a plain table. FTS5 has a row
-- there for each of its own; asked itself, it begins a scan, and twice in one statement it prepares
-- that anew each time.
DROP TRIGGER IF EXISTS index_entries_insert
--;
-- As before, but for where that is asked.
CREATE TRIGGER IF NOT EXISTS index_entries_insert INSTEAD OF INSERT ON index_entries BEGIN
  INSERT INTO statistics (session, messages, terms)
    SELECT m.session, 1, min(NEW.length, 4095) FROM messages AS m
    WHERE m.id = NEW.message AND m.forgotten = 0 AND m.status IN ('ok', 'interrupted')
      AND NOT EXISTS (
        SELECT 1 FROM words_docsize WHERE id BETWEEN m.id * 4096 AND m.id * 4096 + 4095)
    ON CONFLICT (session)
      DO UPDATE SET messages = messages + 1, terms = terms + excluded.terms;
  INSERT INTO words (rowid, terms)
    SELECT m.id * 4096 + min(NEW.length, 4095),
      CASE NEW.terms WHEN '' THEN ''
        ELSE m.session || '/' || replace(NEW.terms, ' ', ' ' || m.session || '/') END
    FROM messages AS m
    WHERE m.id = NEW.message AND m.forgotten = 0 AND m.status IN ('ok', 'interrupted')
      AND NOT EXISTS (
        SELECT 1 FROM words_docsize WHERE id BETWEEN m.id * 4096 AND m.id * 4096 + 4095);
  INSERT INTO vectors (session, model, message, vector)
    SELECT session, NEW.model, id, NEW.vector FROM messages
    WHERE id = NEW.message AND forgotten = 0 AND status IN ('ok', 'interrupted')
      AND NEW.vector IS NOT NULL
    ON CONFLICT DO NOTHING;
  DELETE FROM vectors WHERE message = NEW.message AND model <> NEW.model
    AND model NOT IN (SELECT model FROM generations WHERE place <> 'retired');
  UPDATE messages SET embedded_by = NEW.model
    WHERE id = NEW.message AND forgotten = 0 AND status IN ('ok', 'interrupted')
      AND (NEW.vector IS NULL OR EXISTS (
        SELECT 1 FROM vectors WHERE message = NEW.message AND model = NEW.model));
END
