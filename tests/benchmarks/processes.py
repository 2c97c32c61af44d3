"""Benchmark of a training step in several processes: one process with two threads against two with one thread each.

    python -m tests.benchmarks.processes [TEXT] [--preset standard] [--hidden 0 128] [--optimizers adamw muon]
                                         [--precision auto] [--bursts 8] [--seconds 1] [--patience 300] [--json]

TEXT is by default the play that comes with the program. All sides take the same steps on the same streams, with the
streams and the window of the preset, in the same precision:

    one      one process with two threads reads all streams
    two      two processes of one thread; each reads half of the streams. Steps are those of a run: command, gradients,
             loss (`core.training.replica`)
    half     one process with one thread reads half of the streams: the computation of one of the two, with the other
             core idle
    apart    two such processes at the same time, without communication: shared caches and memory slow them down

torchrun starts two processes, which take the sides in turn, in bursts of a second, in the opposite order every other
round. In the sides of one process, the other one waits and uses no CPU. A burst during which other programs took over
5 % of the CPU does not count. Rounds continue until each side has enough bursts; after --patience seconds, the least
disturbed ones count, and the largest share of the other programs is printed as "others".

The time of a step is the median of its side. Communication is what a step of `two` takes longer than one of `apart`:

    sent       the three messages of a step, measured alone between two idle processes over gloo on the same machine:
               the gradients, the command, the loss
    waiting    a step ends when the slower process ends: mean of the longer of two steps of `apart`, less their mean
    the rest   copies between the gradients and the buffers that are sent, and what messages of busy processes take
               longer than those of idle ones

The update of the weights (clipping, optimizer, average of the weights) is not divided: each process repeats it for all
weights. With Muon, most of it is the orthogonalisation. It is measured with two threads, with one, and with one in
two processes at the same time.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median

import msgspec
import psutil
import torch
import torch.distributed as dist
from msgspec import Struct, structs
from torch import Tensor, nn

from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.streams import Streams
from core.data.vocabulary import Vocabulary
from core.model.device import ComputeSettings, choose
from core.settings.config import ModelConfig, TrainingConfig
from core.settings.forecast import count_parameters
from core.settings.presets import preset_named
from core.training.learner import Learner
from core.training.optimizer import Optimizer
from core.training.process_group import Command, ProcessGroup, joined
from core.training.replica import LeadingReplica, Replica
from core.training.weight_average import WeightAverage

PROCESSES = 2
QUIET = 0.05
"""Share of the CPU that other programs may take during a burst that counts."""
SKIPPED = 2
"""Steps at the start of a burst that are not timed: the data of the side before is in the caches."""
UPDATES = 3
"""Timed updates of the weights in a burst."""
MESSAGES = 6
"""Timed messages of each size in a burst."""
RATE = 0.001
FLOAT = 4
"""Bytes of a number: gradients are float32, also with bf16."""


class Side(Struct, frozen=True, kw_only=True):
    """What is measured in turn with other sides."""

    processes: int = 1
    threads: int = 1
    """Threads of each process."""
    streams: int = 0
    """Streams that each process reads; 0 for messages without steps."""
    together: bool = False
    """Whether the processes train one model: steps are those of a data-parallel run."""


class Job(Struct, frozen=True, kw_only=True):
    """A network and the sides to measure with it."""

    corpus: CorpusConfig
    model: ModelConfig
    training: TrainingConfig
    compute: ComputeSettings
    sides: dict[str, Side]
    sizes: list[int]
    """Bytes of the messages of the sides without steps."""
    bursts: int = 8
    """Number of bursts of each side."""
    seconds: float = 1.0
    """Time of the steps of a burst."""
    patience: float = 300.0
    """How long to measure in all."""


class Burst(Struct, frozen=True, kw_only=True):
    """What all processes measured in a burst, in seconds; the first index is the rank."""

    steps: list[list[float]]
    updates: list[list[float]]
    """Clipping, optimizer and average of the weights."""
    optimizers: list[list[float]]
    """The optimizer in that."""
    messages: list[list[float]]
    """Median time of a sum over the processes for each size; of a command; of the mean of a loss."""
    others: float
    """Share of the CPU time that other programs took meanwhile."""


class Result(Struct, frozen=True):
    """The bursts of a side that count."""

    bursts: list[Burst]

    @property
    def step(self) -> float:
        """Median time of a step, in seconds."""
        return median([step for burst in self.bursts for steps in burst.steps for step in steps])

    @property
    def step_of_bursts(self) -> list[float]:
        """Median time of a step of each burst, in seconds."""
        return [median([step for steps in burst.steps for step in steps]) for burst in self.bursts]

    @property
    def update(self) -> float:
        """Median time of an update of the weights, in seconds."""
        return median([took for burst in self.bursts for updates in burst.updates for took in updates])

    @property
    def optimizer(self) -> float:
        """Median time of the optimizer in it, in seconds."""
        return median([took for burst in self.bursts for updates in burst.optimizers for took in updates])

    @property
    def messages(self) -> list[float]:
        """Median time of each message, in seconds: a sum for each size, a command, a loss."""
        of_bursts = [burst.messages[0] for burst in self.bursts]
        return [median(each) for each in zip(*of_bursts, strict=True)]

    @property
    def waiting(self) -> float:
        """Mean of the longest of the processes' steps, less their mean, in seconds."""
        pairs: list[tuple[float, ...]] = [pair for burst in self.bursts for pair in zip(*burst.steps, strict=False)]
        return mean([max(pair) - mean(pair) for pair in pairs])

    @property
    def others(self) -> float:
        """Largest share of the CPU time that other programs took during a burst."""
        return max(burst.others for burst in self.bursts)


