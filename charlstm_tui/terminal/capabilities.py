"""What the app is drawn on: a terminal, whichever its encoding, or a page in a browser."""

import os
import sys


def in_browser() -> bool:
    """Tell whether it is textual-serve that runs the program, for a page in a browser."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def draws_more_than_ascii() -> bool:
    """Tell whether the encoding has what the screens are drawn with; else it would all be question marks."""
    if in_browser():
        return True
    try:
        "─⠿█".encode(sys.__stdout__.encoding if sys.__stdout__ else "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
