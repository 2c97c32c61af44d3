"""Benchmark of the start: time to the first paint, compared with `python -c "import textual.app"`, in turn.

    python -m tests.benchmarks.first_paint [ROUNDS]

The first paint is complete when a pseudo-terminal shows the frame of the Train screen with its button. The settings
appear later.
"""

import os
import statistics
import subprocess
import sys
import time

from tests.tui.real_terminal import Terminal


def first_paint() -> tuple[float, float]:
    """Return the seconds from launch to the first paint, and to the settings."""
    started = time.perf_counter()
    terminal = Terminal(sys.executable, ["-m", "charlstm_tui"], dict(os.environ) | {"TERM": "xterm-256color"})
    try:
        terminal.until_shown("Start training")
        paint = time.perf_counter() - started
        terminal.until_shown("learning rate")
        return paint, time.perf_counter() - started
    finally:
        terminal.close()


def importing_textual() -> float:
    """Return the seconds of a process that only imports `textual.app`."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
    return time.perf_counter() - started


def main() -> None:
    """Print both medians and their ratio."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    first_paint(), importing_textual()  # fills the disk cache; not counted
    taken = [(*first_paint(), importing_textual()) for _ in range(rounds)]
    paint, settings, textual = (statistics.median(times) for times in zip(*taken, strict=True))
    ratio = statistics.median(paint / textual for paint, _, textual in taken)
    print(f"launch to first paint   {paint:6.3f} s   median of {rounds}")
    print(f"launch to settings      {settings:6.3f} s")
    print(f"import textual.app      {textual:6.3f} s   measured in turn")
    print(f"ratio, first paint      {ratio:6.2f}")


if __name__ == "__main__":
    main()
