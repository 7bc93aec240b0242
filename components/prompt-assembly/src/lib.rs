//! Lays out the prompt with the model's chat template, stable parts first.
