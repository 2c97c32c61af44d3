"""The commands, one module each. Results are printed to stdout, everything else to stderr."""
