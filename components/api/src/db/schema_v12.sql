-- Version 12: a message that the embedding model refuses waits no longer (it has no vector, and is
-- found by its words), and what comes in dated in the future moves its session no further than now.
DROP TRIGGER IF EXISTS index_entries_insert
--;
-- As before, and a message without a vector is done with as well.
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
      AND NEW.vector IS NOT NULL
    ON CONFLICT DO NOTHING;
  DELETE FROM vectors WHERE message = NEW.message AND model <> NEW.model
    AND model NOT IN (SELECT model FROM generations WHERE place <> 'retired');
  UPDATE messages SET embedded_by = NEW.model
    WHERE id = NEW.message AND forgotten = 0 AND status IN ('ok', 'interrupted')
      AND (NEW.vector IS NULL OR EXISTS (
        SELECT 1 FROM vectors WHERE message = NEW.message AND model = NEW.model));
END
--;
DROP TRIGGER IF EXISTS messages_reserved
--;
-- As before, but nothing is later than now, to the second.
CREATE TRIGGER IF NOT EXISTS messages_reserved
  AFTER INSERT ON messages WHEN NEW.role = 'assistant' OR NEW.lease = 0 BEGIN
  UPDATE sessions SET turns = max(turns, NEW.turn), last_updated_at = max(last_updated_at,
      min(NEW.timestamp, (strftime('%s', 'now') + 1) * 1000000))
    WHERE no = NEW.session;
END
