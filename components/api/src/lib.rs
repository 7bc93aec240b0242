//! The HTTP API: parses, orchestrates a turn, answers.
