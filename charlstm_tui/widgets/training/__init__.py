"""Widgets of the Train screen: the settings before a run, and the run."""
