"""What this machine computes on, with how many threads, and how precisely: measured in under a second, not guessed.

bfloat16 halves what has to be moved and, on processors and GPUs that have it, multiplies several times as fast; on
others it is emulated, slower than float32, or not there at all. More threads help large products and hinder small ones.
"""

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import psutil
import torch
import torch.nn.functional as F
from msgspec import Struct

from core.errors import UserError, is_out_of_memory
from core.events import ComputePrecision
from core.model.char_lstm import CharLSTM
from core.settings.config import ComputeDevice, Device, ModelConfig, TrainingConfig
from core.text import count_of

BUDGET = 0.4
"""Seconds that the measuring may take, about: the quickest of runs takes a few."""
_SHORT = 25  # characters of the windows that are timed, at most
_OPERATIONS = 1e11  # multiplications and additions of a timed step, at most, about: a second on a slow processor
_SLOW = 0.5  # seconds of a first step beyond which building what the others use counts for little
_BY_SPEED: tuple[ComputeDevice, ...] = ("cuda", "mps", "cpu")
_WORTHWHILE = 1.05  # how much faster bfloat16 must be: it is less precise


def memory_in_use(device: ComputeDevice) -> int:
    """Return the bytes that this process holds, or, for a GPU, those that its tensors take there."""
    if device == "cuda":
        return torch.cuda.memory_allocated()
    return int(psutil.Process().memory_info().rss)


class ComputeSettings(Struct, frozen=True, kw_only=True):
    """What to compute on, and how."""

    device: ComputeDevice
    precision: ComputePrecision
    threads: int

    def autocast(self) -> torch.autocast:
        """Return the context in which the network is run."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Set up the thread that computes, and leave it as it was."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        torch.set_flush_denormal(True)  # a gate that is nearly shut makes numbers that take a hundred times as long
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            torch.set_num_threads(before)


class Trial(Struct, frozen=True, kw_only=True):
    """What is about to be timed."""

    precision: ComputePrecision
    threads: int
    number: int
    """From 1."""
    of: int

    @property
    def doing(self) -> str:
        """It in words, to be shown meanwhile."""
        return f"trying {self.precision} on {count_of(self.threads, 'thread')}, {self.number} of {self.of}"


def choose(model: ModelConfig, vocabulary_size: int, config: TrainingConfig) -> ComputeSettings:
    """Return what suits this network on this machine, within what the configuration leaves open.

    Raises:
        UserError: the configuration asks for a device that is not here, or for bf16 where it does not work.
    """
    for event in choosing(model, vocabulary_size, config):
        if isinstance(event, ComputeSettings):
            return event
    raise AssertionError  # a choice is the last event


def choosing(
    model: ModelConfig, vocabulary_size: int, config: TrainingConfig
) -> Generator[Trial | ComputeSettings, None, None]:
    """Yield what is about to be timed, if anything has to be, and last the choice. To stop, stop asking.

    Raises:
        UserError: as for `choose`.
    """
    device = _device(config.device)
    if device != "cpu":
        precision = "bf16" if config.precision == "auto" and device == "cuda" else config.precision
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
        raise UserError("This processor cannot train in bf16. Choose precision fp32, or auto.")
    yield min(seconds, key=lambda choice: seconds[choice] * (_WORTHWHILE if choice.precision == "bf16" else 1.0))


def works_here(choice: ComputeSettings) -> bool:
    """Tell whether what was chosen on some machine will do on this one."""
    cores = _cores()
    if not _here()[choice.device] or choice.threads > cores:
        return False
    if choice.device != "cpu" or choice.precision == "fp32":
        return True
    network = CharLSTM(ModelConfig(embedding_size=8, hidden_size=8), 2)
    try:
        return _step(network, torch.zeros(3, 2, dtype=torch.int64), choice)
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
    """Note the seconds of a short step for each candidate that works, as far as the time allows; yield each before."""
    network = CharLSTM(model, vocabulary_size)
    per_character = 6 * network.count_parameters() * config.streams  # multiply and add, forward once and backward twice
    short = min(config.window, max(int(_OPERATIONS / per_character), 1), _SHORT)
    ids = torch.randint(vocabulary_size, (short + 1, config.streams), generator=torch.Generator())
    for number, choice in enumerate(candidates, start=1):
        yield Trial(precision=choice.precision, threads=choice.threads, number=number, of=len(candidates))
        started = time.perf_counter()
        until = started + BUDGET / len(candidates)
        try:
            with choice.applied():
                finite = _step(network, ids, choice)  # the first one builds what the others use
                first = time.perf_counter() - started
                if first > _SLOW:
                    seconds[choice] = first if finite else float("inf")
                while choice not in seconds or time.perf_counter() < until:
                    begun = time.perf_counter()
                    finite = _step(network, ids, choice)
                    took = time.perf_counter() - begun
                    seconds[choice] = min(took if finite else float("inf"), seconds.get(choice, float("inf")))
        except RuntimeError as error:  # oneDNN without a primitive for it
            if is_out_of_memory(error):
                raise
            seconds.pop(choice, None)


def _step(network: CharLSTM, ids: torch.Tensor, choice: ComputeSettings) -> bool:
    with choice.autocast():
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads(config: TrainingConfig) -> list[int]:
    """Return the thread counts to try, in rising order."""
    if config.threads:
        return [config.threads]
    cores = _cores()
    return sorted({1, min(4, cores), cores})
