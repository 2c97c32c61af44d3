"""The sentences of lessons with their keys and the names of the screens set off."""

import re

from rich.cells import cell_len
from textual.content import Content

_MARKED = re.compile(r"`([^`]+)`|\*([^*]+)\*")


def wrapped(content: Content, width: int) -> Content:
    """Return a text with a new line wherever the next word does not fit into `width` cells.

    Textual also breaks lines at no-break spaces, which French has before a colon; this breaks at spaces only.
    """
    text = content.plain
    lines: list[Content] = []
    begin = end = 0  # of the line so far
    for word in re.finditer(r"[^ \n]+|\n", text):
        if word[0] == "\n" or (end > begin and cell_len(text[begin : word.end()]) > max(width, 1)):
            lines.append(content[begin:end])
            begin = word.end() if word[0] == "\n" else word.start()
        end = word.end()
    return Content("\n").join([*lines, content[begin:end]])


def marked(text: str) -> Content:
    """Return a text in which `keys` are bold and *names* are underlined; nothing else is markup."""
    parts: list[Content | tuple[str, str]] = []
    end = 0
    for found in _MARKED.finditer(text):
        parts.append(Content(text[end : found.start()]))
        parts.append((found[1], "bold $accent") if found[1] else (found[2], "underline"))
        end = found.end()
    return Content.assemble(*parts, Content(text[end:]))
