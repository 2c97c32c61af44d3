"""Text from outside, as Textual shows it: from a file, a run, a model or an exception.

It may hold control characters, which a terminal acts on, and brackets, which Textual reads as markup. So screens and
widgets show it by these functions, or by the widget `PlainText`.
"""

from textual.content import Content

from core.text import in_one_line, sanitise


def plain(text: str, style: str = "") -> Content:
    """Return a text as it is, safe to show, in one style."""
    return Content.styled(sanitise(text), style)


def plain_title(text: str) -> str:
    """Return a text in one line for the frame of a widget, whose titles Textual reads as markup."""
    return Content(in_one_line(text)).markup
