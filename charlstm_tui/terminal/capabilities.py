"""The capabilities of the output: whether it is a page in a browser, and whether its encoding has more than ASCII."""

import os
import sys

MIN_WINDOW = (60, 15)
"""Columns and rows of the smallest window in which nothing important of the app is cut off."""


def in_browser() -> bool:
    """Return whether textual-serve has started the program, for a page in a browser."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def draws_more_than_ascii() -> bool:
    """Return whether the encoding has the characters that the screens draw with; if not, each becomes a "?"."""
    if in_browser():
        return True
    try:
        "─⠿█".encode(sys.__stdout__.encoding if sys.__stdout__ else "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
