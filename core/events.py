"""The events that a training run emits. The command line and the app both render them.

Each event is a frozen record. In JSON, its name in snake case is stored under "event", so that a file of events can be
read back. Losses are in nats per character. Times are in seconds, without pauses.
"""

import re
from typing import Literal

import msgspec
from msgspec import Struct

Reason = Literal["finished", "stopped", "failed"]
"""Why a run ended."""
SavedKind = Literal["best", "last"]
"""The model at its best epoch, or the latest state of the run."""
ComputePrecision = Literal["fp32", "bf16"]
"""Number format of the large matrix products."""


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Event(Struct, frozen=True, kw_only=True, tag=_snake_case, tag_field="event"):
    pass


class RunStarted(_Event, frozen=True, kw_only=True):
    """The model has been built; the first step is next."""

    run: str = ""
    """Name of the run; empty if the run is not saved."""
    parameters: int
    vocabulary: int
    """Number of distinct characters."""
    train_characters: int
    validation_characters: int
    test_characters: int
    epochs: int
    steps_per_epoch: int
    """Steps of an epoch at the smallest offset; at another offset there may be one less. Approximate for a run with a
    time limit."""
    device: str = "cpu"
    precision: ComputePrecision = "fp32"
    threads: int = 1
    processes: int = 1
    """Number of processes that train the model together; `threads` are those of each."""
    processes_before: int = 0
    """Number of processes that trained it before, if this run was resumed; 0 otherwise."""
    epochs_done: int = 0
    """Number of epochs that were completed before, if this run was resumed."""
    elapsed_seconds: float = 0.0
    """Duration of the run before it was resumed, including an incomplete epoch."""
    total_steps: int = 0
    """Steps completed in the whole run before this event: of a resumed run, those before; 0 in files from before this
    field existed."""
    history: "tuple[EpochCompleted, ...]" = ()
    """Events of the epochs that were completed before."""
    origin: str = ""
    """Name of the model whose weights the run began with; empty for random weights."""
    new_characters: int = 0
    """Number of characters of the text that this model did not know. 0 in a resumed run."""
    dropped_characters: int = 0
    """Number of characters that only this model knew. 0 in a resumed run."""

    @property
    def beginning(self) -> str:
        """How the weights of another model were taken over, in a sentence; empty for a run without, or resumed."""
        if not self.origin or self.elapsed_seconds:
            return ""
        kept = f"{self.vocabulary - self.new_characters:,} of its characters are kept"
        dropped = f", {self.dropped_characters:,} are not in this text" if self.dropped_characters else ""
        new = f", {self.new_characters:,} are new" if self.new_characters else ""
        return f"The run begins with the weights of {self.origin}: {kept}{dropped}{new}."

    @property
    def advice(self) -> str:
        """Message for a run that is resumed with another number of processes; empty for any other."""
        if self.processes_before in (0, self.processes):
            return ""
        before = (
            f"{self.processes_before} process" if self.processes_before == 1 else f"{self.processes_before} processes"
        )
        return (
            f"This run was trained by {before} and continues with {self.processes}: "
            "its losses will differ slightly from those without the change."
        )


class StepsCompleted(_Event, frozen=True, kw_only=True):
    """Steps were completed. Emitted at most ten times a second, and at the end of each epoch."""

    epoch: int
    """Number of the current epoch, from 1."""
    step: int
    """Steps completed in this epoch."""
    steps: int
    """Steps of this epoch in total."""
    loss: float
    """Mean loss over the windows of this epoch so far."""
    recent_loss: float
    """Mean loss over the windows since the last such event."""
    total_steps: int
    """Steps completed in the whole run."""
    chars_per_second: float
    """Training speed since the last such event."""
    elapsed_seconds: float
    learning_rate: float | None = None
    """Learning rate of the last step."""
    gradient_norm: float | None = None
    """Gradient norm of the last step, before clipping."""
    memory_bytes: int | None = None
    """Memory of the process, or, on a GPU, memory of its tensors there."""


class ValidationProgressed(_Event, frozen=True, kw_only=True):
    """The validation at the end of an epoch has progressed. Emitted at most ten times a second."""

    epoch: int
    done: float
    """Share of the validation part that has been read, 0 to 1."""
    elapsed_seconds: float


