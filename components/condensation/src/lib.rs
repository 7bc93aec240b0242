//! Shortens what was recalled to what matters for the query.
