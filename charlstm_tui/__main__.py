"""`python -m charlstm_tui`, the same as the command `charlstm-tui`."""

import atexit
import gc
import importlib.util
import sys
from pathlib import Path


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Python's last collection would walk all that torch has made: leaving took 0.9 s with it and 0.2 s without.
    atexit.register(gc.freeze)
    if stranger := _stranger():
        print(stranger, file=sys.stderr)  # noqa: T201 (nothing that could print it better is loaded yet)
        sys.exit(2)
    try:
        from charlstm_tui.cli import commands

        commands(prog_name="charlstm-tui")
    except KeyboardInterrupt:  # while the program itself was being loaded
        sys.exit(130)


def _stranger() -> str | None:
    """Say so when `core`, a name that others use too, would not be ours."""
    found = importlib.util.find_spec("core")
    expected = Path(__file__).resolve().parent.parent / "core" / "__init__.py"
    origin = found.origin if found is not None else None
    if origin is not None and Path(origin).resolve() == expected:
        return None
    where = origin or ", ".join((found.submodule_search_locations if found is not None else None) or ())
    where = "".join(character if character.isprintable() else "?" for character in where)
    if not where:
        return "Error: charlstm-tui is not whole: its package core is missing. Install it again."
    return (
        f"Error: another package named core is in the way of charlstm-tui's: {where}. "
        "Start it from another folder, or install it in an environment of its own, for instance with pipx."
    )


if __name__ == "__main__":
    main()
