-- Version 11: what is said in the place of something earlier takes that place when it is answered. A
-- reserved reply knows the first turn that it stands in the place of; 0 is none.
-- unless SELECT supersedes FROM messages LIMIT 0
ALTER TABLE messages ADD COLUMN supersedes INTEGER NOT NULL DEFAULT 0
--;
DROP TRIGGER IF EXISTS turn_ends_insert
--;
-- As before, and the turns in whose place this one stands go in the same moment, unless it failed or
-- was stopped before it had begun.
CREATE TRIGGER IF NOT EXISTS turn_ends_insert INSTEAD OF INSERT ON turn_ends BEGIN
  INSERT INTO receipts (message, body)
    SELECT NEW.reply, NEW.receipt FROM messages
    WHERE id = NEW.reply AND status = 'pending' AND NEW.receipt IS NOT NULL;
  UPDATE sessions SET last_updated_at = NEW.timestamp
    WHERE no = (SELECT session FROM messages WHERE id = NEW.reply AND status = 'pending');
  UPDATE messages SET forgotten = 2
    WHERE (NEW.status = 'ok' OR NEW.status = 'cancelled' AND NEW.content <> '')
      AND session = (SELECT session FROM messages
        WHERE id = NEW.reply AND status = 'pending' AND supersedes > 0)
      AND turn >= (SELECT supersedes FROM messages WHERE id = NEW.reply)
      AND turn < (SELECT turn FROM messages WHERE id = NEW.reply) AND forgotten <> 2;
  UPDATE messages SET status = NEW.user_status, tokens = NEW.user_tokens,
      tokens_by = NEW.tokens_by, metadata = NEW.user_metadata
    WHERE id = NEW.user AND EXISTS (
      SELECT 1 FROM messages WHERE id = NEW.reply AND status = 'pending');
  UPDATE messages SET status = NEW.status, content = NEW.content,
      content_hash = NEW.content_hash, timestamp = NEW.timestamp, tokens = NEW.tokens,
      tokens_by = NEW.tokens_by, metadata = NEW.metadata
    WHERE id = NEW.reply AND status = 'pending';
END
