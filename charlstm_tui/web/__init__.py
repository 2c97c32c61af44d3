"""Web: the app in a browser."""
