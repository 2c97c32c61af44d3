"""The sentences of lessons with their keys and the names of the screens set off."""

import re

from textual.content import Content

_MARKED = re.compile(r"`([^`]+)`|\*([^*]+)\*")


def marked(text: str) -> Content:
    """Return a text in which `keys` are bold and *names* are underlined; nothing else is markup."""
    parts: list[Content | tuple[str, str]] = []
    end = 0
    for found in _MARKED.finditer(text):
        parts.append(Content(text[end : found.start()]))
        parts.append((found[1], "bold $accent") if found[1] else (found[2], "underline"))
        end = found.end()
    return Content.assemble(*parts, Content(text[end:]))
