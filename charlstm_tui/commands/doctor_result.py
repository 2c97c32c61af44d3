"""What a check of `charlstm-tui doctor` has found."""

import contextlib
import re
from pathlib import Path
from typing import Literal

from msgspec import Struct

from core.text import in_one_line

State = Literal["ok", "note", "wrong"]
"""ok: it works. note: worth knowing, and no fault. wrong: something does not work."""


class Check(Struct, frozen=True, kw_only=True):
    """What was found about one part of the program or of the machine."""

    name: str
    found: str
    state: State = "ok"
    advice: str = ""
    """What to do about it; empty if nothing is to be done."""
    figures: dict[str, float] = {}
    """The figures in `found`, for a program that reads the JSON."""


def without_home(text: str) -> str:
    """Return a text with the user's home folder replaced by ~, sanitised and in one line."""
    with contextlib.suppress(RuntimeError, OSError):  # there is no home folder
        home = Path.home()
        for path in {str(home), str(home.resolve())} - {"", home.anchor}:
            text = re.sub(rf"{re.escape(path)}(?![\w.-])", "~", text)
    return in_one_line(text)
