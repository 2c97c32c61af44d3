"""Data: reads a text, encodes it as numbers, splits it and serves it to the trainer in windows."""
