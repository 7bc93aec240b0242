-- Version 6: generations of the vector index. Vectors of two embedding models do not compare, so
-- another model means another index. It is built beside the one that is searched, and takes its
-- place in one statement when it holds all that the other one does.
--
-- `model` is the number of the model that made the vectors. `place`: the one that is searched is
-- `serving`; one that is not complete is `building`; the one that served before is `previous`, so
-- that it can be had back soon; what nobody wants any more is `retired`, and is swept from the
-- oldest vector to the newest.
CREATE TABLE IF NOT EXISTS generations (
  model INTEGER PRIMARY KEY,
  place TEXT NOT NULL CHECK (place IN ('serving', 'building', 'previous', 'retired')),
  swept INTEGER NOT NULL DEFAULT 0
)
--;
-- What was searched until now is what most vectors were made by.
INSERT INTO generations (model, place)
  SELECT model, 'serving' FROM (
    SELECT model FROM vectors UNION ALL SELECT model FROM chunk_vectors)
  WHERE NOT EXISTS (SELECT 1 FROM generations WHERE place = 'serving')
  GROUP BY model ORDER BY count(*) DESC, model LIMIT 1
  ON CONFLICT DO NOTHING
--;
INSERT INTO generations (model, place)
  SELECT DISTINCT model, 'retired' FROM (
    SELECT model FROM vectors UNION SELECT model FROM chunk_vectors)
  WHERE model NOT IN (SELECT model FROM generations)
  ON CONFLICT DO NOTHING
--;
CREATE VIEW IF NOT EXISTS generation_targets (model) AS SELECT 0 WHERE 0
--;
-- The model that embeds from now on. Its index serves at once where there is no other.
CREATE TRIGGER IF NOT EXISTS generation_targets_insert
  INSTEAD OF INSERT ON generation_targets BEGIN
  UPDATE generations SET place = 'retired', swept = 0
    WHERE place = 'building' AND model <> NEW.model;
  INSERT INTO generations (model, place)
    SELECT NEW.model, CASE
      WHEN EXISTS (SELECT 1 FROM generations WHERE place = 'serving') THEN 'building'
      ELSE 'serving' END
    WHERE true
    ON CONFLICT (model) DO UPDATE SET place = excluded.place, swept = 0
      WHERE place <> 'serving';
END
--;
CREATE VIEW IF NOT EXISTS generation_flips (model) AS SELECT 0 WHERE 0
--;
CREATE TRIGGER IF NOT EXISTS generation_flips_insert
  INSTEAD OF INSERT ON generation_flips BEGIN
  UPDATE generations SET place = 'retired', swept = 0 WHERE place = 'previous';
  UPDATE generations SET place = 'previous' WHERE place = 'serving';
  UPDATE generations SET place = 'serving' WHERE model = NEW.model;
END
--;
CREATE VIEW IF NOT EXISTS vector_sweeps (model, upto) AS SELECT 0, 0 WHERE 0
--;
-- Deletes the vectors of a retired generation up to this one. Whatever counted as embedded because
-- of them does not any more.
CREATE TRIGGER IF NOT EXISTS vector_sweeps_insert INSTEAD OF INSERT ON vector_sweeps BEGIN
  UPDATE messages SET embedded_by = 0 WHERE embedded_by = NEW.model AND id IN (
    SELECT message FROM vectors WHERE +model = NEW.model AND seq <= NEW.upto
      AND seq > (SELECT swept FROM generations WHERE model = NEW.model));
  DELETE FROM vectors WHERE +model = NEW.model AND seq <= NEW.upto
    AND seq > (SELECT swept FROM generations WHERE model = NEW.model);
  UPDATE chunks SET embedded_by = 0 WHERE embedded_by = NEW.model AND id IN (
    SELECT chunk FROM chunk_vectors WHERE +model = NEW.model AND seq <= NEW.upto
      AND seq > (SELECT swept FROM generations WHERE model = NEW.model));
  DELETE FROM chunk_vectors WHERE +model = NEW.model AND seq <= NEW.upto
    AND seq > (SELECT swept FROM generations WHERE model = NEW.model);
  UPDATE generations SET swept = NEW.upto WHERE model = NEW.model AND place = 'retired';
  DELETE FROM snapshot_heads WHERE model = NEW.model
    AND model IN (SELECT model FROM generations WHERE place = 'retired');
  DELETE FROM snapshot_parts WHERE model = NEW.model
    AND model IN (SELECT model FROM generations WHERE place = 'retired');
  DELETE FROM generations WHERE model = NEW.model AND place = 'retired'
    AND swept >= (SELECT coalesce(max(seq), 0) FROM vectors)
    AND swept >= (SELECT coalesce(max(seq), 0) FROM chunk_vectors);
  -- Once the last vector is gone, nobody asks what a snapshot of them may still hold.
  DELETE FROM snapshot_removals WHERE model = NEW.model
    AND model NOT IN (SELECT model FROM generations);
END
--;
DROP TRIGGER IF EXISTS index_entries_insert
--;
-- As before, but for the vectors of other models: those of a generation stay.
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
  DELETE FROM vectors WHERE message = NEW.message AND model <> NEW.model
    AND model NOT IN (SELECT model FROM generations WHERE place <> 'retired');
  UPDATE messages SET embedded_by = NEW.model
    WHERE id = NEW.message AND EXISTS (
      SELECT 1 FROM vectors WHERE message = NEW.message AND model = NEW.model);
END
--;
DROP TRIGGER IF EXISTS chunk_entries_insert
--;
-- As before, and the vectors of a generation stay here too.
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
  DELETE FROM chunk_vectors WHERE chunk = NEW.chunk AND model <> NEW.model
    AND model NOT IN (SELECT model FROM generations WHERE place <> 'retired');
  UPDATE chunks SET embedded_by = NEW.model, error = NEW.error WHERE id = NEW.chunk;
END
