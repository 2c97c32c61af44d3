"""Copying: through the terminal (OSC 52) always, and to this machine's clipboard if a tool for it is installed."""

from textual.app import App

from core.text import count_of

TERMINALS_TAKE = 74_000
"""Bytes above which many terminals drop a copied text."""


def copy(app: App[object], text: str) -> None:
    """Copy a text and show a notice. A terminal does not report whether it has accepted the text."""
    import pyperclip

    app.copy_to_clipboard(text)  # OSC 52, which also works over SSH
    try:
        pyperclip.copy(text)
    except (pyperclip.PyperclipException, OSError, UnicodeError):
        long = len(text.encode("utf-8", "replace")) > TERMINALS_TAKE
        app.notify(
            f"Sent {count_of(len(text), 'character')} to the terminal, which does not confirm copies"
            + (" and may reject a text of this size. Saving always works." if long else ". Saving always works."),
            timeout=8,
        )
    else:
        app.notify(f"Copied {count_of(len(text), 'character')} to the clipboard.")
