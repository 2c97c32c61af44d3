"""Sampling: text from a model."""
