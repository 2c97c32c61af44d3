"""Text from outside the program (a file, a run, a model or an exception), made safe for Textual.

Such text may contain control characters, which a terminal obeys, and brackets, which Textual reads as markup. Screens
and widgets show it through these functions or through the widget `PlainText`.
"""

from textual.content import Content

from core.text import in_one_line, sanitise


def plain(text: str, style: str = "") -> Content:
    """Return a sanitised text without markup, in one style."""
    return Content.styled(sanitise(text), style)


def plain_title(text: str) -> str:
    """Return a text in one line, escaped for the title of a widget's frame, which Textual reads as markup."""
    return Content(in_one_line(text)).markup
