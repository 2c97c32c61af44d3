"""Benchmarks of the app in a pseudo-terminal: its training speed, the delay of its keys, and its memory.

    python -m tests.benchmarks.app speed TEXT [ROUNDS]     training speed compared with the shell's, in turn
    python -m tests.benchmarks.app keys TEXT [PRESSES]     delay from a key to its repaint, while `standard` trains
    python -m tests.benchmarks.app long TEXT [STEPS]       memory and repaints at the start and the end of a long run
    python -m tests.benchmarks.app writing TEXT            training speed while a text is generated

The output is read as bytes. It is not passed to a terminal emulator, which would take CPU time from the training.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pexpect
import psutil

from charlstm_tui.state.preferences import Preferences
from core.data.corpus import CorpusConfig
from core.runs.run import RunConfig
from core.settings.config import configure
from core.settings.presets import preset_named

SECONDS = 15.0
"""Seconds of training from which a speed is computed."""


class App:
    """The app in a terminal of 120 by 40 cells, with settings ready to be started by a key."""

    def __init__(self, folder: Path, config: RunConfig) -> None:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        remembered = msgspec.json.encode(Preferences(run=config))
        (folder / "data" / "preferences.json").write_bytes(remembered)
        self.runs = folder / "runs"
        env = os.environ | {
            "CHARLSTM_DATA": str(folder / "data"), "CHARLSTM_RUNS": str(self.runs), "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }  # fmt: skip
        self._process = pexpect.spawn(sys.executable, ["-m", "charlstm_tui"], env=env, dimensions=(40, 120), timeout=60)
        self._process.delaybeforesend = None  # by default pexpect waits 50 ms before each key
        self._until(b"Start training")
        time.sleep(1.0)

    def __enter__(self) -> "App":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close(force=True)

    def start(self) -> None:
        """Start the run and wait for its first steps."""
        self._process.send("s")
        self._until(b"gone")

    def type(self, key: str) -> None:
        """Press a key and read its output."""
        self._process.send(key)
        self.drain(0.8)

    def press(self, key: str, shows: bytes) -> float:
        """Return the seconds from a key to the first bytes of its output."""
        self.drain(0.0)
        began = time.perf_counter()
        self._process.send(key)
        self._until(shows)
        return time.perf_counter() - began

    def drain(self, seconds: float) -> None:
        """Read the output for some time."""
        until = time.monotonic() + seconds
        while True:
            try:
                self._process.read_nonblocking(1 << 16, timeout=max(until - time.monotonic(), 0))
            except pexpect.TIMEOUT:
                if time.monotonic() >= until:
                    return

    def memory(self) -> int:
        """Return the resident memory of the app in bytes."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def epochs(self) -> list[dict[str, float]]:
        """Return the completed epochs from the run's log."""
        lines = [line for path in self.runs.glob("*/metrics.jsonl") for line in path.read_text().splitlines()]
        return [event for event in map(json.loads, lines) if event["event"] == "epoch_completed"]

    def end(self) -> None:
        """Quit and save the run."""
        self.type("q")
        self._process.send("s")
        self._process.expect(pexpect.EOF)

    def _until(self, shown: bytes) -> None:
        seen = b""
        while shown not in seen:
            seen = seen[-200:] + self._process.read_nonblocking(1 << 16, timeout=60)


def asked_for(text: Path, *, limit: int | None = None, **changes: object) -> RunConfig:
    """Return the settings of `standard` with some changes."""
    preset = preset_named("standard")
    model = {name: value for name, value in changes.items() if hasattr(preset.model, name)}
    training = {name: value for name, value in changes.items() if name not in model}
    return RunConfig(
        preset="standard",
        corpus=CorpusConfig.typed(str(text), limit),
        model=configure(preset.model, model),
        training=configure(preset.training, training),
    )


def speed(text: Path, rounds: int) -> None:
    """Print the characters per second of the app and of the shell, over the same steps, and their ratio."""
    config = asked_for(text, limit=120_000, epochs=4, threads=os.cpu_count() or 1, precision="fp32")
    ratios = []
    for number in range(rounds):
        app, shell = in_app(config), in_shell(config)
        if number % 2:  # alternate which one runs first
            shell, app = in_shell(config), in_app(config)
        ratios.append(app / shell)
        print(f"round {number + 1}:  app {app:9,.0f} char/s   shell {shell:9,.0f} char/s   ratio {app / shell:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f}")


