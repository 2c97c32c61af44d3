"""Formatting: numbers, bars and characters as people read them."""
