"""The screens, one a file with its styles beside it."""
