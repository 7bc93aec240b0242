//! Lays out the prompt as headed plain text.
