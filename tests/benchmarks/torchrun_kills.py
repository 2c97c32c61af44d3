"""Kills processes that torchrun started, at random moments, and lets torchrun start them again.

    python -m tests.benchmarks.torchrun_kills [KILLS]

Two processes train one model. Each kill hits one of them by chance; of five kills, one comes while the processes are
still starting. torchrun then ends the other process and starts both again. After each kill, the newest checkpoints must
load and verify, and at most one autosave interval may be lost. At the end, the run must equal a run of two processes
without kills, bit for bit, and no process may be left over.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import torch

from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.runs.run import Run
from core.runs.summary import epochs_of

AUTOSAVE = 0.5
"""Seconds between two saves. With the usual 30, the kills would take hours."""
PROCESSES = 2
EARLY_EACH = 5
"""Of this many kills, one comes before the processes train."""
WAIT = 120.0
"""Seconds until processes that report nothing count as hanging."""

_MARK = "CHARLSTM_TORCHRUN_TEST"  # environment variable by which the processes of one torchrun are found


class TorchrunKills(NamedTuple):
    """Results of the kills."""

    kills: int
    of_rank_0: int
    early: int
    """How many of them came before the processes trained."""
    costly: int
    """How many of them lost steps."""
    most_lost: float
    """Largest number of seconds of training lost by a kill."""
    most_steps_lost: int
    longest_recovery: float
    """Largest number of seconds from a kill to the first report of steps by the new processes."""
    mean_recovery: float
    wrong: list[str]


class Torchrun:
    """A call of torchrun, its processes, and the events that rank 0 prints."""

    def __init__(
        self,
        folder: Path,
        *arguments: object,
        processes: int = PROCESSES,
        restarts: int = 0,
        environment: dict[str, str] | None = None,
        before: Callable[[], object] | None = None,
    ) -> None:
        """Start `python -m charlstm_tui` with these arguments in several processes.

        Args:
            folder: where the output to stderr is written, to a file of its own.
            arguments: arguments of `charlstm_tui`, or a path of a script and its arguments.
            processes: number of processes.
            restarts: how often torchrun may start them again.
            environment: variables to add to the environment.
            before: is called in the new process, before torchrun starts there.
        """
        target = [*arguments] if str(arguments[0]).endswith(".py") else ["-m", "charlstm_tui", *arguments]
        command = [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
            "--max-restarts", str(restarts), *map(str, target),
        ]  # fmt: skip
        self._mark = uuid.uuid4().hex
        self._said = folder / f"{self._mark}.stderr"
        with self._said.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=file,
                env=os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {}) | {_MARK: self._mark},
                preexec_fn=before,
                start_new_session=True,
            )
        self.lines: list[str] = []
        """What was printed on stdout."""
        self.events: list[dict[str, Any]] = []
        """The events among these lines."""
        self._changed = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ranks(self) -> dict[int, psutil.Process]:
        """Return the processes that torchrun started and that are alive, by rank."""
        ranks = {}
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children():
                with contextlib.suppress(psutil.Error, KeyError):
                    if child.status() != psutil.STATUS_ZOMBIE:
                        ranks[int(child.environ()["RANK"])] = child
        return ranks

    def wait_for(self, event: str, *, after: int = 0) -> int:
        """Wait until an event is printed; return how many events were printed up to it.

        Args:
            event: the name of the event.
            after: number of events to skip.

        Raises:
            RuntimeError: the processes end before, or print no such event for a long time.
        """
        until = time.monotonic() + WAIT
        with self._changed:
            while True:
                for number, printed in enumerate(self.events[after:], after + 1):
                    if printed["event"] == event:
                        return number
                if self._over or not self._changed.wait(until - time.monotonic()):
                    raise RuntimeError(f"no event {event}: {self.errors()[-3000:]}")

    def is_over(self) -> bool:
        """Return whether all processes have closed their output."""
        return self._over

    def wait(self) -> int:
        """Wait until torchrun and its processes end; return its exit code.

        Raises:
            RuntimeError: they print nothing for a long time and do not end, or one is left over. They are killed then.
        """
        try:
            until, printed = time.monotonic() + WAIT, 0
            while self._reader.is_alive() and time.monotonic() < until:
                self._reader.join(0.1)
                if len(self.lines) > printed:
                    until, printed = time.monotonic() + WAIT, len(self.lines)
            if self._reader.is_alive():
                raise RuntimeError(f"the processes print nothing and do not end: {self.errors()[-3000:]}")
            code = self.process.wait(WAIT)
            until = time.monotonic() + WAIT
            while left := self.left_over():
                if time.monotonic() > until:
                    raise RuntimeError(f"processes are left over: {left}")
                time.sleep(0.1)
        except BaseException:
            self.kill()
            raise
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def left_over(self) -> list[int]:
        """Return the ids of its processes that are alive, torchrun included."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == self._mark:
                    found.append(process.pid)
        return found

    def kill(self) -> None:
        """Kill everything that is left."""
        for number in self.left_over():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait()

    def errors(self) -> str:
        """Return what was printed on stderr."""
        return self._said.read_text("utf-8", "replace")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            text = line.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                self.lines.append(text)
                with contextlib.suppress(ValueError):  # a process was killed while it printed the line
                    self.events.append(json.loads(text))
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()


