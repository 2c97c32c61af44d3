"""The trials of an experiment as plain records."""

from typing import Literal

from msgspec import Struct

from core.experiments.varied import Params

TrialState = Literal["waiting", "running", "interrupted", "finished", "pruned", "failed"]


class TrialResult(Struct, frozen=True, kw_only=True):
    """One trial: a run with certain values and a seed."""

    number: int
    """From 1, in the order of their making; the trial's run is called after it."""
    params: Params
    seed: int
    run: str
    """Name of the run."""
    state: TrialState
    """"interrupted" if it was begun and nobody trains it now."""
    losses: dict[int, float] = {}
    """Validation loss by epoch, in nats per character."""
    loss: float | None = None
    """Lowest validation loss, of a finished trial."""
    why: str = ""
    """Reason why it failed."""
    is_here: bool = True
    """Whether it was trained on this machine, so that its run is in the store."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in ("finished", "pruned", "failed")

    @property
    def best_so_far(self) -> float | None:
        """Lowest validation loss so far; None before the first epoch."""
        return min(self.losses.values(), default=self.loss)
