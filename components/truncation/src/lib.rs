//! Decides what is cut so that the prompt fits.
