"""Adapts a prompt to a model's vocabulary: unknown characters are replaced by the nearest known ones or dropped.

A typed or pasted prompt may contain characters that the training text lacks: curly quotes, letters with combining
accents, capitals. A character with a natural equivalent is replaced by it; a character without one is dropped. The
user is shown a notice of both.
"""

import unicodedata
from collections.abc import Iterator

from msgspec import Struct

from core.data.decoding import normalise
from core.data.vocabulary import Vocabulary
from core.text import SIGNS

_TYPOGRAPHY = {
    **dict.fromkeys("’‘‛ʼ′`´", "'"), **dict.fromkeys("“”„‟″", '"'), "«": '"', "»": '"', "‹": "'", "›": "'",
    "'": "’", '"': "”", **dict.fromkeys("–—―−‐‑‒", "-"), "-": "–", "…": "...", "·": ".", "•": "-",
    "\t": " ", **dict.fromkeys("\u00a0\u202f\u2009\u2007\u2002\u2003", " "), " ": "\u00a0",
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "ð": "d", "þ": "th",
}  # fmt: skip
"""Equivalents of characters, for a vocabulary that lacks them; `_equivalents` tries others too."""


MAX_LISTED = 20
"""Maximum number of characters that a notice lists."""


class Prompt(Struct, frozen=True):
    """A prompt before and after its adaptation to a vocabulary."""

    typed: str
    """The prompt as typed, with composed accents (NFC)."""
    read: str
    """The prompt as the model reads it, with known characters only."""
    replaced: dict[str, str]
    """Replaced characters with their replacements, in order of appearance."""
    left_out: tuple[str, ...]
    """Dropped characters, which have no known equivalent, in order of appearance."""

    @property
    def notice(self) -> str:
        """Message about the changes; empty if there are none."""
        return self.notice_of("prompt")

    def notice_of(self, what: str) -> str:
        """Return the message about the changes of a prompt, or of another text that is named so."""
        parts = []
        if self.replaced:
            changes = _listed([f"{_named(old)} by {_named(new)}" for old, new in self.replaced.items()], ", ")
            parts.append(f"Replaced in the {what}, unknown to the model: {changes}.")
        if self.left_out:
            parts.append(
                f"Dropped from the {what}, unknown to the model: {_listed([*map(_named, self.left_out)], ' ')}"
            )
        return " ".join(parts)


def _listed(items: list[str], between: str) -> str:
    more = len(items) - MAX_LISTED
    return between.join(items[:MAX_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def fit(prompt: str, vocabulary: Vocabulary) -> Prompt:
    """Return a prompt adapted to a model with this vocabulary."""
    typed = normalise(prompt)
    replaced: dict[str, str] = {}
    left_out: dict[str, None] = {}
    for character in dict.fromkeys(typed):
        if character in vocabulary:
            continue
        known = (candidate for candidate in _equivalents(character) if all(part in vocabulary for part in candidate))
        equivalent = next(known, "")
        if equivalent:
            replaced[character] = equivalent
        else:
            left_out[character] = None
    table = str.maketrans({**replaced, **dict.fromkeys(left_out, "")})
    return Prompt(typed=typed, read=typed.translate(table), replaced=replaced, left_out=tuple(left_out))


def _equivalents(character: str) -> Iterator[str]:
    """Yield the possible replacements of a character, the nearest first."""
    if character in _TYPOGRAPHY:
        yield _TYPOGRAPHY[character]
    compatible = unicodedata.normalize("NFKC", character)  # a ligature, a full-width letter, a superscript
    yield compatible
    swapped = character.swapcase()
    bare = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    if len(swapped) == 1:
        yield swapped  # É becomes é rather than E: the sound matters more than the case
    yield bare
    yield bare.swapcase()
    if character in _TYPOGRAPHY:
        yield _TYPOGRAPHY[character].swapcase()


def _named(character: str) -> str:
    """Return a visible name for a character that is invisible, and any other character unchanged."""
    return {"\n": SIGNS["\n"], " ": "space", "\t": "tab", "\u00a0": "no-break space", "": "nothing"}.get(
        character, character
    )