def kill_ranks(
    folder: Path, settings: list[str], kills: int, *, longest: float = 1.5, slack: float = 0.0
) -> TorchrunKills:
    """Train in `folder` with these options of `train`, kill processes `kills` times, then let the run finish.

    Each kill comes at most `longest` seconds after the first steps, or during the start of the processes. At most one
    autosave interval and `slack` seconds may be lost. A second run, called "whole", is never killed, and both must end
    the same.
    """
    chance = random.Random(0)
    killed, whole = Run(folder / "killed"), Run(folder / "whole")
    folder.mkdir(parents=True, exist_ok=True)
    train = ["train", "--runs", str(folder), "--autosave", str(AUTOSAVE), "--json", *settings, "--name"]
    launch = Torchrun(folder, *train, killed.name, restarts=kills + 3)
    costs, recoveries, wrong = list[tuple[float, int]](), list[float](), list[str]()
    of_rank_0, early, killed_at = 0, 0, 0.0
    processes: dict[int, psutil.Process] = {}
    try:
        for number in range(kills):
            processes = _started(launch, processes)
            is_early = number % EARLY_EACH == EARLY_EACH - 1
            begun = len(launch.events)
            if is_early:
                early += 1
                time.sleep(chance.uniform(0.0, min(recoveries)))
            else:
                launch.wait_for("steps_completed", after=begun)
                if number:
                    recoveries.append(time.monotonic() - killed_at)
                time.sleep(chance.uniform(0.0, longest))
                _wait_until_a_kill_costs(launch, killed, begun)
            rank = chance.randrange(PROCESSES)
            of_rank_0 += rank == 0
            killed_at = time.monotonic()
            processes[rank].kill()
            _, alive = psutil.wait_procs(processes.values(), timeout=WAIT)
            wrong += [f"kill {number + 1}: process {each.pid} did not end" for each in alive]
            costs.append(_cost(killed, launch.events[begun:]))
            wrong += [f"kill {number + 1}: {fault}" for fault in _faults(killed)]
            if costs[-1][0] > AUTOSAVE + slack:
                wrong.append(f"kill {number + 1}: {costs[-1][0]:.2f} s were lost")
        _started(launch, processes)
        launch.wait_for("steps_completed", after=len(launch.events))
        recoveries.append(time.monotonic() - killed_at)
    except RuntimeError as error:
        wrong.append(f"kill {len(costs) + 1}: {error}")
        launch.kill()
    else:
        wrong += _end(launch) or _end(Torchrun(folder, *train, whole.name)) or _differences(killed, whole)
    return TorchrunKills(
        kills=len(costs),
        of_rank_0=of_rank_0,
        early=early,
        costly=sum(steps > 0 for _, steps in costs),
        most_lost=max((seconds for seconds, _ in costs), default=0.0),
        most_steps_lost=max((steps for _, steps in costs), default=0),
        longest_recovery=max(recoveries, default=0.0),
        mean_recovery=sum(recoveries) / max(len(recoveries), 1),
        wrong=wrong,
    )


def _started(launch: Torchrun, before: dict[int, psutil.Process]) -> dict[int, psutil.Process]:
    """Wait until torchrun has started all processes, and return them; `before` contains those that have ended.

    Raises:
        RuntimeError: torchrun ends, or does not start them.
    """
    until = time.monotonic() + WAIT
    while time.monotonic() < until and launch.process.poll() is None:
        ranks = launch.ranks()
        if len(ranks) == PROCESSES and not any(ranks[rank] == process for rank, process in before.items()):
            return ranks
        time.sleep(0.01)
    raise RuntimeError(f"the processes were not started: {launch.errors()[-3000:]}")


