"""Terminal: what the app is drawn on."""
