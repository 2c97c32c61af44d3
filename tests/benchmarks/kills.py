"""Kills a training process at random moments, half of them during a save, and resumes it each time.

    python -m tests.benchmarks.kills [KILLS]

After each kill, the newest checkpoints must load and verify, at most one autosave interval may be lost, and temporary
files must not accumulate. After the last kill, the run is finished and must equal a run without kills, bit for bit.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import torch
from click.testing import CliRunner

from charlstm_tui.cli import commands
from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.runs.run import Run
from core.runs.summary import epochs_of

AUTOSAVE = 0.5
"""Seconds between two saves. With the usual 30, 200 kills would take hours."""


class Kills(NamedTuple):
    """Results of the kills."""

    kills: int
    amid_a_save: int
    most_lost: float
    """Largest number of seconds of training lost by a kill."""
    most_leftovers: int
    """Largest number of temporary files after a kill."""
    wrong: list[str]


def kill_often(folder: Path, settings: list[str], kills: int, *, longest: float = 1.5, slack: float = 0.0) -> Kills:
    """Train in `folder` with these options of `train`, kill the process `kills` times, then let it finish.

    Each kill comes at most `longest` seconds after the first steps. At most one autosave interval and `slack` seconds
    may be lost; tests set no limit, since a busy machine saves late. A second run, called "whole", is never killed, and
    both must end the same.
    """
    chance = random.Random(0)
    run = Run(folder / "killed")
    amid, most_lost, leftovers, wrong = 0, 0.0, 0, []
    for number in range(kills):
        trainer = _Process(folder, run, settings)
        amid_a_save = number % 2 == 0
        elapsed = trainer.kill_after(chance.uniform(0.05, longest), amid_a_save=amid_a_save)
        left = list(run.path.glob("*.tmp"))
        amid += bool(left)
        leftovers = max(leftovers, len(left))
        try:
            saved = load_snapshot(run.last_path).now.counters.elapsed if run.last_path.exists() else 0.0
            if run.best_path.exists():
                load_checkpoint(run.best_path)
            done = [epoch.epoch for epoch in epochs_of(run.events())]
            if done != list(range(1, len(done) + 1)):
                wrong.append(f"kill {number + 1}: the metrics have epochs {done}")
        except Exception as error:
            wrong.append(f"kill {number + 1}: {error}")
            continue
        most_lost = max(most_lost, elapsed - saved)
        if elapsed - saved > AUTOSAVE + slack:
            wrong.append(f"kill {number + 1}: {elapsed - saved:.2f} s were lost")
    _Process(folder, run, settings).wait()
    whole = Run(folder / "whole")
    train = ["train", "--runs", str(folder), "--autosave", str(AUTOSAVE), "--name", whole.name, *settings]
    CliRunner().invoke(commands, train, catch_exceptions=False)
    wrong += _differences(run, whole)
    return Kills(kills, amid, most_lost, leftovers, wrong)


class _Process:
    """A training process and its reported progress."""

    def __init__(self, folder: Path, run: Run, settings: list[str]) -> None:
        what = ["--resume", run.name] if run.config_path.exists() else ["--name", run.name, *settings]
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "charlstm_tui",
            "train",
            "--runs",
            folder,
            "--autosave",
            str(AUTOSAVE),
        ]
        self._folder = run.path
        self._process = subprocess.Popen([*command, *what, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._elapsed = 0.0
        self._stepping = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def kill_after(self, seconds: float, *, amid_a_save: bool) -> float:
        """Kill the process some time after its first steps, or at the next save then; return its reported progress."""
        if not self._stepping.wait(120):
            raise RuntimeError(f"it does not train: {self._errors()}")
        time.sleep(seconds)
        until = time.monotonic() + 10
        temporary = [self._folder / f".{name}.safetensors.tmp" for name in ("best", "last")]
        while amid_a_save and time.monotonic() < until and not any(map(os.path.exists, temporary)):
            pass  # a save takes milliseconds
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        return self._elapsed

    def wait(self) -> None:
        """Wait until the process ends."""
        self._reader.join()
        if self._process.wait():
            raise RuntimeError(f"it failed: {self._errors()}")

    def _errors(self) -> str:
        self._process.kill()
        assert self._process.stderr is not None
        return self._process.stderr.read().decode(errors="replace")[-1000:]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith(b"\n"):
                event = json.loads(line)
                self._elapsed = max(self._elapsed, event.get("elapsed_seconds", 0.0))
                if event["event"] == "steps_completed":
                    self._stepping.set()


def _differences(one: Run, other: Run) -> list[str]:
    """Return descriptions of the differences between two finished runs."""
    wrong = []
    for a, b in ((one.best_path, other.best_path), (one.last_path, other.last_path)):
        mine, its = load_checkpoint(a).model.state_dict(), load_checkpoint(b).model.state_dict()
        wrong += [f"{a.name}: {name} differs" for name in mine if not torch.equal(mine[name], its[name])]
    losses = [[(epoch.epoch, epoch.train_loss, epoch.val_loss) for epoch in epochs_of(run.events())]
              for run in (one, other)]  # fmt: skip
    return wrong if losses[0] == losses[1] else [*wrong, "the losses differ"]


def main() -> None:
    """Run the kills and print the results."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    settings = [
        "--corpus", "l-homme-aux-contrats", "--preset", "small", "--hidden-size", "256", "--epochs", "100",
        "--precision", "fp32", "--threads", "1",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        seen = kill_often(Path(folder), settings, kills)
        size = (Path(folder) / "whole" / "last.safetensors").stat().st_size
    print(f"{seen.kills} kills in {time.monotonic() - started:.0f} s, {seen.amid_a_save} of them during a save")
    print(
        f"most training lost: {seen.most_lost:.2f} s, saving every {AUTOSAVE} s ({size / 1e6:.1f} MB at an epoch's end)"
    )
    print(f"most temporary files after a kill: {seen.most_leftovers}")
    print("\n".join(seen.wrong) or "every checkpoint loaded and verified; the run ended like one without kills")
    sys.exit(bool(seen.wrong))


if __name__ == "__main__":
    main()
