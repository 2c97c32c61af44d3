"""Settings: what can be set, to which values, and what a run with them would take."""
