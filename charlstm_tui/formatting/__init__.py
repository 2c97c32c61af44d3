"""Formatting: numbers, bars, characters and reports as text."""
