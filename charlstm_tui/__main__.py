"""Entry point of `python -m charlstm_tui` and of the command `charlstm-tui`."""

import atexit
import contextlib
import gc
import importlib.util
import os
import signal
import sys
import threading
from pathlib import Path

_INTERRUPTED = 130
"""Exit code after ctrl-C."""


def main() -> None:
    """Run the command line and exit with its exit code."""
    # The garbage collection at exit visits every object that torch created: exiting took 0.9 s with it, 0.2 s without.
    atexit.register(gc.freeze)
    if problem := _problem_with_core():
        print(problem, file=sys.stderr)  # noqa: T201 (click is not imported yet)
        sys.exit(2)
    try:
        from charlstm_tui.cli import commands

        commands(prog_name="charlstm-tui")
    except KeyboardInterrupt:  # during the imports, or while the program was ending after an earlier one
        _leave(_INTERRUPTED)
    except SystemExit as ending:
        if ending.code == _INTERRUPTED:
            _leave(_INTERRUPTED)
        if "TORCHELASTIC_RUN_ID" in os.environ and isinstance(ending.code, int | None):
            _leave(ending.code or 0, at_once=True)  # PyTorch's threads for the other processes sometimes abort the end
        raise
    finally:
        # From here on ctrl-C is ignored: while threads of PyTorch still run, it could crash the end of the interpreter.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave(exit_code: int, *, at_once: bool = False) -> None:
    """End the process. With `at_once`, or while threads compute, skip the end of the interpreter, which could crash."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if threading.active_count() == 1 and not at_once:
        sys.exit(exit_code)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed
            stream.flush()
    os._exit(exit_code)


def _problem_with_core() -> str | None:
    """Return an error message if `import core` would not import this program's package; otherwise None.

    Other projects use the name `core` too.
    """
    spec = importlib.util.find_spec("core")
    expected = Path(__file__).resolve().parent.parent / "core" / "__init__.py"
    origin = spec.origin if spec is not None else None
    if origin is not None and Path(origin).resolve() == expected:
        return None
    where = origin or ", ".join((spec.submodule_search_locations if spec is not None else None) or ())
    where = "".join(character if character.isprintable() else "?" for character in where)
    if not where:
        return "Error: the installation of charlstm-tui is incomplete: its package core is missing. Install it again."
    return (
        f"Error: another package named core is in the way of charlstm-tui's: {where}. "
        "Start charlstm-tui from another folder, or install it in its own environment, for example with pipx."
    )


if __name__ == "__main__":
    main()
