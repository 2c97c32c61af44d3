"""The events of a training run. The command line and the app show them.

Each is a frozen record. As JSON it carries its own name in snake case under "event", so that a file of them reads back
as the same records. Losses are nats per character, times are seconds without pauses.
"""

import re
from typing import Literal

import msgspec
from msgspec import Struct

Reason = Literal["finished", "stopped", "failed"]
"""Why a run ended."""
SavedKind = Literal["best", "last"]
"""The model at its best epoch, or the run as it was a moment ago."""
ComputePrecision = Literal["fp32", "bf16"]
"""The numbers that the large products are computed in."""


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Event(Struct, frozen=True, kw_only=True, tag=_snake_case, tag_field="event"):
    pass


class RunStarted(_Event, frozen=True, kw_only=True):
    """The model is built and the first step comes next."""

    run: str = ""
    parameters: int
    vocabulary: int
    """Distinct characters."""
    train_characters: int
    validation_characters: int
    test_characters: int
    epochs: int
    steps_per_epoch: int
    """At the smallest offset; at another one an epoch may have one step less. Of a run by time, about so many."""
    device: str = "cpu"
    precision: ComputePrecision = "fp32"
    threads: int = 1
    epochs_done: int = 0
    """Epochs that an earlier process completed, if this run was resumed."""
    elapsed_seconds: float = 0.0
    """How long these took, and the part of the next one that was done."""
    history: "tuple[EpochCompleted, ...]" = ()
    """Those epochs."""


class StepsCompleted(_Event, frozen=True, kw_only=True):
    """Some steps were taken since the last such event. At most ten a second, and one at each epoch's end."""

    epoch: int
    """The epoch under way, from 1."""
    step: int
    """Steps taken in this epoch."""
    steps: int
    """Steps this epoch has."""
    loss: float
    """Mean over the epoch's windows so far."""
    recent_loss: float
    """Mean over the windows since the last such event."""
    total_steps: int
    """Steps taken in the whole run."""
    chars_per_second: float
    """Since the last such event."""
    elapsed_seconds: float
    learning_rate: float | None = None
    """Of the last step."""
    gradient_norm: float | None = None
    """Of the last step, before it was clipped."""
    memory_bytes: int | None = None
    """Of the process, or, on a GPU, of the tensors there."""


class ValidationProgressed(_Event, frozen=True, kw_only=True):
    """The steps of an epoch are done, and some of the validation part was read. At most ten a second."""

    epoch: int
    done: float
    """The share that was read, 0 to 1."""
    elapsed_seconds: float


class EpochCompleted(_Event, frozen=True, kw_only=True):
    """An epoch is over and validated."""

    epoch: int
    train_loss: float
    """Mean of the epoch's window losses, each taken before its step."""
    val_loss: float | None
    """None where no validation part was kept."""
    best: bool
    """Whether this is the epoch to keep: the lowest validation loss so far, or, without validation, the latest."""
    seconds: float
    """How long this epoch took, validation included."""
    elapsed_seconds: float
    """Since the run started."""
    chars_per_second: float
    """Training only."""
    total_steps: int = 0
    """Steps taken in the whole run; 0 in the events of runs from before this field."""


class SampleDrawn(_Event, frozen=True, kw_only=True):
    """A sample of the model as it stands: before the first step, at an epoch's end, or when somebody asked."""

    epoch: int
    """Epochs completed."""
    total_steps: int
    prompt: str
    """May be empty."""
    text: str
    asked: bool = False
    """Whether somebody asked for it, within an epoch."""


class CheckpointSaved(_Event, frozen=True, kw_only=True):
    """A checkpoint lies on disk, whole."""

    kind: SavedKind
    epoch: int
    """Epochs completed when it was made."""
    path: str


class SavingFailed(_Event, frozen=True, kw_only=True):
    """A file of a run could not be written. The run continues and tries again; there is one such event until it can."""

    path: str
    why: str
    again_after: float
    """Seconds between two tries."""

    @property
    def advice(self) -> str:
        """What happened, and what comes next."""
        return (
            f"{self.path} cannot be written: {self.why}. The training goes on, and it is tried again every "
            f"{self.again_after:g} seconds. Make room there, or put the folder back."
        )


class Paused(_Event, frozen=True, kw_only=True):
    """The run pauses between two steps."""


class Resumed(_Event, frozen=True, kw_only=True):
    """The run continues after a pause."""


class RateHalved(_Event, frozen=True, kw_only=True):
    """The loss diverged: the run returned to the weights that the epoch began with, with half the rate."""

    epoch: int
    step: int
    rate_factor: float
    """Factor on the learning rate from here on."""
    time: int
    """The first time, the second, …"""

    @property
    def advice(self) -> str:
        """What happened."""
        return (
            f"The loss diverged in epoch {self.epoch}: the run returned to the start of the epoch, with "
            f"{self.rate_factor:g} of the learning rate."
        )


class Diverged(_Event, frozen=True, kw_only=True):
    """The loss diverged, also at the lowest rate that is tried: the run ends."""

    epoch: int
    step: int

    @property
    def advice(self) -> str:
        """What happened, and what to try."""
        what = f"The loss diverged in epoch {self.epoch}, also at half the learning rate and less."
        return f"{what} Try a much lower learning rate, or a gradient clip of 1."


class RunFinished(_Event, frozen=True, kw_only=True):
    """The last event of every run, whatever ended it."""

    reason: Reason
    epochs: int
    """Epochs completed."""
    elapsed_seconds: float
    run: str = ""
    best_checkpoint: str | None = None
    last_checkpoint: str | None = None
    unsaved: str = ""
    """What could not be written until the end, and why; empty where all was."""


Event = (
    RunStarted
    | StepsCompleted
    | ValidationProgressed
    | EpochCompleted
    | SampleDrawn
    | CheckpointSaved
    | SavingFailed
    | Paused
    | Resumed
    | RateHalved
    | Diverged
    | RunFinished
)

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def to_json(event: Event) -> str:
    """Return the event as one line of JSON."""
    return msgspec.json.encode(event).decode()


def from_json(line: str | bytes) -> Event:
    """Read an event that `to_json` wrote.

    Raises:
        ValueError: the line is not one, or only the beginning of one.
    """
    return _decoder.decode(line)
