"""Messages from screens to the app, which owns the training run and the preferences."""

from collections.abc import Mapping
from typing import Any

from textual.message import Message

from core.runs.run import RunConfig


class StartTraining(Message):
    """Start a run."""

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.config = config


class ResumeTraining(Message):
    """Resume a run that was stopped or interrupted, or a finished one; `epochs` is then its new total of epochs."""

    def __init__(self, config: RunConfig, name: str, epochs: int | None = None) -> None:
        super().__init__()
        self.config = config
        self.name = name
        self.epochs = epochs


class StopTraining(Message):
    """Stop the run in progress and save it, or delete it with `discard`."""

    def __init__(self, *, discard: bool = False) -> None:
        super().__init__()
        self.discard = discard


class PauseTraining(Message):
    """Pause the run in progress, or continue it."""


class SampleNow(Message):
    """Draw a sample from the run in progress."""


class EvaluateRun(Message):
    """Switch to the Evaluate screen and evaluate a run."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class GenerateFrom(Message):
    """Switch to the Generate screen and choose a run."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class FactsKnown(Message):
    """Facts for a lesson, by name: see `charlstm_tui.lessons.facts`.

    `counting` names facts that count something; 1 is added to each.
    """

    def __init__(self, facts: Mapping[str, float | str | bool | None], *, counting: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.facts = facts
        self.counting = counting


class OpenRun(Message):
    """Switch to the Train screen and open the list of runs at a run."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class ChangePreferences(Message):
    """Change preferences and save them; `changes` are fields of `Preferences` by name."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes
