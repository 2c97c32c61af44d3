"""The preferences that the app saves between sessions: its looks, recent prompts and the settings of the last run."""

import contextlib
from typing import Literal, TypeVar, get_args

import msgspec
from msgspec import Struct

from core.errors import UserError
from core.files import write_atomically
from core.folders import data_folder
from core.runs.run import RunConfig

Glyphs = Literal["braille", "blocks", "ascii"]
"""Characters that charts and bars are drawn with: a font may lack braille, and a terminal may show ASCII only."""
Smoothing = Literal["off", "light", "strong"]
Range = Literal["all", "recent"]
Scale = Literal["linear", "log"]
XAxis = Literal["steps", "epochs", "characters", "seconds"]
"""Unit of the x axis of loss charts: optimizer steps, epochs, characters read, or seconds of training."""
GLYPHS: tuple[Glyphs, ...] = get_args(Glyphs)
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
RANGES: tuple[Range, ...] = get_args(Range)
SCALES: tuple[Scale, ...] = get_args(Scale)
X_AXES: tuple[XAxis, ...] = get_args(XAxis)


Choice = TypeVar("Choice", bound=str)


def following(choices: tuple[Choice, ...], current: Choice) -> Choice:
    """Return the choice after the current one; after the last, the first."""
    return choices[(choices.index(current) + 1) % len(choices)]


class Preferences(Struct, frozen=True, kw_only=True):
    """All preferences. Frozen: a change makes a new value."""

    theme: str = ""
    """Textual's name of the theme; empty until one is chosen: the app then picks one by the terminal's colours."""
    glyphs: Glyphs = "braille"
    smoothing: Smoothing = "light"
    range: Range = "all"
    scale: Scale = "linear"
    x_axis: XAxis = "steps"
    prompts: tuple[str, ...] = ()
    """Recent prompts, the newest last."""
    language: str = ""
    """Language of the lessons and the help pages; empty for that of the system."""
    run: RunConfig | None = None
    """Settings of the last run."""


def load_preferences() -> Preferences:
    """Read the preferences; return the defaults if the file is missing or damaged."""
    with contextlib.suppress(OSError, ValueError, RecursionError, UserError):
        return msgspec.json.decode((data_folder() / "preferences.json").read_bytes(), type=Preferences)
    return Preferences()


def save_preferences(preferences: Preferences) -> None:
    """Save the preferences. Errors are ignored: if the file cannot be written, the next session has the old ones."""
    with contextlib.suppress(OSError, UserError):
        folder = data_folder()
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "preferences.json", msgspec.json.format(msgspec.json.encode(preferences)) + b"\n")