# --- in the processes that measure


class Work:
    """The sides of a job in one process."""

    def __init__(self, job: Job, group: ProcessGroup) -> None:
        self.job = job
        self.group = group
        self._corpus = load_corpus(job.corpus)
        self._steps: dict[str, Callable[[], object]] = {}
        self._updates: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {}
        for name, side in job.sides.items():
            if side.streams and group.rank < side.processes:
                with self._compute(side).applied():
                    self._prepare(name, side)

    def _compute(self, side: Side) -> ComputeSettings:
        return structs.replace(self.job.compute, threads=side.threads)

    def _prepare(self, name: str, side: Side) -> None:
        job, rank = self.job, self.group.rank
        columns = slice(rank * side.streams, (rank + 1) * side.streams)
        vocabulary = Vocabulary(self._corpus.characters)
        ids = self._corpus.part("train", job.training.validation).ids(vocabulary)
        streams = Streams(ids, streams=job.training.streams, window=job.training.window, columns=columns)
        group = self.group if side.together else None
        learner = Learner(job.model, len(vocabulary), job.training, self._compute(side), group)
        if side.together and rank == 0:
            leading = LeadingReplica(learner, streams, self.group)
            self._steps[name] = lambda: leading.step(RATE)
        else:
            replica = Replica(learner, streams, group)
            self._steps[name] = (lambda: self._follow(replica)) if side.together else (lambda: replica.step(RATE))
        self._updates[name] = updates_of(learner)

    def _follow(self, replica: Replica) -> bool:
        """Do what rank 0 says next, as `core.training.follower` does; return whether it was a step."""
        command, rate = self.group.receive()
        if command is Command.STEP:
            replica.step(rate)
        return command is Command.STEP

    def burst(self, name: str) -> Burst | None:
        """Measure a side once. All processes call this; rank 0 returns what all measured."""
        side, group = self.job.sides[name], self.group
        group.barrier()
        machine, own = busy_seconds(), time.process_time()
        began = time.perf_counter()
        tensors: dict[str, Tensor] = {}
        with self._compute(side).applied():
            if not side.streams:
                tensors["messages"] = torch.tensor(list(time_messages(self.job.sizes, group)), dtype=torch.float64)
            elif group.rank < side.processes:
                tensors["steps"] = torch.tensor(self._timed_steps(name, side), dtype=torch.float64)
                if not side.together:
                    for key, task in zip(("updates", "optimizers"), self._updates[name], strict=True):
                        task()
                        tensors[key] = torch.tensor(timed(task, times=UPDATES), dtype=torch.float64)
        tensors["own"] = torch.tensor(time.process_time() - own, dtype=torch.float64)
        parts = group.gather(tensors)
        if not group.leads:
            return None
        took = time.perf_counter() - began
        others = busy_seconds() - machine - sum(float(part["own"]) for part in parts)

        def of_all(key: str) -> list[list[float]]:
            return [part[key].tolist() for part in parts if key in part]

        return Burst(
            steps=of_all("steps"),
            updates=of_all("updates"),
            optimizers=of_all("optimizers"),
            messages=of_all("messages"),
            others=max(0.0, others) / (took * (os.cpu_count() or 1)),
        )

    def _timed_steps(self, name: str, side: Side) -> list[float]:
        step = self._steps[name]
        if side.together and not self.group.leads:
            while step():
                pass
            return []
        for _ in range(SKIPPED):
            step()
        steps = timed(step, seconds=self.job.seconds)
        if side.together:
            self.group.send(Command.END)  # of the burst
        return steps


