"""Widgets, one a file. They show and they post; what it means is for the screens."""
