"""Copying: to the clipboard of this machine where there is a tool for it, and through the terminal in any case."""

from textual.app import App

from core.text import count_of

TERMINALS_TAKE = 74_000
"""Bytes; more of them are dropped by many terminals."""


def copy(app: App[object], text: str) -> None:
    """Copy a text, and say what became of it: a terminal does not tell whether it took it."""
    import pyperclip

    app.copy_to_clipboard(text)  # OSC 52, which also reaches a clipboard beyond SSH
    try:
        pyperclip.copy(text)
    except (pyperclip.PyperclipException, OSError, UnicodeError):
        long = len(text.encode("utf-8", "replace")) > TERMINALS_TAKE
        app.notify(
            f"The terminal was given {count_of(len(text), 'character')}, and does not tell whether it took the text"
            + (" and may not take so many. Saving works in any case." if long else ". Saving works in any case."),
            timeout=8,
        )
    else:
        app.notify(f"Copied {count_of(len(text), 'character')} to the clipboard.")
