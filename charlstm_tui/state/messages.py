"""What a screen asks of the app, which owns the training run, the models and the preferences."""

from typing import Any

from textual.message import Message

from core.runs.run import RunConfig


class StartTraining(Message):
    """Start a run."""

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.config = config


class ResumeTraining(Message):
    """Resume a run that was stopped or cut off, or one that is finished, to have so many epochs in all."""

    def __init__(self, config: RunConfig, name: str, epochs: int | None = None) -> None:
        super().__init__()
        self.config = config
        self.name = name
        self.epochs = epochs


class StopTraining(Message):
    """Stop the run under way, and save it; or delete it."""

    def __init__(self, *, discard: bool = False) -> None:
        super().__init__()
        self.discard = discard


class PauseTraining(Message):
    """Hold the run under way, or let it go on."""


class SampleNow(Message):
    """Have the run under way write something."""


class EvaluateRun(Message):
    """Measure a run, on the screen for that."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class GenerateFrom(Message):
    """Have a run write, on the screen for that."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class ChangePreferences(Message):
    """Remember something else from now on: fields of `Preferences` by name."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes
