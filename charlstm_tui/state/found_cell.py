"""A cell of a model that one screen names and another one shows."""

from pathlib import Path
from typing import NamedTuple


class FoundCell(NamedTuple):
    """A cell to show in Inspect."""

    model: str
    """The model's name on screen."""
    path: Path
    """Path of the checkpoint."""
    layer: int
    """From 0."""
    cell: int
    """From 0."""
