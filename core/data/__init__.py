"""Data: which text, as which numbers, in which order."""
