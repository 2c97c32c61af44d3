"""Chooses the device, the precision and the number of threads for training, by timing them in a second or two.

bfloat16 halves the memory traffic and, on CPUs and GPUs that support it, multiplies several times as fast; on others it
is emulated, which is slower than float32, or missing. More threads speed up large matrix products and slow down small
ones.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import psutil
import torch
import torch.nn.functional as F
from msgspec import Struct

from core.cores import available_cores
from core.errors import UserError, is_out_of_memory
from core.events import ComputePrecision
from core.model.char_lstm import CharLSTM
from core.settings.config import ComputeDevice, Device, ModelConfig, TrainingConfig
from core.text import count_of

BUDGET = 0.4
"""Approximate time for all timings, in seconds, if they agree: the shortest runs take only a few."""
PATIENCE = 1.0
"""Seconds after which no timing is repeated, even if they do not agree."""
AGREES = 1.2
"""Maximum ratio of two timings of a candidate that agree."""
CONTENDS = 1.5
"""Maximum ratio of a candidate's time to the shortest with which it is timed again."""
_SHORT = 25  # maximum length of a timed window, in characters
_OPERATIONS = 1e11  # approximate maximum of additions and multiplications in a timed step: a second on a slow CPU
_SLOW = 4.0  # seconds; in a first step that takes longer, its one-time setup is a small share and the step counts
_BY_SPEED: tuple[ComputeDevice, ...] = ("cuda", "mps", "cpu")
_WORTHWHILE = 1.05  # bfloat16 must be faster by this factor, since it is less precise


def memory_in_use(device: ComputeDevice) -> int:
    """Return the bytes of memory that this process uses; for CUDA, the bytes of its tensors on the GPU."""
    if device == "cuda":
        return torch.cuda.memory_allocated()
    return int(psutil.Process().memory_info().rss)