def _wait_until_a_kill_costs(launch: Torchrun, run: Run, begun: int) -> None:
    """Wait until steps were taken since the last save; `begun` is the number of events of earlier processes."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until and not launch.is_over() and not _cost(run, launch.events[begun:])[1]:
        time.sleep(0.005)


def _cost(run: Run, events: list[dict[str, Any]]) -> tuple[float, int]:
    """Return how many seconds and steps of training are not in the last checkpoint, of those in these events."""
    reports = [event for event in events if event["event"] == "steps_completed"]
    if not reports:
        return 0.0, 0
    seconds, steps = reports[-1]["elapsed_seconds"], reports[-1]["total_steps"]
    if run.last_path.exists():
        saved = load_snapshot(run.last_path).now.counters
        seconds, steps = seconds - saved.elapsed, steps - saved.steps
    return max(seconds, 0.0), max(steps, 0)


def _faults(run: Run) -> list[str]:
    """Return what is wrong with the files of a run whose processes were killed."""
    try:
        if run.last_path.exists():
            load_snapshot(run.last_path)
        if run.best_path.exists():
            load_checkpoint(run.best_path)
        done = [epoch.epoch for epoch in epochs_of(run.events())]
    except Exception as error:  # whatever is wrong, it is a result
        return [str(error)]
    return [] if done == [*range(1, len(done) + 1)] else [f"the metrics have epochs {done}"]


def _end(launch: Torchrun) -> list[str]:
    """Wait until torchrun ends; return what is wrong with how it ended."""
    try:
        code = launch.wait()
    except RuntimeError as error:
        return [str(error)]
    ended = launch.events[-1] if launch.events else {}
    if code or ended.get("reason") != "finished":
        return [f"torchrun ended with code {code}, the run with {ended}: {launch.errors()[-3000:]}"]
    return []


def _differences(one: Run, other: Run) -> list[str]:
    """Return descriptions of the differences between two finished runs: weights, optimizer, random numbers, losses."""
    wrong = []
    models = [load_checkpoint(run.best_path).model.state_dict() for run in (one, other)]
    states = [load_snapshot(run.last_path).now.tensors for run in (one, other)]
    for name, (mine, its) in (("best", models), ("last", states)):
        wrong += [f"the {name} checkpoints have different tensors"] * (mine.keys() != its.keys())
        wrong += [f"{key} differs in the {name} checkpoint" for key in mine.keys() & its.keys()
                  if not torch.equal(mine[key], its[key])]  # fmt: skip
    losses = [[(epoch.epoch, epoch.train_loss, epoch.val_loss) for epoch in epochs_of(run.events())]
              for run in (one, other)]  # fmt: skip
    return wrong if losses[0] == losses[1] else [*wrong, "the losses differ"]


def main() -> None:
    """Run the kills and print the results."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    settings = [
        "--corpus", "l-homme-aux-contrats", "--limit", "60000", "--preset", "quick", "--hidden-size", "64",
        "--streams", "16", "--epochs", str(3 * kills + 10), "--output-dropout", "0.1", "--weight-drop", "0.2",
        "--averaging", "0.99", "--device", "cpu", "--precision", "fp32", "--threads", "1",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        seen = kill_ranks(Path(folder), settings, kills)
    print(
        f"{seen.kills} kills in {time.monotonic() - began:.0f} s, {seen.of_rank_0} of them of rank 0; {seen.early} "
        f"came while the processes were starting, {seen.costly} lost steps"
    )
    print(f"most training lost: {seen.most_lost:.2f} s, {seen.most_steps_lost} steps, saving every {AUTOSAVE} s")
    print(
        f"from a kill to the first steps of the new processes: {seen.longest_recovery:.1f} s at most, "
        f"{seen.mean_recovery:.1f} s on average"
    )
    print(
        "\n".join(seen.wrong)
        or f"every checkpoint loaded and verified; the run ended like one of {PROCESSES} processes without kills"
    )
    sys.exit(bool(seen.wrong))


if __name__ == "__main__":
    main()
