"""What a screen asks of the app, which owns the training run."""

from textual.message import Message

from core.runs import RunConfig


class StartTraining(Message):
    """Start a run."""

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.config = config


class ResumeTraining(Message):
    """Go on with a run that was stopped or cut off."""

    def __init__(self, config: RunConfig, name: str) -> None:
        super().__init__()
        self.config = config
        self.name = name


class StopTraining(Message):
    """Stop the run under way, and save it."""


class PauseTraining(Message):
    """Hold the run under way, or let it go on."""
