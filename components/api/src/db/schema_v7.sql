-- Version 7: messages that were said elsewhere come in many at once, in turns of their own, some of
-- which nobody answered. So every message counts its turn, unless it waits for a reply: that is
-- reserved in the same statement. Neither number goes back.
DROP TRIGGER IF EXISTS messages_reserved
--;
CREATE TRIGGER IF NOT EXISTS messages_reserved
  AFTER INSERT ON messages WHEN NEW.role = 'assistant' OR NEW.lease = 0 BEGIN
  UPDATE sessions SET turns = max(turns, NEW.turn),
      last_updated_at = max(last_updated_at, NEW.timestamp)
    WHERE no = NEW.session;
END
