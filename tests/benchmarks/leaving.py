"""Benchmark of the exit: how long the program takes to save the run in progress and end, in a shell and in the app.

    python -m tests.benchmarks.leaving [ROUNDS]

Each line has the median and the maximum of the rounds, and the limit for the maximum. On an idle machine all are below
the limit; the exit code says whether they were.
"""

import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from core.data.known_texts import PLAY
from core.runs.store import RunStore, default_root
from tests.processes import heed_signals, let_no_save_end
from tests.tui.real_terminal import Terminal
from tests.tui.settings import remember_small_settings
from tests.waiting import DEADLINE, wait_until

BAR = 2.0
"""Limit in seconds."""
TRAINS = re.compile(r"step +[1-9]\d* /")
COMMAND = [sys.executable, "-m", "charlstm_tui"]
TRAIN = [
    *COMMAND, "train", "--json", "--preset", "small", "--epochs", "100000", "--hidden-size", "256", "--name", "left",
    "--corpus", PLAY.name,
]  # fmt: skip


@contextmanager
def shell() -> Iterator["subprocess.Popen[str]"]:
    """Start a training run that prints JSON."""
    process = subprocess.Popen(
        TRAIN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=heed_signals
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def trains(process: "subprocess.Popen[str]") -> None:
    """Wait until the run has taken steps."""
    assert process.stdout is not None
    assert any(json.loads(line)["event"] == "steps_completed" for line in process.stdout), "it did not train"


def loads_pytorch(process: "subprocess.Popen[str]") -> None:
    """Wait until the process is importing PyTorch, as its memory map on Linux shows."""
    maps = Path(f"/proc/{process.pid}/maps")
    wait_until(lambda: "libtorch" in maps.read_text())


def seconds_to_the_end(process: "subprocess.Popen[str]", number: int) -> float:
    """Send a signal; return the seconds until the process has ended."""
    started = time.perf_counter()
    process.send_signal(number)
    process.communicate(timeout=DEADLINE)
    return time.perf_counter() - started


def by_signal(number: int, wait: Callable[["subprocess.Popen[str]"], None]) -> float:
    """Time the exit of a training run in a shell after a signal."""
    with shell() as process:
        wait(process)
        return seconds_to_the_end(process, number)


def by_a_second_ctrl_c() -> float:
    """Time the exit after a second signal, which does not wait for a save that hangs."""
    with shell() as process:
        trains(process)
        run = RunStore(default_root()).get("left")
        let_no_save_end(run)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)  # by now it waits for the save
        return seconds_to_the_end(process, signal.SIGINT)


def by_app(leave: Callable[[Terminal], object], shown: Callable[[str], bool]) -> float:
    """Time the exit of the app once it shows a text."""
    remember_small_settings()
    terminal = Terminal(sys.executable, ["-m", "charlstm_tui"], dict(os.environ) | {"TERM": "xterm-256color"})
    try:
        terminal.until_shown("s Start")
        terminal.send("s")
        terminal.until(shown)
        started = time.perf_counter()
        leave(terminal)
        wait_until(lambda: has_ended(terminal))
        return time.perf_counter() - started
    finally:
        with contextlib.suppress(OSError):  # it was closed already
            terminal.close()


def has_ended(terminal: Terminal) -> bool:
    """Read the output of the app; return whether it has ended."""
    with contextlib.suppress(OSError, ValueError):  # the terminal is closed
        terminal.read(0.01)
    return not terminal.process.isalive()


def quit_and_save(terminal: Terminal) -> None:
    """Quit by key, and save the run."""
    terminal.send("q")
    terminal.until_shown("leave during a run?")
    terminal.send("s")


def is_training(screen: str) -> bool:
    """Return whether the run has taken steps."""
    return TRAINS.search(screen) is not None


def main() -> None:
    """Print one line for each way to end the program."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ways: dict[str, Callable[[], float]] = {
        "shell: ctrl-C": partial(by_signal, signal.SIGINT, trains),
        "shell: SIGTERM": partial(by_signal, signal.SIGTERM, trains),
        "shell: SIGHUP": partial(by_signal, signal.SIGHUP, trains),
        "shell: a second ctrl-C": by_a_second_ctrl_c,
        "app: q, and save the run": partial(by_app, quit_and_save, is_training),
        "app: ctrl-C": partial(by_app, lambda terminal: terminal.send("\x03"), is_training),
        "app: SIGTERM": partial(by_app, lambda terminal: terminal.process.kill(signal.SIGTERM), is_training),
        "app: the terminal goes away": partial(
            by_app, lambda terminal: os.close(terminal.process.child_fd), is_training
        ),
        "app: q while PyTorch loads": partial(
            by_app, lambda terminal: terminal.send("q"), lambda screen: "x Stop" in screen
        ),
    }
    if Path("/proc/self/maps").exists():
        ways["shell: SIGTERM while PyTorch loads"] = partial(by_signal, signal.SIGTERM, loads_pytorch)
    slow = False
    for name, way in ways.items():
        times = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                os.environ |= {"CHARLSTM_DATA": folder, "CHARLSTM_RUNS": f"{folder}/runs"}
                times.append(way())
        slow = slow or max(times) > BAR
        print(f"{name:36} median {statistics.median(times):5.2f} s   maximum {max(times):5.2f} s   limit {BAR:.0f} s")
    sys.exit(slow)


if __name__ == "__main__":
    main()
