"""Widgets of the Evaluate screen."""
