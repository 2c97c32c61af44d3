"""Text out: how characters are made safe to show. Text in: what is meant by a prompt that is typed in one line.

`sanitise` is the only way for text that somebody else wrote, or that a model drew, to reach a terminal.
"""

import re

# What a terminal could act on, or what could reorder a line around it. Newline and tab stay.
_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)} | {0x7F: 0x2421}
_BIDIRECTIONAL = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SEPARATORS = [0x2028, 0x2029]
_SURROGATES = range(0xD800, 0xE000)
_REPLACEMENTS = _CONTROL_PICTURES | dict.fromkeys(
    [*range(0x80, 0xA0), *_BIDIRECTIONAL, *_SEPARATORS, *_SURROGATES], ord("\N{REPLACEMENT CHARACTER}")
)

_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\\": "\\"}


def sanitise(text: str) -> str:
    """Return `text` with every character a terminal could act on replaced by a visible one, as many as there were."""
    return text.translate(_REPLACEMENTS)


def in_one_line(text: str) -> str:
    """Return `text`, sanitised, with newlines and tabs visible too: a name, for a line or a table."""
    return sanitise(text).replace("\n", "\u2424").replace("\t", "\u2409")


def shortened(text: object, length: int = 120) -> str:
    """Return the text of something in one line, its middle left out if it is long, for a message about it."""
    shown = in_one_line(str(text))
    half = length // 2
    return shown if len(shown) <= length else f"{shown[:half]}…{shown[-half:]}"


def read_escapes(typed: str) -> str:
    r"""Return what a person means who types a prompt in one line: `\n` is a new line, `\t` a tab, `\\` a backslash.

    Every other backslash stands for itself. Boxes and options read prompts by this function alone.
    """
    return re.sub(r"\\[nt\\]", lambda found: _ESCAPES[found[0]], typed)


def with_escapes(prompt: str) -> str:
    """Return a prompt as a person would type it in one line: `read_escapes` gives it back."""
    for escape, character in reversed(_ESCAPES.items()):
        prompt = prompt.replace(character, escape)
    return prompt


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun in the plural, unless there is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
