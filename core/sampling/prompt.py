"""A prompt as a model can read it: what it does not know becomes what comes nearest, and the person is told.

Somebody types on the keyboard they have, and pastes from where they read: curly quotes, accents in two pieces, capitals
of an alphabet that the training text happens to lack. A character with a natural equivalent is replaced by it; only one
without is left out.
"""

import unicodedata
from collections.abc import Iterator

from msgspec import Struct

from core.data.decoding import normalise
from core.data.vocabulary import Vocabulary

_TYPOGRAPHY = {
    **dict.fromkeys("’‘‛ʼ′`´", "'"), **dict.fromkeys("“”„‟″", '"'), "«": '"', "»": '"', "‹": "'", "›": "'",
    "'": "’", '"': "”", **dict.fromkeys("–—―−‐‑‒", "-"), "-": "–", "…": "...", "·": ".", "•": "-",
    "\t": " ", **dict.fromkeys("\u00a0\u202f\u2009\u2007\u2002\u2003", " "), " ": "\u00a0",
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "ð": "d", "þ": "th",
}  # fmt: skip
"""What stands for a character where a text has it not; more than one may have to be tried."""


MAX_LISTED = 20
"""Characters that a notice names."""


class Prompt(Struct, frozen=True):
    """A prompt and what became of it."""

    typed: str
    """As it was typed, its accents in one piece each."""
    read: str
    """As the model reads it: only characters that it knows."""
    replaced: dict[str, str]
    """What was replaced, and by what, in order of appearance."""
    left_out: tuple[str, ...]
    """What has no equivalent that the model knows, in order of appearance."""

    @property
    def notice(self) -> str:
        """What was changed, in words; empty if nothing was."""
        parts = []
        if self.replaced:
            changes = _listed([f"{_named(old)} by {_named(new)}" for old, new in self.replaced.items()], ", ")
            parts.append(f"Replaced in the prompt, unknown to the model: {changes}.")
        if self.left_out:
            parts.append(f"Left out of the prompt, unknown to the model: {_listed([*map(_named, self.left_out)], ' ')}")
        return " ".join(parts)


def _listed(items: list[str], between: str) -> str:
    more = len(items) - MAX_LISTED
    return between.join(items[:MAX_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def fit(prompt: str, vocabulary: Vocabulary) -> Prompt:
    """Return a prompt such that a model with this vocabulary can read it."""
    typed = normalise(prompt)
    replaced: dict[str, str] = {}
    left_out: dict[str, None] = {}
    for character in dict.fromkeys(typed):
        if character in vocabulary:
            continue
        known = (one for one in _equivalents(character) if all(part in vocabulary for part in one))
        equivalent = next(known, "")
        if equivalent:
            replaced[character] = equivalent
        else:
            left_out[character] = None
    table = str.maketrans({**replaced, **dict.fromkeys(left_out, "")})
    return Prompt(typed=typed, read=typed.translate(table), replaced=replaced, left_out=tuple(left_out))


def _equivalents(character: str) -> Iterator[str]:
    """Yield what may stand for a character, what comes nearest first."""
    if character in _TYPOGRAPHY:
        yield _TYPOGRAPHY[character]
    compatible = unicodedata.normalize("NFKC", character)  # a ligature, a full-width letter, a superscript
    yield compatible
    swapped = character.swapcase()
    bare = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    if len(swapped) == 1:
        yield swapped  # É is é before it is E: the sound matters more than the size
    yield bare
    yield bare.swapcase()
    if character in _TYPOGRAPHY:
        yield _TYPOGRAPHY[character].swapcase()


def _named(character: str) -> str:
    """Return a character such that it can be seen."""
    return {"\n": "⏎", " ": "space", "\t": "tab", "\u00a0": "no-break space", "": "nothing"}.get(character, character)
