"""The README's screenshots, drawn by the app."""
