//! Generations of the vector index: which is searched, and which is being built.

use super::{Database, params};
use crate::http::error::ApiError;
use crate::limits;

/// What a generation is for.
#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Place {
    /// It is searched.
    Serving,
    /// It is not complete yet.
    Building,
    /// It was searched before.
    Previous,
    /// Nobody wants it any more.
    Retired,
}

/// An index: all vectors that one model made.
#[derive(Debug, PartialEq, Clone)]
pub struct Generation {
    /// The number of the model.
    pub model: i64,
    /// Its digest.
    pub digest: String,
    /// What it is for.
    pub place: Place,
}

/// All generations.
pub const READ: &str = "SELECT g.model, m.digest, g.place FROM generations AS g \
    CROSS JOIN models AS m ON m.no = g.model";
/// Names the model that embeds from now on: its number.
pub const TARGET: &str = "INSERT INTO generation_targets (model) VALUES (?1)";
/// Puts the generation that is being built in the place of the one that serves, if it holds all
/// that this does: the number of its model. What waits in the queue and is in neither is no reason
/// to wait.
pub const FLIP: &str = "INSERT INTO generation_flips (model) \
    SELECT g.model FROM generations AS g CROSS JOIN generations AS s ON s.place = 'serving' \
    WHERE g.model = ?1 AND g.place = 'building' AND NOT EXISTS ( \
        SELECT 1 FROM messages AS m CROSS JOIN vectors AS v \
            ON v.message = m.id AND v.model = s.model \
        WHERE m.status IN ('ok', 'interrupted') AND m.forgotten = 0 AND m.embedded_by < ?1) \
    AND NOT EXISTS ( \
        SELECT 1 FROM messages AS m CROSS JOIN vectors AS v \
            ON v.message = m.id AND v.model = s.model \
        WHERE m.status IN ('ok', 'interrupted') AND m.forgotten = 0 AND m.embedded_by > ?1) \
    AND NOT EXISTS ( \
        SELECT 1 FROM documents AS d CROSS JOIN chunks AS c ON c.document = d.no \
            CROSS JOIN chunk_vectors AS v ON v.chunk = c.id AND v.model = s.model \
        WHERE d.embedded_by <> ?1 AND c.embedded_by <> ?1) \
    RETURNING model";
/// Deletes some vectors of a retired generation: how many vectors of all are looked at.
pub const SWEEP: &str = "INSERT INTO vector_sweeps (model, upto) \
    SELECT model, swept + ?1 FROM generations WHERE place = 'retired' ORDER BY model LIMIT 1 \
    RETURNING model";
/// How many messages are embedded by a model, and how many can be: its number.
pub const PROGRESS: &str = "SELECT count(*) FILTER (WHERE embedded_by = ?1), count(*) \
    FROM messages WHERE status IN ('ok', 'interrupted') AND forgotten = 0";

/// Reads all generations.
///
/// Fails with 500 if the database does.
pub async fn read(database: &Database) -> Result<Vec<Generation>, ApiError> {
    let rows = database.query("the index could not be read", READ, params![]).await?;
    let generation = |mut row: super::Row| Generation {
        model: row.int(0),
        digest: row.text(1),
        place: match row.text(2).as_str() {
            "serving" => Place::Serving,
            "building" => Place::Building,
            "previous" => Place::Previous,
            _ => Place::Retired,
        },
    };
    Ok(rows.into_iter().map(generation).collect())
}

/// Names the model that embeds from now on.
///
/// Fails with 500 if the database does.
pub async fn set_target(database: &Database, model: i64) -> Result<(), ApiError> {
    let what = "the embedding model could not be noted";
    database.query(what, TARGET, params![model]).await.map(|_| ())
}

/// Has the generation of this model serve, if it is complete. Returns whether it does now.
///
/// Fails with 500 if the database does.
pub async fn flip(database: &Database, model: i64) -> Result<bool, ApiError> {
    let what = "the index could not be replaced";
    Ok(!database.query(what, FLIP, params![model]).await?.is_empty())
}

/// Deletes some of what is retired. Returns whether there was any.
///
/// Fails with 500 if the database does.
pub async fn sweep(database: &Database) -> Result<bool, ApiError> {
    let what = "an old index could not be deleted";
    Ok(!database.query(what, SWEEP, params![limits::SWEPT_VECTORS]).await?.is_empty())
}

/// How many messages a model has embedded, and how many there are to embed.
///
/// Fails with 500 if the database does.
pub async fn progress(database: &Database, model: i64) -> Result<(u64, u64), ApiError> {
    let what = "the index could not be read";
    let rows = database.query(what, PROGRESS, params![model]).await?;
    Ok(rows.first().map_or((0, 0), |row| (row.id(0), row.id(1))))
}
