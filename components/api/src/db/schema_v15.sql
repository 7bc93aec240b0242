-- What the model is told to be and do in a session; null where that is left to the server.
-- unless SELECT instruction FROM sessions LIMIT 0
ALTER TABLE sessions ADD COLUMN instruction TEXT
