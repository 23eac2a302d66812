//! Checkpoint files: written so that a cut at any instant leaves the previous one whole.
