"""Makes text safe to show in a terminal, and reads escapes in prompts that are typed on one line.

Text from outside, or from a model, must pass through `sanitise` before it reaches a terminal.
"""

import re
from collections.abc import Sequence

# Characters that a terminal could act on, or that could reorder a line. Newline and tab are kept.
_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)} | {0x7F: 0x2421}
_BIDIRECTIONAL = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SEPARATORS = [0x2028, 0x2029]
_SURROGATES = range(0xD800, 0xE000)
_REPLACEMENTS = _CONTROL_PICTURES | dict.fromkeys(
    [*range(0x80, 0xA0), *_BIDIRECTIONAL, *_SEPARATORS, *_SURROGATES], ord("\N{REPLACEMENT CHARACTER}")
)

SIGNS = {"\n": "⏎", "\t": "⇥"}
"""What is shown for a newline and a tab where a text is shown in one line."""
_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\\": "\\"}

_SIGNS = str.maketrans(SIGNS)


def sanitise(text: str) -> str:
    """Return `text` with each character that a terminal could act on replaced by one visible character."""
    return text.translate(_REPLACEMENTS)


def in_one_line(text: str) -> str:
    """Return `text` sanitised, with newlines and tabs replaced too; for names in a line or a table."""
    return sanitise(text).translate(_SIGNS)


def shortened(text: object, length: int = 120) -> str:
    """Return an object's text on one line, sanitised; if it is longer than `length`, without its middle."""
    shown = in_one_line(str(text))
    half = length // 2
    return shown if len(shown) <= length else f"{shown[:half]}…{shown[-half:]}"


def read_escapes(typed: str) -> str:
    r"""Return a prompt that was typed on one line with its escapes replaced: `\n` newline, `\t` tab, `\\` backslash.

    Any other backslash is kept. All text boxes and options read prompts with this function.
    """
    return re.sub(r"\\[nt\\]", lambda found: _ESCAPES[found[0]], typed)


def with_escapes(prompt: str) -> str:
    """Return a prompt as it would be typed on one line: the inverse of `read_escapes`."""
    for escape, character in reversed(_ESCAPES.items()):
        prompt = prompt.replace(character, escape)
    return prompt


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, in the singular for 1 and in the plural otherwise."""
    if number == 1:
        return f"{number:,} {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"


def natural_key(name: str) -> list[str]:
    """Return a sort key by which quick-9 comes before quick-10."""
    return [part.zfill(20) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def joined(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: `a`, `a and b`, `a, b and c`."""
    return " and ".join([*([", ".join(words[:-1])] if len(words) > 1 else []), *words[-1:]])
