"""Widgets of the Generate screen."""
