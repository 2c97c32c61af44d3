"""Keys as people write them: `left_square_bracket` is "[", and `ctrl+q` is "Ctrl-Q"."""

import unicodedata

_NAMES = {
    "escape": "Esc", "enter": "Enter", "space": "Space", "tab": "Tab", "backspace": "Backspace", "delete": "Delete",
    "insert": "Insert", "home": "Home", "end": "End", "pageup": "PageUp", "pagedown": "PageDown", "up": "↑",
    "down": "↓", "left": "←", "right": "→", "minus": "-", "plus": "+", "slash": "/", "backslash": "\\", "at": "@",
    "underscore": "_", "less_than_sign": "<", "greater_than_sign": ">",
}  # fmt: skip


def key_in_words(key: str) -> str:
    """Return a key, by Textual's name of it, as people write it."""
    *modifiers, last = key.split("+")
    if last in _NAMES:
        shown = _NAMES[last]
    elif len(last) > 1 and last[0] == "f" and last[1:].isdecimal():
        shown = last.upper()
    else:
        shown = _character(last)
        shown = shown.upper() if modifiers else shown
    return "-".join([*(modifier.capitalize() for modifier in modifiers), shown])


def _character(name: str) -> str:
    """Return the character that a key types, or its name if it types none."""
    if len(name) == 1:
        return name
    for words in (name.replace("_", " "), name.replace("_", "-")):
        try:
            return unicodedata.lookup(words.upper())
        except KeyError:
            continue
    return name