def in_app(config: RunConfig) -> float:
    """Return the characters per second of a run in the app, from its second epoch on."""
    folder = Path(tempfile.mkdtemp())
    try:
        with App(folder, config) as app:
            app.start()
            while len(app.epochs()) < config.training.epochs:
                app.drain(0.2)
            epochs = app.epochs()
            app.end()
        return _speed(epochs, config)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def in_shell(config: RunConfig) -> float:
    """Return the same for a run in the shell, which also shows its progress."""
    folder = Path(tempfile.mkdtemp())
    env = os.environ | {"CHARLSTM_DATA": str(folder), "TERM": "xterm-256color"}
    training = config.training
    arguments = [
        "train", "--preset", "standard", "--corpus", config.corpus.source, "--limit", str(config.corpus.limit),
        "--epochs", str(training.epochs), "--threads", str(training.threads), "--precision", training.precision,
        "--runs", str(folder / "runs"), "--name", "shell",
    ]  # fmt: skip
    try:
        process = pexpect.spawn(sys.executable, ["-m", "charlstm_tui", *arguments], env=env, dimensions=(40, 120))
        process.expect(pexpect.EOF, timeout=600)
        lines = map(json.loads, (folder / "runs" / "shell" / "metrics.jsonl").read_text().splitlines())
        return _speed([line for line in lines if line["event"] == "epoch_completed"], config)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _speed(epochs: list[dict[str, float]], config: RunConfig) -> float:
    first, last = epochs[0], epochs[-1]
    steps = last["total_steps"] - first["total_steps"]
    characters = steps * config.training.streams * config.training.window
    return float(characters / (last["elapsed_seconds"] - first["elapsed_seconds"]))


def keys(text: Path, presses: int) -> None:
    """Print how long a key's repaint takes while `standard` trains: median, 99th percentile, maximum."""
    folder = Path(tempfile.mkdtemp())
    try:
        with App(folder, asked_for(text)) as app:
            app.start()
            app.drain(3.0)
            _print_times("key to repaint", _cycle(app, presses))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cycle(app: App, presses: int) -> list[float]:
    """Return the delays of the smoothing key, in seconds; each press changes a word of the legend."""
    times = []
    for number in range(presses):
        app.drain(0.05 + 0.11 * (number % 3))
        times.append(app.press("v", (b"strong", b"off", b"light")[number % 3]))
    return times


def _print_times(what: str, times: list[float]) -> None:
    ordered = sorted(1000 * seconds for seconds in times)
    at_99 = ordered[min(round(0.99 * len(ordered)), len(ordered) - 1)]
    median, most = statistics.median(ordered), ordered[-1]
    print(f"{what}: median {median:.0f} ms, p99 {at_99:.0f} ms, max {most:.0f} ms of {len(ordered)}")


def writing(text: Path) -> None:
    """Print the speed of a training run alone, and while the Generate screen generates from it."""
    config = asked_for(text, limit=120_000, epochs=30, threads=os.cpu_count() or 1, precision="fp32")
    folder = Path(tempfile.mkdtemp())
    back = "\x1b[Z"
    typed = {
        "alone": [],
        # Tab from the prompt over the text and the pace to the length; 0 is no limit.
        "at 60 characters a second": ["3", back, back, back, "0", "\r"],
        "as fast as they come": ["\x1b", "i", back, back, "0", "\r"],
    }
    try:
        with App(folder, config) as app:
            app.start()
            while len(app.epochs()) < 1:
                app.drain(0.2)
            speeds = []
            for what, keys in typed.items():
                for key in keys:
                    app.type(key)
                until = len(app.epochs()) + 4  # the first of them does not count: it began before
                while len(app.epochs()) < until:
                    app.drain(0.2)
                speeds.append(_speed(app.epochs()[-4:], config))
                print(f"{what:26} {speeds[-1]:9,.0f} char/s   {speeds[-1] / speeds[0]:.3f} of the speed alone")
            app.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def long(text: Path, steps: int) -> None:
    """Print memory and repaint times after a twentieth of a long run and at its end."""
    config = asked_for(
        text, limit=20_000, hidden_size=16, embedding_size=8, streams=1, window=10, epochs=-(-steps // 1_760),
        weight_drop=0, output_dropout=0, averaging=0, threads=1, precision="fp32",
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp())
    try:
        with App(folder, config) as app:
            app.start()
            for share in (0.05, 0.25, 0.5, 0.95):
                while not app.epochs() or app.epochs()[-1]["total_steps"] < share * steps:
                    app.drain(0.5)
                done = app.epochs()[-1]["total_steps"]
                _print_times(f"{done:9,.0f} steps, {app.memory() / 1e6:6.1f} MB, key to repaint", _cycle(app, 30))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Run the named benchmark."""
    what, text = sys.argv[1], Path(sys.argv[2]).resolve()
    number = int(sys.argv[3]) if len(sys.argv) > 3 else {"speed": 3, "keys": 150, "long": 100_000}.get(what, 0)
    if what == "writing":
        writing(text)
    else:
        {"speed": speed, "keys": keys, "long": long}[what](text, number)


if __name__ == "__main__":
    main()
