"""Data-parallel training: processes that torchrun started train one model, each on its share of the streams.

All processes have the same weights. In a step, each computes the gradient on its own streams; PyTorch's
`DistributedDataParallel` averages the gradients (gloo on CPUs, NCCL on GPUs), and all take the same step.

Rank 0 runs the trainer and decides everything. The other ranks follow (`core.training.follower`): before the processes
do something together, rank 0 sends them a command that says what.

    rank 0         Trainer ──STEP──► step ──STEP──► step ──GATHER──► snapshot ──END──► exit
                               │              │                ▲                 │
    other ranks    receive ────┴───► step ────┴───► step ──────┘      receive ───┴───► exit
"""

import contextlib
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import IntEnum
from typing import Any

import torch
import torch.distributed as dist
from msgspec import Struct
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from core.cores import available_cores
from core.data.corpus import CorpusConfig
from core.errors import UserError, is_out_of_memory
from core.model.device import ComputeSettings, works_here
from core.settings.config import ModelConfig, TrainingConfig
from core.text import count_of, in_one_line

_CONNECTING = timedelta(minutes=5)
"""How long the processes wait for each other at the start."""
_ASK_AGAIN_SECONDS = 0.05
_LONGEST_PAUSE = timedelta(days=365)
"""How long a process waits for another one afterwards: a run may be paused. If a process ends, the others notice at
once, because its connections close."""


class Command(IntEnum):
    """What all processes do next, together."""

    BEGIN = 0
    """Receive the settings of the run from rank 0, and load the text."""
    STEP = 1
    """Take a training step; the number is the learning rate."""
    GATHER = 2
    """Send rank 0 the part of the training state that only this process has."""
    RESTORE = 3
    """Receive a training state from rank 0, and continue from it."""
    VALIDATE = 4
    """Compute the next piece of this process's share of the validation loss; the number is 1 for the first piece."""
    END = 5
    """Leave."""


class SharedRun(Struct, frozen=True, kw_only=True):
    """What rank 0 sends to the other ranks at the start."""

    corpus: CorpusConfig
    model: ModelConfig
    training: TrainingConfig
    compute: ComputeSettings
    vocabulary: str
    """Characters of the model, which may be more than those of the text."""


class ProcessEndedError(UserError):
    """Another process of the run has ended, so this one cannot continue."""


