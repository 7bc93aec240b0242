//! Finds the nearest vectors within scopes.
