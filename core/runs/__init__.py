"""Runs: a training run on disk."""
