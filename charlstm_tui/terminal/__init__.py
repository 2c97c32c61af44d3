"""Terminal: input, output, signals and the clipboard of the terminal that the app runs in."""
