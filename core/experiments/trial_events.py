"""The events that the workers of an experiment emit, one JSON line each."""

import msgspec
from msgspec import Struct

from core.experiments.results import TrialState
from core.experiments.varied import Params


class _Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    pass


class TrialStarted(_Event, frozen=True, kw_only=True, tag="trial_started"):
    """A worker trains a trial from now on."""

    trial: int
    """Number of the trial, from 1."""
    run: str
    params: Params
    seed: int
    epochs: int
    """Number of epochs of its run."""
    resumed: bool
    """Whether the trial was begun before."""


class TrialProgressed(_Event, frozen=True, kw_only=True, tag="trial_progressed"):
    """Steps were completed. Emitted at most once a second for each trial."""

    trial: int
    done: float
    """Share of the trial's steps that are completed, 0 to 1."""
    chars_per_second: float


class TrialEpoch(_Event, frozen=True, kw_only=True, tag="trial_epoch"):
    """An epoch of a trial was completed and validated."""

    trial: int
    epoch: int
    train_loss: float
    val_loss: float


class TrialEnded(_Event, frozen=True, kw_only=True, tag="trial_ended"):
    """A worker no longer trains a trial."""

    trial: int
    run: str
    state: TrialState
    """"interrupted" if the worker was stopped: the trial is resumed later."""
    loss: float | None = None
    """Lowest validation loss, of a finished trial."""
    why: str = ""
    """Reason why it failed."""
    unsaved: str = ""
    """Message on what could not be saved, and why; empty if the run was saved."""


class WorkerFailed(_Event, frozen=True, kw_only=True, tag="worker_failed"):
    """A worker cannot continue."""

    why: str


TrialEvent = TrialStarted | TrialProgressed | TrialEpoch | TrialEnded | WorkerFailed

_decoder: msgspec.json.Decoder[TrialEvent] = msgspec.json.Decoder(TrialEvent)


def to_json(event: TrialEvent) -> str:
    """Return the event as one line of JSON."""
    return msgspec.json.encode(event).decode()


def from_json(line: str | bytes) -> TrialEvent:
    """Return the event that `to_json` wrote as this line.

    Raises:
        ValueError: the line is not an event.
    """
    return _decoder.decode(line)