class ComputeSettings(Struct, frozen=True, kw_only=True):
    """The device, the precision and the number of threads to compute with."""

    device: ComputeDevice
    precision: ComputePrecision
    threads: int

    def autocast(self) -> torch.autocast:
        """Return the context manager in which the forward pass is computed."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Set the number of threads, and flush denormal numbers, within a `with` block."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        torch.set_flush_denormal(True)  # nearly closed gates give denormals, which are a hundred times as slow
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            torch.set_num_threads(before)


class Trial(Struct, frozen=True, kw_only=True):
    """A candidate that is about to be timed."""

    precision: ComputePrecision
    threads: int
    number: int
    """Number of this candidate, from 1."""
    of: int
    """Number of candidates."""

    @property
    def doing(self) -> str:
        """Description to show while it is timed."""
        return f"trying {self.precision} on {count_of(self.threads, 'thread')}, {self.number} of {self.of}"


def choose(model: ModelConfig, vocabulary_size: int, config: TrainingConfig) -> ComputeSettings:
    """Return the fastest settings for this network on this machine that the configuration allows.

    Raises:
        UserError: the configuration asks for a device that is missing, or for bf16 and it does not work here.
    """
    for event in choosing(model, vocabulary_size, config):
        if isinstance(event, ComputeSettings):
            return event
    raise AssertionError  # the last event is a ComputeSettings


def choosing(
    model: ModelConfig, vocabulary_size: int, config: TrainingConfig
) -> Generator[Trial | ComputeSettings, None, None]:
    """Choose the settings as `choose` does. Yields each candidate before it is timed, if several are possible, and
    last the settings. To cancel, stop iterating.

    Raises:
        UserError: as for `choose`.
    """
    device = _device(config.device)
    if device != "cpu":
        precision = config.precision
        if precision == "auto" and device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
            precision = "bf16"
        yield ComputeSettings(
            device=device, precision="bf16" if precision == "bf16" else "fp32", threads=_threads(config)[-1]
        )
        return
    candidates = [
        ComputeSettings(device=device, precision=precision, threads=threads)
        for threads in reversed(_threads(config))
        for precision in (("fp32", "bf16") if config.precision == "auto" else (config.precision,))
    ]
    if len(candidates) == 1 and candidates[0].precision == "fp32":
        yield candidates[0]
        return
    seconds: dict[ComputeSettings, float] = {}
    yield from _measure(candidates, model, vocabulary_size, config, seconds)
    if not seconds:
        raise UserError("This CPU cannot train in bf16. Choose precision fp32, or auto.")
    yield min(seconds, key=lambda compute: seconds[compute] * (_WORTHWHILE if compute.precision == "bf16" else 1.0))


def works_here(compute: ComputeSettings) -> bool:
    """Return whether settings that were chosen on another machine work on this one."""
    cores = available_cores()
    if not _here()[compute.device] or compute.threads > cores:
        return False
    if compute.device != "cpu" or compute.precision == "fp32":
        return True
    network = CharLSTM(ModelConfig(embedding_size=8, hidden_size=8), 2)
    try:
        return _step(network, torch.zeros(3, 2, dtype=torch.int64), compute)
    except RuntimeError as error:  # oneDNN without a primitive for it
        if is_out_of_memory(error):
            raise
        return False


def _measure(
    candidates: list[ComputeSettings],
    model: ModelConfig,
    vocabulary_size: int,
    config: TrainingConfig,
    seconds: dict[ComputeSettings, float],
) -> Iterator[Trial]:
    """Fill `seconds` with the time of a short step for each candidate that works. Yields each before it is timed.

    The candidates are timed in turn, so that other processes delay all of them. A candidate's time is its fastest step,
    apart from the first, which includes one-time setup: loading the library of bfloat16 took longer than ten steps.
    """
    network = CharLSTM(model, vocabulary_size)
    per_character = 6 * network.count_parameters() * config.streams  # multiply and add: one forward, two backward
    short = min(config.window, max(int(_OPERATIONS / per_character), 1), _SHORT)
    ids = torch.randint(vocabulary_size, (short + 1, config.streams), generator=torch.Generator())
    timings: dict[ComputeSettings, list[float]] = {}
    started = time.perf_counter()
    for number, compute in enumerate(candidates, start=1):
        yield Trial(precision=compute.precision, threads=compute.threads, number=number, of=len(candidates))
        try:
            with compute.applied():
                first = _timed(network, ids, compute)
                timings[compute] = [first if first > _SLOW else _timed(network, ids, compute)]
        except RuntimeError as error:  # oneDNN without a primitive for it
            if is_out_of_memory(error):
                raise
    while timings and (passed := time.perf_counter() - started) < PATIENCE:
        best = min(min(found) for found in timings.values())
        contenders = [one for one, found in timings.items() if len(found) < 2 or min(found) <= CONTENDS * best]
        if passed >= BUDGET and all(_agree(timings[compute]) for compute in contenders):
            break
        for compute in contenders:
            with compute.applied():
                timings[compute].append(_timed(network, ids, compute))
    seconds.update({compute: min(found) for compute, found in timings.items()})


def _agree(timings: list[float]) -> bool:
    """Return whether the two fastest of a candidate's timings are nearly the same."""
    fastest = sorted(timings)[:2]
    return len(fastest) == 2 and fastest[1] <= AGREES * fastest[0]


def _timed(network: CharLSTM, ids: torch.Tensor, compute: ComputeSettings) -> float:
    """Return the seconds of a step; infinity if its loss is not finite."""
    begun = time.perf_counter()
    finite = _step(network, ids, compute)
    return time.perf_counter() - begun if finite else float("inf")


def _step(network: CharLSTM, ids: torch.Tensor, compute: ComputeSettings) -> bool:
    """Compute a forward and a backward pass; return whether the loss is finite."""
    with compute.autocast():
        logits, _ = network(ids[:-1])
    loss = F.cross_entropy(logits.float().flatten(0, 1), ids[1:].flatten())
    network.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    return bool(loss.isfinite())


def _device(wanted: Device) -> ComputeDevice:
    here = _here()
    if wanted == "auto":
        return next(device for device in _BY_SPEED if here[device])
    if not here[wanted]:
        raise UserError(f"There is no {wanted} device on this machine. Choose cpu, or auto.")
    return wanted


def _here() -> dict[ComputeDevice, bool]:
    return {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}


def thread_counts() -> list[int]:
    """Return the numbers of threads that are worth trying, in ascending order."""
    cores = available_cores()
    return sorted({1, min(4, cores), cores})


def _threads(config: TrainingConfig) -> list[int]:
    """Return the numbers of threads to try, in ascending order."""
    return [config.threads] if config.threads else thread_counts()
