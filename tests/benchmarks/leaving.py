"""How long the program takes to leave, in a shell and in the app: the run under way is saved in this time.

    python -m tests.benchmarks.leaving [ROUNDS]

Each line has the median and the longest of the rounds, and the bar that the longest is held against. On a machine that
does nothing else, all of them are under it; the exit code says whether they were.
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
"""Seconds."""
TRAINS = re.compile(r"step +[1-9]\d* /")
COMMAND = [sys.executable, "-m", "charlstm_tui"]
TRAIN = [
    *COMMAND, "train", "--json", "--preset", "small", "--epochs", "100000", "--hidden-size", "256", "--name", "left",
    "--corpus", PLAY.name,
]  # fmt: skip


@contextmanager
def shell() -> Iterator["subprocess.Popen[str]"]:
    """Start a training that prints JSON."""
    process = subprocess.Popen(
        TRAIN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=heed_signals
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def trains(process: "subprocess.Popen[str]") -> None:
    """Wait until it has taken steps."""
    assert process.stdout is not None
    assert any(json.loads(line)["event"] == "steps_completed" for line in process.stdout), "it did not train"


def loads_pytorch(process: "subprocess.Popen[str]") -> None:
    """Wait until the process is amid the import: Linux tells."""
    maps = Path(f"/proc/{process.pid}/maps")
    wait_until(lambda: "libtorch" in maps.read_text())


def seconds_to_the_end(process: "subprocess.Popen[str]", number: int) -> float:
    """Send a signal; return how long it takes until the process is gone."""
    started = time.perf_counter()
    process.send_signal(number)
    process.communicate(timeout=DEADLINE)
    return time.perf_counter() - started


def by_signal(number: int, wait: Callable[["subprocess.Popen[str]"], None]) -> float:
    """Time a signal to a training in a shell."""
    with shell() as process:
        wait(process)
        return seconds_to_the_end(process, number)


def by_a_second_ctrl_c() -> float:
    """Time the second of two, which does not wait for a save that hangs."""
    with shell() as process:
        trains(process)
        run = RunStore(default_root()).get("left")
        let_no_save_end(run)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)  # it waits for the save by now
        return seconds_to_the_end(process, signal.SIGINT)


def by_app(leave: Callable[[Terminal], object], shown: Callable[[str], bool]) -> float:
    """Time the way out of an app that shows something."""
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
    """Tell whether the app is gone, and read what it still draws."""
    with contextlib.suppress(OSError, ValueError):  # the terminal is gone
        terminal.read(0.01)
    return not terminal.process.isalive()


def quit_and_save(terminal: Terminal) -> None:
    """Quit by key, and save the run."""
    terminal.send("q")
    terminal.until_shown("leave during a run?")
    terminal.send("s")


def is_training(screen: str) -> bool:
    """Tell whether the run has taken steps."""
    return TRAINS.search(screen) is not None


def main() -> None:
    """Print a line for each way to leave."""
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
        print(f"{name:36} median {statistics.median(times):5.2f} s   longest {max(times):5.2f} s   bar {BAR:.0f} s")
    sys.exit(slow)


if __name__ == "__main__":
    main()