class EpochCompleted(_Event, frozen=True, kw_only=True):
    """An epoch was completed and validated."""

    epoch: int
    train_loss: float
    """Mean loss of the epoch's windows, each computed before its step."""
    val_loss: float | None
    """Validation loss; None without a validation part."""
    best: bool
    """Whether this is the best epoch so far: the one with the lowest validation loss, or, without validation, the
    latest."""
    seconds: float
    """Duration of this epoch, including its validation."""
    elapsed_seconds: float
    """Duration of the run so far."""
    chars_per_second: float
    """Speed of the training, without the validation."""
    total_steps: int = 0
    """Steps completed in the whole run; 0 in files from before this field existed."""


class SampleDrawn(_Event, frozen=True, kw_only=True):
    """The current model generated a sample: before the first step, at the end of an epoch, or on request."""

    epoch: int
    """Number of completed epochs."""
    total_steps: int
    prompt: str
    """Prompt of the sample; may be empty."""
    text: str
    asked: bool = False
    """Whether it was requested during an epoch."""


class CheckpointSaved(_Event, frozen=True, kw_only=True):
    """A complete checkpoint was written to disk."""

    kind: SavedKind
    epoch: int
    """Number of epochs that were completed when it was made."""
    path: str


class SavingFailed(_Event, frozen=True, kw_only=True):
    """A file of the run could not be written. The run continues and tries again.

    Emitted once until writing succeeds again.
    """

    path: str
    why: str
    """Reason given by the system."""
    again_after: float
    """Seconds between two attempts."""

    @property
    def advice(self) -> str:
        """Message on what happened and what to do."""
        return (
            f"{self.path} cannot be written: {self.why}. Training continues, and writing is tried again every "
            f"{self.again_after:g} seconds. Free some space, or put the folder back."
        )


class Paused(_Event, frozen=True, kw_only=True):
    """The run paused between two steps."""


class Resumed(_Event, frozen=True, kw_only=True):
    """The run continues after a pause."""


class ThreadsChanged(_Event, frozen=True, kw_only=True):
    """The run uses another number of CPU threads from now on, because the load of the machine has changed."""

    threads: int
    before: int
    total_steps: int
    elapsed_seconds: float

    @property
    def advice(self) -> str:
        """Message on what happened."""
        threads = f"{self.threads} thread" if self.threads == 1 else f"{self.threads} threads"
        if self.threads < self.before:
            return f"Other programs use the CPU: training continues with {threads} instead of {self.before}."
        return f"The CPU is free again: training continues with {threads} instead of {self.before}."


class RateHalved(_Event, frozen=True, kw_only=True):
    """The loss diverged: the run returned to the weights at the start of the epoch and halved the learning rate."""

    epoch: int
    step: int
    rate_factor: float
    """Factor by which the learning rate is now multiplied."""
    time: int
    """How many times the rate has been halved, including this time."""

    @property
    def advice(self) -> str:
        """Message on what happened."""
        return (
            f"The loss diverged in epoch {self.epoch}: the run returned to the start of the epoch, with "
            f"{self.rate_factor:g} of the learning rate."
        )


class Diverged(_Event, frozen=True, kw_only=True):
    """The loss diverged even at the lowest learning rate that is tried, so the run ends."""

    epoch: int
    step: int

    @property
    def advice(self) -> str:
        """Message on what happened and what to try."""
        what = f"The loss diverged in epoch {self.epoch}, also at half the learning rate and less."
        return f"{what} Try a much lower learning rate, or a gradient clip of 1."


class RunFinished(_Event, frozen=True, kw_only=True):
    """The run ended. This is the last event of every run."""

    reason: Reason
    epochs: int
    """Number of completed epochs."""
    elapsed_seconds: float
    run: str = ""
    best_checkpoint: str | None = None
    last_checkpoint: str | None = None
    unsaved: str = ""
    """Message on what could not be saved, and why; empty if everything was saved."""
    thread_changes: int = 0
    """How often the number of threads was changed, counting trials. If it is 0, a run with the same settings and seed
    on the same number of threads has the same losses to the last bit."""


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
    | ThreadsChanged
    | RateHalved
    | Diverged
    | RunFinished
)

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def to_json(event: Event) -> str:
    """Return the event as one line of JSON."""
    return msgspec.json.encode(event).decode()


def from_json(line: str | bytes) -> Event:
    """Return the event that `to_json` wrote as this line.

    Raises:
        ValueError: the line is not an event, or is truncated.
    """
    return _decoder.decode(line)
