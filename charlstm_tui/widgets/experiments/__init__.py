"""Widgets of the Experiments screen."""
