"""A run summed up in a line, from its files."""

import datetime
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from core.events import EpochCompleted, Event, Reason, RunFinished, RunStarted
from core.runs.run import Run

RunState = Literal[Reason, "running", "interrupted"]


class RunSummary(Struct, frozen=True, kw_only=True):
    """A run summed up in a line."""

    name: str
    created: datetime.datetime | None
    corpus: str
    preset: str
    epochs: int
    """Completed."""
    train_loss: float | None
    """Of the last epoch."""
    best_val_loss: float | None
    size: int
    """Of its files, in bytes."""
    state: RunState
    """"running": some process trains it now; "interrupted": none does, and none noted why it ended."""


def summarise(run: Run, events: list[Event] | None = None) -> RunSummary:
    """Sum up a run from its files, or from its events where they are read already.

    Raises:
        UserError: its configuration is missing or damaged.
    """
    config, events = run.config(), run.events() if events is None else events
    epochs = epochs_of(events)
    return RunSummary(
        name=run.name,
        created=config.created,
        corpus=config.corpus.name,
        preset=config.preset,
        epochs=len(epochs),
        train_loss=epochs[-1].train_loss if epochs else None,
        best_val_loss=min((epoch.val_loss for epoch in epochs if epoch.val_loss is not None), default=None),
        size=run.size,
        state=_state(run, events),
    )


def epochs_of(events: Iterable[Event]) -> list[EpochCompleted]:
    """Return the epochs of a run. One that was resumed from an earlier state may have done some of them twice."""
    epochs: dict[int, EpochCompleted] = {}
    for event in events:
        match event:
            case RunStarted(epochs_done=done):
                epochs = {number: epoch for number, epoch in epochs.items() if number <= done}
            case EpochCompleted(epoch=number):
                epochs[number] = event
    return [epochs[number] for number in sorted(epochs)]


def outcome(events: Iterable[Event]) -> RunFinished | None:
    """Return how a run ended; None if it has not ended since it was last started or resumed."""
    ended: RunFinished | None = None
    for event in events:
        if isinstance(event, RunStarted | RunFinished):
            ended = event if isinstance(event, RunFinished) else None
    return ended


def _state(run: Run, events: list[Event]) -> RunState:
    ended = outcome(events)
    if ended is not None:
        return ended.reason
    return "running" if run.is_held else "interrupted"