def updates_of(learner: Learner) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return a task like the update of the weights in a learner's step, and one with only its optimizer."""
    config, model = learner.config, learner.model
    optimizer = Optimizer(model, config, torch.bfloat16 if learner.compute.precision == "bf16" else torch.float32)
    average = WeightAverage(model, config.averaging) if config.averaging else None

    def step() -> None:
        optimizer.step(0.0)

    def update() -> None:
        if config.gradient_clip:
            nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
        step()
        if average is not None:
            average.update(model)

    return update, step


def time_messages(sizes: list[int], group: ProcessGroup) -> Iterator[float]:
    """Yield the median time of a sum for each size, of a command from one process to another, of a mean loss."""
    for size in sizes:
        numbers = torch.zeros(max(size // FLOAT, 1))
        yield median(timed(lambda numbers=numbers: dist.all_reduce(numbers), times=MESSAGES, before=group.barrier))  # type: ignore[misc]
    command, loss = torch.zeros(2, dtype=torch.float64), torch.tensor(1.0)

    def there_and_back() -> None:
        for source in range(group.size):
            dist.broadcast(command, source)

    yield median(timed(there_and_back, times=4 * MESSAGES, before=group.barrier)) / group.size
    yield median(timed(lambda: group.mean(loss), times=4 * MESSAGES, before=group.barrier))


def timed(
    task: Callable[[], object], *, seconds: float = 0.0, times: int = 2, before: Callable[[], None] | None = None
) -> list[float]:
    """Return the seconds of each repetition of a task: at least `times`, and for at least `seconds`."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    while len(took) < times or time.perf_counter() < until:
        if before is not None:
            before()
        began = time.perf_counter()
        task()
        took.append(time.perf_counter() - began)
    return took


def busy_seconds() -> float:
    """Return the CPU time of all programs since the start of this computer."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.system + getattr(spent, "nice", 0.0))


def work(job: Job) -> dict[str, list[Burst]] | None:
    """Measure the sides in turn; rank 0 returns the bursts that count."""
    with joined() as group:
        torch.set_num_threads(1)
        here = Work(job, group)
        for name in job.sides:
            here.burst(name)  # one-time setup
        found: dict[str, list[Burst]] = {name: [] for name in job.sides}
        until = time.monotonic() + job.patience
        number = 0
        while True:
            missing = [name for name, bursts in found.items() if count_quiet(bursts) < job.bursts]
            if time.monotonic() > until and all(found.values()):
                missing = []
            missing = group.broadcast(missing if number % 2 == 0 else missing[::-1])
            if not missing:
                break
            for name in missing:
                burst = here.burst(name)
                if burst is not None:
                    found[name].append(burst)
            number += 1
        if not group.leads:
            group.receive()  # rank 0 sends END
            return None
    return {name: sorted(bursts, key=lambda burst: burst.others)[: job.bursts] for name, bursts in found.items()}


def count_quiet(bursts: list[Burst]) -> int:
    """Return the number of bursts that other programs did not disturb."""
    return sum(burst.others <= QUIET for burst in bursts)


# --- in the process that compares


def measure(job: Job) -> dict[str, Result]:
    """Measure the sides of a job, in processes that torchrun starts."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bursts.json"
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(PROCESSES)]
        arguments = ["--job", msgspec.json.encode(job).decode(), "--out", str(out)]
        done = subprocess.run(
            [sys.executable, *torchrun, "-m", "tests.benchmarks.processes", *arguments],
            env=os.environ | {"OMP_NUM_THREADS": str(PROCESSES)},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        if done.returncode:
            raise RuntimeError(f"a process failed: {done.stderr}")
        found = msgspec.json.decode(out.read_bytes(), type=dict[str, list[Burst]])
    return {name: Result(bursts) for name, bursts in found.items()}


def job_of(
    corpus: Corpus, preset: str, hidden: int, optimizer: str, options: argparse.Namespace, sides: dict[str, Side]
) -> Job:
    """Return a job for a preset with another number of cells (0: its own) and an optimizer ("": its own)."""
    found = preset_named(preset)
    model = structs.replace(found.model, hidden_size=hidden or found.model.hidden_size)
    training = structs.replace(
        found.training, optimizer=optimizer or found.training.optimizer, precision=options.precision
    )
    compute = choose(model, len(corpus.characters), structs.replace(training, threads=PROCESSES))
    return Job(
        corpus=corpus.config, model=model, training=training, compute=compute, sides=sides,
        sizes=[gradient_bytes_of(corpus, model)], bursts=options.bursts, seconds=options.seconds,
        patience=options.patience,
    )  # fmt: skip


def gradient_bytes_of(corpus: Corpus, model: ModelConfig) -> int:
    """Return the bytes of a network's gradients."""
    return FLOAT * count_parameters(model, len(corpus.characters))


def sides_of(streams: int) -> dict[str, Side]:
    """Return the four sides for this number of streams, and the messages."""
    half = Side(streams=streams // PROCESSES)
    return {
        "one": Side(threads=PROCESSES, streams=streams),
        "two": structs.replace(half, processes=PROCESSES, together=True),
        "half": half,
        "apart": structs.replace(half, processes=PROCESSES),
        "messages": Side(processes=PROCESSES),
    }


class Comparison(Struct, frozen=True, kw_only=True):
    """All sides of a network; times in milliseconds."""

    network: str
    gradient_bytes: int
    steps: dict[str, float]
    bursts: dict[str, list[float]]
    """Median time of a step of each burst."""
    characters_per_second: dict[str, float]
    ratio: float
    """Time of a step of `two`, divided by that of `one`."""
    communication: float
    """Time of a step of `two`, less that of `apart`."""
    communication_share: float
    waiting: float
    gradients_sent: float
    command_sent: float
    loss_sent: float
    updates: dict[str, float]
    optimizers: dict[str, float]
    others: float
    """Largest share of the CPU that other programs took during a burst."""


def compare(job: Job) -> Comparison:
    """Measure the sides of a network."""
    found = measure(job)
    gradients, command, loss = found.pop("messages").messages
    steps = {side: 1e3 * result.step for side, result in found.items()}
    training, model = job.training, job.model
    read = {"one": 1.0, "two": 1.0, "half": 1 / PROCESSES, "apart": 1.0}
    alone = {side: result for side, result in found.items() if side != "two"}
    return Comparison(
        network=f"{model.num_layers}×{model.hidden_size}, {training.streams} × {training.window}, "
        f"{training.optimizer}, {job.compute.precision}",
        gradient_bytes=job.sizes[0],
        steps=steps,
        bursts={side: [1e3 * step for step in result.step_of_bursts] for side, result in found.items()},
        characters_per_second={
            side: 1e3 * read[side] * training.streams * training.window / step for side, step in steps.items()
        },
        ratio=steps["two"] / steps["one"],
        communication=steps["two"] - steps["apart"],
        communication_share=(steps["two"] - steps["apart"]) / steps["two"],
        waiting=1e3 * found["apart"].waiting,
        gradients_sent=1e3 * gradients,
        command_sent=1e3 * command,
        loss_sent=1e3 * loss,
        updates={side: 1e3 * result.update for side, result in alone.items()},
        optimizers={side: 1e3 * result.optimizer for side, result in alone.items()},
        others=max(result.others for result in found.values()),
    )


def text_of(found: Comparison) -> str:
    """Return a comparison as lines of text."""
    labels = {
        "one": "one process, two threads",
        "two": "two processes, one thread each",
        "half": "one process, one thread, half of the streams",
        "apart": "two of these at once, no communication",
    }
    lines = [f"\n{found.network}; gradients {found.gradient_bytes / 1e6:.2f} MB; others at most {found.others:.0%}"]
    lines += [
        f"  {label:46}{found.steps[side]:8.2f} ms a step {found.characters_per_second[side]:10,.0f} characters/s; "
        f"{len(found.bursts[side])} bursts: {min(found.bursts[side]):.2f} to {max(found.bursts[side]):.2f} ms"
        for side, label in labels.items()
    ]
    sent = found.gradients_sent + found.command_sent + found.loss_sent
    updates = "; ".join(
        f"{label} {found.updates[side]:.2f} ms (optimizer {found.optimizers[side]:.2f})"
        for side, label in (("one", "two threads"), ("half", "one thread"), ("apart", "one in each of two"))
    )
    lines += [
        f"  two / one, time of a step: {found.ratio:.3f}",
        f"  communication: {found.communication:.2f} ms, {found.communication_share:.1%} of a step of two processes",
        f"    sent, measured alone: {sent:.2f} ms: gradients {found.gradients_sent:.2f}, command "
        f"{found.command_sent:.2f}, loss {found.loss_sent:.2f}; waiting for the slower process: {found.waiting:.2f} ms",
        f"  update, not divided: {updates}",
    ]
    return "\n".join(lines)


def corpus_of(text: str) -> Corpus:
    """Return the text of a file, or a text that has a name."""
    return load_corpus(CorpusConfig.typed(text))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that this benchmark shares with `scaling`."""
    parser.add_argument("text", nargs="?", default="l-homme-aux-contrats")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--bursts", type=int, default=8, help="bursts of each side")
    parser.add_argument("--seconds", type=float, default=1.0, help="time of the steps of a burst")
    parser.add_argument("--patience", type=float, default=300.0, help="time for each network, in seconds")


def main() -> None:
    """Print a comparison for each network and optimizer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--hidden", type=int, nargs="+", default=[0, 128], help="cells; 0 for the preset's own number")
    parser.add_argument("--optimizers", nargs="+", choices=["adamw", "muon"], default=["adamw", "muon"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        found = work(msgspec.json.decode(options.job, type=Job))
        gc.collect()  # ends the threads of gloo: a process that exits while they run may abort ("terminate called")
        if found is not None:
            Path(options.out).write_bytes(msgspec.json.encode(found))
        return
    corpus = corpus_of(options.text)
    sides = sides_of(preset_named(options.preset).training.streams)
    comparisons = []
    for hidden in options.hidden:
        for optimizer in options.optimizers:
            comparisons.append(compare(job_of(corpus, options.preset, hidden, optimizer, options, sides)))
            if not options.json:
                print(text_of(comparisons[-1]), flush=True)
    if options.json:
        print(json.dumps([structs.asdict(each) for each in comparisons]))


if __name__ == "__main__":
    main()
