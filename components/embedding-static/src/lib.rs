//! Embeds texts with a static table of token vectors.
