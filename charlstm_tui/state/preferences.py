"""What the app remembers from one day to the next: how it looks, and the settings of the last run."""

import contextlib
from typing import Literal, TypeVar, get_args

import msgspec
from msgspec import Struct

from core.errors import UserError
from core.files import write_atomically
from core.folders import data_folder
from core.runs.run import RunConfig

Glyphs = Literal["braille", "blocks", "ascii"]
"""What lines and bars are drawn with: a font may lack braille, a terminal all but ASCII."""
Smoothing = Literal["off", "light", "strong"]
Range = Literal["all", "recent"]
Scale = Literal["linear", "log"]
XAxis = Literal["steps", "epochs", "characters", "seconds"]
"""What losses are drawn by: optimizer steps, epochs, characters read, or training time."""
GLYPHS: tuple[Glyphs, ...] = get_args(Glyphs)
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
RANGES: tuple[Range, ...] = get_args(Range)
SCALES: tuple[Scale, ...] = get_args(Scale)
X_AXES: tuple[XAxis, ...] = get_args(XAxis)


Choice = TypeVar("Choice", bound=str)


def following(choices: tuple[Choice, ...], now: Choice) -> Choice:
    """Return the choice after the one there is now; after the last, the first."""
    return choices[(choices.index(now) + 1) % len(choices)]


class Preferences(Struct, frozen=True, kw_only=True):
    """All of it."""

    theme: str = ""
    """Textual's name of it; empty until one is chosen, and then it goes by what the terminal can show."""
    glyphs: Glyphs = "braille"
    smoothing: Smoothing = "light"
    range: Range = "all"
    scale: Scale = "linear"
    x_axis: XAxis = "steps"
    prompts: tuple[str, ...] = ()
    """What texts were begun with, the newest last."""
    run: RunConfig | None = None
    """What the last run was asked to do."""


def load_preferences() -> Preferences:
    """Read what was remembered; what cannot be read is forgotten."""
    with contextlib.suppress(OSError, ValueError, RecursionError, UserError):
        return msgspec.json.decode((data_folder() / "preferences.json").read_bytes(), type=Preferences)
    return Preferences()


def save_preferences(preferences: Preferences) -> None:
    """Remember; where nothing can be written, the next start begins as the first."""
    with contextlib.suppress(OSError, UserError):
        folder = data_folder()
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "preferences.json", msgspec.json.format(msgspec.json.encode(preferences)) + b"\n")
