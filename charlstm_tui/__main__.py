"""`python -m charlstm_tui`, the same as the command `charlstm-tui`."""

import atexit
import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Python's last collection would walk all that torch has made: leaving took 0.9 s with it and 0.2 s without.
    atexit.register(gc.freeze)
    try:
        from charlstm_tui.cli import commands

        commands(prog_name="charlstm-tui")
    except KeyboardInterrupt:  # while the program itself was being loaded
        sys.exit(130)


if __name__ == "__main__":
    main()
