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
    """Resume a run that was stopped or interrupted, or a finished one, to have so many epochs in all."""

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
    """Pause the run under way, or continue it."""


class SampleNow(Message):
    """Draw a sample from the run under way."""


class EvaluateRun(Message):
    """Evaluate a run, on the Evaluate screen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class GenerateFrom(Message):
    """Generate with a run, on the Generate screen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class ChangePreferences(Message):
    """Change preferences and remember them: fields of `Preferences` by name."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes
