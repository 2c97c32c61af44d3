"""`python -m charlstm_tui`, the same as the command `charlstm-tui`."""

from charlstm_tui.cli import commands


def main() -> None:
    """Run the command line and leave with its exit code."""
    commands(prog_name="charlstm-tui")


if __name__ == "__main__":
    main()
