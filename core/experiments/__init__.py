"""Experiments: runs of one text that differ in chosen settings and in seeds, and what made a difference."""
