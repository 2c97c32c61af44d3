"""The terminal of charlstm-tui: the app and the commands, both thin over `core`."""
