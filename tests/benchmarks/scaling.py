"""Expected efficiency of data-parallel training: a model of the time of a step with N processes.

    python -m tests.benchmarks.scaling [TEXT] [--presets standard best] [--precision auto] [--bursts 8]
                                       [--seconds 1] [--patience 300] [--latency-us US] [--step-ms MS ...]

Nothing here ran on more than one computer. There was no GPU, and NCCL was not run.

Measured on this computer:

    computation    time of a step of one process with all cores that reads B / N streams, for each N that divides them,
                   and the share of it that updates the weights; or, for the check, of two processes of one thread
    messages       time of a sum over two processes (all-reduce) through gloo on this machine, for messages of 8 bytes
                   to 32 MB. A line through them gives two numbers: latency and bandwidth
    check          time of a step of two processes here, next to what the model says

Assumed:

    step(N)        = computation(B / N or B streams) + update + all-reduce(gradients) + command + all-reduce(loss)
    all-reduce     = for each of its messages, 2 (N - 1) latency; in all, 2 (N - 1) / N × bytes / bandwidth: a ring
    messages       PyTorch sends the gradients as one of 1 MB and further ones of 25 MB
    command        log2 N rounded up × latency: a tree
    no overlap     the gradients of an LSTM layer are ready only at the end of the backward pass
    update         clipping, optimizer and average of the weights: each process repeats them for all weights
    network        the bandwidths of the table are reached, and the latency is that of gloo on this machine
                   (--latency-us replaces it)
    devices        each of the N is as fast as this whole computer. With --step-ms, one computes a step of B streams in
                   that time, and is faster by the same factor for fewer streams. That flatters GPUs, which lose more
                   of their speed with few streams

Weak scaling: each process reads B streams, so that a step reads N × B. Its efficiency is step(1) / step(N).
Strong scaling: a step reads B streams, B / N in each process. Its efficiency is step(1) / (N × step(N)).
"""

import argparse
import math
from typing import NamedTuple

from msgspec import structs

from core.cores import available_cores
from core.settings.presets import preset_named
from tests.benchmarks.processes import (
    PROCESSES,
    Job,
    Result,
    Side,
    add_options,
    corpus_of,
    gradient_bytes_of,
    job_of,
    measure,
    sides_of,
)

COUNTS = (1, 2, 8, 64)
"""Numbers of processes N of the table."""
MEGABITS = {"100 Mb/s": 100, "1 Gb/s": 1_000, "10 Gb/s": 10_000, "25 Gb/s": 25_000, "100 Gb/s": 100_000}
SIZES = [8, 1 << 10, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24, 1 << 25]
"""Bytes of the messages that the line is fitted to."""
FIRST_MESSAGE, NEXT_MESSAGE = 1 << 20, 25 << 20
"""Bytes at which `DistributedDataParallel` closes its first message with gradients, and each later one."""
LOSS = 8
"""Bytes of the loss and the request to stop."""
TARGET = 0.9
"""Efficiency for which the necessary bandwidth is printed."""


class Network(NamedTuple):
    """A connection between processes."""

    latency: float
    """Seconds until a message of no length arrives."""
    bandwidth: float
    """Bytes per second."""


class Computation(NamedTuple):
    """Time of a step without communication, in seconds."""

    update: float
    """Time to update the weights, which does not depend on the number of streams."""
    gradients: dict[int, float]
    """Time of everything else, for each number of streams of a process."""

    def step(self, streams: int) -> float:
        """Return the time of a step of a process that reads this number of streams."""
        return self.update + self.gradients[streams]

    def scaled(self, factor: float) -> "Computation":
        """Return that of a device that takes `factor` times as long."""
        return Computation(self.update * factor, {n: seconds * factor for n, seconds in self.gradients.items()})


def all_reduce(size: float, processes: int, network: Network, messages: int = 1) -> float:
    """Return the time to add up `size` bytes over the processes, in a ring, in so many messages."""
    if processes == 1:
        return 0.0
    rounds = 2 * (processes - 1)
    return messages * rounds * network.latency + rounds / processes * size / network.bandwidth


