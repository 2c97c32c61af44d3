"""Widgets of the Inspect screen."""
