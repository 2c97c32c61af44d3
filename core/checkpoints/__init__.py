"""Checkpoints: a model, or a run to resume, in one file."""
