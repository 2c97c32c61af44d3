"""Summaries of runs, for a table."""

import datetime
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from core.events import EpochCompleted, Event, Reason, RunFinished, RunStarted
from core.runs.run import Run

RunState = Literal[Reason, "running", "interrupted", "imported"]


class RunSummary(Struct, frozen=True, kw_only=True):
    """One row of a table of runs."""

    name: str
    created: datetime.datetime | None
    corpus: str
    preset: str
    epochs: int
    """Number of completed epochs."""
    train_loss: float | None
    """Training loss of the last epoch, in nats per character."""
    best_val_loss: float | None
    """Lowest validation loss, in nats per character; None without validation."""
    size: int
    """Size of its files, in bytes."""
    state: RunState
    """Why the run ended; "running" if a process is training it, "interrupted" if it ended without an event, "imported"
    if it was not trained here."""


def summarise(run: Run, events: list[Event] | None = None) -> RunSummary:
    """Return the summary of a run. `events` are its events if they have already been read.

    Raises:
        UserError: the run's configuration is missing or damaged.
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
        state="imported" if config.is_imported else _state(run, events),
    )


def epochs_of(events: Iterable[Event]) -> list[EpochCompleted]:
    """Return the completed epochs. Of epochs repeated after the run was resumed, only the later ones are returned."""
    epochs: dict[int, EpochCompleted] = {}
    for event in events:
        match event:
            case RunStarted(epochs_done=done):
                epochs = {number: epoch for number, epoch in epochs.items() if number <= done}
            case EpochCompleted(epoch=number):
                epochs[number] = event
    return [epochs[number] for number in sorted(epochs)]


def outcome(events: Iterable[Event]) -> RunFinished | None:
    """Return the last `RunFinished` event; None if the run has not ended since it was last started or resumed."""
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
