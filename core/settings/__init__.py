"""Settings: their names, bounds and presets, and a forecast of what a run with them takes."""
