//! Chooses among what the searches found.