def messages_of(gradient_bytes: int) -> int:
    """Return the number of messages in which the gradients are sent."""
    return 1 + math.ceil(max(gradient_bytes - FIRST_MESSAGE, 0) / NEXT_MESSAGE)


def communication(gradient_bytes: int, processes: int, network: Network) -> float:
    """Return the time of the messages of a step."""
    command = math.ceil(math.log2(processes)) * network.latency
    gradients = all_reduce(gradient_bytes, processes, network, messages_of(gradient_bytes))
    return gradients + command + all_reduce(LOSS, processes, network)


def weak(computation: Computation, streams: int, gradient_bytes: int, processes: int, network: Network) -> float:
    """Return the efficiency if each process reads B streams."""
    alone = computation.step(streams)
    return alone / (alone + communication(gradient_bytes, processes, network))


def strong(
    computation: Computation, streams: int, gradient_bytes: int, processes: int, network: Network
) -> float | None:
    """Return the efficiency if each process reads B / N streams; None if B is not a multiple of N."""
    if streams % processes:
        return None
    step = computation.step(streams // processes) + communication(gradient_bytes, processes, network)
    return computation.step(streams) / (processes * step)


def necessary_bandwidth(
    computation: Computation, streams: int, gradient_bytes: int, processes: int, latency: float
) -> float | None:
    """Return the bytes per second with which weak scaling reaches `TARGET`; None if the latency alone is too long."""
    left = computation.step(streams) * (1 / TARGET - 1)
    left -= communication(gradient_bytes, processes, Network(latency, math.inf))
    sent = 2 * (processes - 1) / processes * (gradient_bytes + LOSS)
    return sent / left if left > 0 else None


def fitted(sizes: list[int], seconds: list[float]) -> Network:
    """Return the network that fits the times of all-reduces over two processes, by least squares of relative errors.

    With two processes, a message of n bytes takes 2 latency + n / bandwidth.
    """
    rows = [(2 / took, size / took) for size, took in zip(sizes, seconds, strict=True)]  # each is to give 1
    aa, ab, bb = (sum(row[i] * row[j] for row in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    a, b = sum(row[0] for row in rows), sum(row[1] for row in rows)
    determinant = aa * bb - ab * ab
    return Network(latency=(a * bb - b * ab) / determinant, bandwidth=determinant / (b * aa - a * ab))


# --- measurements


def measure_network(job: Job) -> Network:
    """Measure the messages between two processes here, print them next to the fitted line, and return the line."""
    sides = {"messages": Side(processes=PROCESSES)}
    result = measure(structs.replace(job, sides=sides, sizes=SIZES))["messages"]
    *sums, command, loss = result.messages
    network = fitted(SIZES, sums)
    print(
        f"gloo on this machine: latency {1e6 * network.latency:.0f} µs, bandwidth {network.bandwidth / 1e9:.2f} GB/s "
        f"({8 * network.bandwidth / 1e9:.1f} Gb/s); command {1e6 * command:.0f} µs, loss {1e6 * loss:.0f} µs; "
        f"others at most {result.others:.0%}\n"
    )
    print(f"  {'bytes':>12} {'measured':>12} {'fitted':>12} {'fitted / measured':>20}")
    for size, took in zip(SIZES, sums, strict=True):
        line = all_reduce(size, PROCESSES, network)
        print(f"  {size:12,} {1e3 * took:9.3f} ms {1e3 * line:9.3f} ms {line / took:20.2f}", flush=True)
    return network


def sides_for(streams: int) -> dict[str, Side]:
    """Return what is measured: the sides of the check, and one process that reads B / N streams, for each N."""
    compared = {side: spec for side, spec in sides_of(streams).items() if side in ("two", "half", "apart")}
    alone = {
        str(streams // count): Side(threads=available_cores(), streams=streams // count)
        for count in COUNTS
        if streams % count == 0
    }
    return compared | alone


def computation_of(found: dict[str, Result]) -> Computation:
    """Return the computation of one process with all cores."""
    steps = {int(name): result for name, result in found.items() if name.isdecimal()}
    update = steps[max(steps)].update
    return Computation(update, {streams: result.step - update for streams, result in steps.items()})


def check(found: dict[str, Result], gradient_bytes: int, network: Network) -> str:
    """Compare the model with the measured step of two processes here."""
    two, apart, half = (1e3 * found[side].step for side in ("two", "apart", "half"))
    messages = 1e3 * communication(gradient_bytes, PROCESSES, network)
    return (
        f"two processes here, measured {two:.2f} ms a step; predicted {apart + messages:.2f} ms: {apart:.2f} of "
        f"computation (two at once) and {messages:.2f} of communication; predicted / measured "
        f"{(apart + messages) / two:.3f}. From the computation of one alone ({half:.2f} ms): "
        f"{(half + messages) / two:.3f}"
    )


def table(name: str, computation: Computation, streams: int, gradient_bytes: int, latency: float) -> list[str]:
    """Return the rows of a network: efficiency in percent, weak and strong scaling."""
    rows = []
    for count in COUNTS:
        cells = []
        for megabits in MEGABITS.values():
            network = Network(latency, megabits * 1e6 / 8)
            divided = strong(computation, streams, gradient_bytes, count, network)
            percent = "–" if divided is None else f"{100 * divided:.0f}"
            cells.append(f"{100 * weak(computation, streams, gradient_bytes, count, network):.0f} / {percent}")
        rows.append(f"| {name} | {count} | " + " | ".join(cells) + " |")
    return rows


def bandwidth_text(computation: Computation, streams: int, gradient_bytes: int, latency: float) -> str:
    """Return which bandwidth weak scaling needs, for each number of processes."""
    texts = []
    for count in COUNTS[1:]:
        necessary = necessary_bandwidth(computation, streams, gradient_bytes, count, latency)
        texts.append(f"N = {count}: " + ("none is enough" if necessary is None else f"{8 * necessary / 1e9:.2g} Gb/s"))
    return f"weak scaling reaches {TARGET:.0%} with " + ", ".join(texts)


def main() -> None:
    """Print the fitted network, the check and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--presets", nargs="+", default=["standard", "best"])
    parser.add_argument("--latency-us", type=float, help="latency of the network, in microseconds")
    parser.add_argument(
        "--step-ms", type=float, nargs="+", help="assumed time of a step on one device, for each preset"
    )
    options = parser.parse_args()
    if options.step_ms and len(options.step_ms) != len(options.presets):
        parser.error("--step-ms needs a time for each preset")
    corpus = corpus_of(options.text)
    jobs = [
        job_of(corpus, preset, 0, "", options, sides_for(preset_named(preset).training.streams))
        for preset in options.presets
    ]
    here = measure_network(jobs[0])
    latency = here.latency if options.latency_us is None else options.latency_us / 1e6
    rows, notes = [], []
    for number, (preset, job) in enumerate(zip(options.presets, jobs, strict=True)):
        streams, size = job.training.streams, gradient_bytes_of(corpus, job.model)
        found = measure(job)
        computation = computation_of(found)
        print(
            f"\n{preset}, {job.training.optimizer}, {job.compute.precision}; others at most "
            f"{max(result.others for result in found.values()):.0%}\n  {check(found, size, here)}\n"
            f"  {size / 1e6:.2f} MB of gradients in {messages_of(size)} messages; update "
            f"{1e3 * computation.update:.2f} ms; a step of one process with {available_cores()} threads: "
            + ", ".join(f"{1e3 * computation.step(n):.2f} ms with {n} streams" for n in computation.gradients),
            flush=True,
        )
        basis = "measured"
        if options.step_ms:
            computation = computation.scaled(options.step_ms[number] / 1e3 / computation.step(streams))
            basis = "assumed"
        name = f"{preset}, {1e3 * computation.step(streams):.3g} ms a step ({basis})"
        rows += table(name, computation, streams, size, latency)
        notes.append(f"{name}: {bandwidth_text(computation, streams, size, latency)}")
    print(
        f"\nEfficiency in percent, weak / strong scaling; latency {1e6 * latency:.0f} µs. "
        "–: the streams cannot be divided by N\n"
    )
    print("| network | N | " + " | ".join(MEGABITS) + " |\n|" + " --- |" * (2 + len(MEGABITS)))
    print("\n".join(rows) + "\n\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