class ProcessGroup:
    """The processes that train one model, as seen from one of them. `joined` connects them."""

    def __init__(self) -> None:
        self.rank = dist.get_rank()
        """Number of this process, from 0."""
        self.size = dist.get_world_size()
        """Number of processes, N."""
        self.local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        """Number of this process on its machine, from 0."""
        self.stopping = False
        """Set this to ask rank 0 to stop the run. It learns of that at the next step."""
        self._local_size = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        group = dist.new_group(backend="gloo", timeout=_CONNECTING)
        assert isinstance(group, dist.ProcessGroup)  # since 2.14, PyTorch declares what a process outside it gets too
        self._cpu_group = group  # for everything but gradients
        dist.distributed_c10d._set_pg_timeout(_LONGEST_PAUSE, self._cpu_group)
        self._stops: Tensor | None = None  # sum of the requests to stop that came with the losses, on the device
        self._broken = False

    @property
    def leads(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    @property
    def threads(self) -> int:
        """Number of CPU threads for this process: its share of the machine's cores, and at least 1."""
        return max(available_cores() // self._local_size, 1)

    def columns(self, streams: int) -> slice:
        """Return which of B streams this process reads: B / N consecutive ones.

        Raises:
            UserError: B is not a multiple of N.
        """
        if streams % self.size:
            below = streams // self.size * self.size
            fitting = f"{below} or {below + self.size}" if below else f"{self.size}"
            raise UserError(
                f"{count_of(streams, 'stream')} cannot be divided equally among {count_of(self.size, 'process')}. "
                f"Choose --streams {fitting}."
            )
        share = streams // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    # --- at the start

    def begin(self, run: SharedRun) -> ComputeSettings:
        """Start the run in all processes, and return how this one computes. Rank 0 calls this.

        Raises:
            UserError: a process lacks the text or the device.
        """
        self.send(Command.BEGIN)
        self.broadcast(run)
        self.barrier()  # meanwhile one process of each other machine reads the text, and fills the cache
        return self.agreed(run)

    def agreed(self, run: SharedRun, problem: str | None = None) -> ComputeSettings:
        """Tell the other processes whether this one can take part, and return how it computes. All call this.

        Raises:
            UserError: a process cannot take part; the message says which and why.
        """
        self._stops = None
        answers: list[str | None] = [None] * self.size
        with self._explaining():
            dist.all_gather_object(answers, problem or self._problem_with(run.compute), group=self._cpu_group)
        for rank, answer in enumerate(answers):
            if answer is not None:
                raise UserError(f"Process {rank} cannot take part: {answer}")
        if run.compute.device == "cuda":
            torch.cuda.set_device(self.local_rank)
        threads = run.training.threads or self.threads
        return ComputeSettings(device=run.compute.device, precision=run.compute.precision, threads=threads)

    def _problem_with(self, compute: ComputeSettings) -> str | None:
        """Return why this process cannot compute like that; None if it can."""
        machine = socket.gethostname()
        if compute.device == "mps":
            return "an Apple GPU cannot be shared by several processes. Choose --device cpu."
        if compute.device == "cuda" and torch.cuda.device_count() < self._local_size:
            gpus, here = count_of(torch.cuda.device_count(), "GPU"), count_of(self._local_size, "process")
            return f"{machine} has {gpus} for {here}. Start one process for each GPU."
        if not works_here(ComputeSettings(device=compute.device, precision=compute.precision, threads=1)):
            return f"{machine} cannot train in {compute.precision} on {compute.device}. Choose --precision fp32."
        return None

    # --- commands

    def send(self, command: Command, number: float = 0.0) -> None:
        """Tell the other processes what comes next. Rank 0 calls this."""
        with self._explaining():
            dist.broadcast(torch.tensor([float(command), number], dtype=torch.float64), 0, group=self._cpu_group)

    def receive(self) -> tuple[Command, float]:
        """Wait for the next command of rank 0, and return it with its number. The other ranks call this."""
        received = torch.zeros(2, dtype=torch.float64)
        with self._explaining():
            dist.broadcast(received, 0, group=self._cpu_group)
        return Command(int(received[0])), float(received[1])

    def end(self) -> None:
        """Release the other processes. Rank 0 calls this; it does nothing if a process has ended before."""
        if not self._broken:
            with contextlib.suppress(ProcessEndedError):
                self.send(Command.END)

    # --- data

    def averaging_gradients(self, model: nn.Module) -> nn.Module:
        """Return the network such that its backward pass averages the gradients over all processes."""
        with self._explaining():
            return DistributedDataParallel(model, gradient_as_bucket_view=True)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Surround a forward and a backward pass of that network: both may wait for the other processes.

        Raises:
            ProcessEndedError: another process has ended.
        """
        with self._explaining():
            yield

    def mean(self, loss: Tensor) -> Tensor:
        """Return the mean of a scalar over all processes, on its device. Requests to stop come along."""
        sums = torch.stack((loss, torch.full_like(loss, float(self.stopping))))
        with self._explaining():
            dist.all_reduce(sums)
        self._stops = sums[1] if self._stops is None else self._stops + sums[1]
        return sums[0] / self.size

    def is_asked_to_stop(self) -> bool:
        """Return whether a process has asked to stop the run. On a GPU, this waits for the last step."""
        return self._stops is not None and bool(self._stops > 0)

    def total(self, value: float) -> float:
        """Return the sum of a number over all processes."""
        tensor = torch.tensor(value, dtype=torch.float64)
        with self._explaining():
            dist.all_reduce(tensor, group=self._cpu_group)
        return float(tensor)

    def gather(self, tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
        """Return the tensors of all processes, by rank, to rank 0; an empty list to the others."""
        gathered: list[Any] | None = [None] * self.size if self.leads else None
        with self._explaining():
            on_cpu = {name: tensor.cpu() for name, tensor in tensors.items()}
            dist.gather_object(on_cpu, gathered, 0, group=self._cpu_group)
        return gathered or []

    def broadcast(self, value: Any = None) -> Any:
        """Return rank 0's value, in every process."""
        values = [value]
        with self._explaining():
            dist.broadcast_object_list(values, 0, group=self._cpu_group)
        return values[0]

    def barrier(self) -> None:
        """Wait until all processes have called this."""
        with self._explaining():
            dist.barrier(group=self._cpu_group)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn the errors by which PyTorch reports a lost connection into a `ProcessEndedError`."""
        try:
            yield
        except RuntimeError as error:
            if not _is_lost_connection(error):
                raise
            self._broken = True
            raise ProcessEndedError(
                "Another process of this run has ended, so this one ends too. What was saved is safe."
            ) from error


@contextmanager
def joined() -> Iterator[ProcessGroup]:
    """Connect to the other processes that torchrun has started. At the end of the block, rank 0 releases the others.

    Raises:
        UserError: another process did not answer in time.
    """
    try:
        group = _connected()
    except RuntimeError as error:
        if not _is_lost_connection(error):
            raise
        raise ProcessEndedError(
            f"The other processes of this run did not answer ({in_one_line(str(error))}). If they are on other "
            "machines, check the address in --rdzv-endpoint, the firewall, and GLOO_SOCKET_IFNAME if there are several "
            "networks."
        ) from error
    try:
        yield group
    finally:
        if group.leads:
            group.end()
        dist.destroy_process_group()


def _connected() -> ProcessGroup:
    """Return the group of the processes, which wait for each other for a limited time."""
    store, rank, size = next(dist.rendezvous("env://", timeout=_CONNECTING))  # type: ignore[attr-defined]
    store = _own_store(store, rank, size)
    gpus = torch.cuda.is_available() and dist.is_nccl_available()
    backend = "cpu:gloo,cuda:nccl" if gpus else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_CONNECTING)
    group = ProcessGroup()
    if not gpus:  # NCCL never waits during a pause, and its limit finds a GPU that hangs
        dist.distributed_c10d._set_pg_timeout(_LONGEST_PAUSE)
    return group


def _own_store(store: Any, rank: int, size: int) -> Any:
    """Return a part of torchrun's store that no earlier processes have written to.

    torchrun keeps its store when it starts processes again. So one of them could read an address that a process wrote
    which was killed, and wait for it. Here rank 0 names a new part of the store, and the others answer with a number
    that only they know. All begin when rank 0 has confirmed these numbers.

    Raises:
        DistStoreError: a process did not answer in time.
    """
    own = uuid.uuid4().hex
    if rank == 0:
        store.set("charlstm/part", own)
        answers = [f"charlstm/{own}/{other}" for other in range(1, size)]
        store.wait(answers, _CONNECTING)
        store.set(f"charlstm/{own}", b" ".join(store.get(answer) for answer in answers))
        return dist.PrefixStore(own, store)  # type: ignore[attr-defined]
    until = time.monotonic() + _CONNECTING.total_seconds()
    while time.monotonic() < until:
        part = store.get("charlstm/part").decode()  # perhaps that of earlier processes
        store.set(f"charlstm/{part}/{rank}", own)
        if store.check([f"charlstm/{part}"]) and own in store.get(f"charlstm/{part}").decode().split():
            return dist.PrefixStore(part, store)  # type: ignore[attr-defined]
        time.sleep(_ASK_AGAIN_SECONDS)
    raise dist.DistStoreError(f"rank 0 did not confirm rank {rank} within {_CONNECTING.total_seconds():.0f} seconds")


def _is_lost_connection(error: RuntimeError) -> bool:
    """Return whether an error is one by which PyTorch reports that another process cannot be reached."""
    return (isinstance(error, dist.DistError) or "gloo" in str(error).lower()) and not is_out_of_memory(error)
