"""How likely a text is, as a text of some language: what the readings of the same bytes are compared by.

Only characters beyond ASCII count, since ASCII is the same in nearly all encodings: how common each is in the language,
and whether it stands where such a character may stand. `’` stands between letters, `½` does not; no capital follows a
small letter. All figures are natural logarithms of rough probabilities.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from core.data.languages import (
    ALPHABETIC,
    HANGUL,
    HIRAGANA,
    KANJI,
    LATIN,
    SIGNS,
    SIMPLIFIED,
    TRADITIONAL,
    Language,
)

BAD = -14.0
"""Of a control character, a byte that stands for nothing, or a character that no text has."""
_STRANGE = -11.0
_FOREIGN, _FAR_FOREIGN = -7.0, -8.5
"""Of a letter of another Latin alphabet, of Western Europe or not."""
_UNKNOWN = -8.0
_ROLES = {
    "word": "àéèòóáíôúÀÉÈÒÓÁÍÔÚåÅöØøуиваоскязійєУИВАОСКЯЗІЙЄжЖбБηοήόΗΟΉΌ",  # may be one by itself
    "last": "ςךםןףץةى",  # no letter follows
    "inner": "ьъЬЪ",  # no word begins with it
}
_ROLE_OF = {letter: role for role, letters in _ROLES.items() for letter in letters}

_KINDS = {  # signs that have places of their own; the others stand between spaces or digits
    "’": "apostrophe",
    "“”‘«»„‹›‚": "quote",
    "¿¡": "opening",
    "—–": "dash",
    "…،؛؟": "ellipsis",
    "\u00a0\u202f\u3000": "space",
    "·²³\u00ad\u200c\u200d": "within",
    "°ºª€%‰™®": "after",
    "£$¥№©µ": "before",
}
_KIND_OF_SIGN = {sign: kind for signs, kind in _KINDS.items() for sign in signs}
_LETTERS = frozenset({"latin small", "latin capital", "small", "capital", "caseless", "mark"})
LATIN_LETTERS = frozenset({"latin small", "latin capital"})
_SMALL, _CAPITAL = frozenset({"latin small", "small"}), frozenset({"latin capital", "capital"})


@cache
def kind_of(character: str) -> str:
    """Return what a character is, as far as its neighbours care."""
    category = unicodedata.category(character)
    if character in _KIND_OF_SIGN:
        return _KIND_OF_SIGN[character]
    if category[0] == "L":
        if character < "\u0250" or "\u1e00" <= character < "\u1f00":
            return {"Lu": "latin capital", "Ll": "latin small"}.get(category, "sign")
        return {"Lu": "capital", "Ll": "small"}.get(category, "caseless")
    if category[0] == "M":
        return "mark"
    if character.isspace():
        return "space"
    if category in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd":
        return "bad"
    if character.isdigit() and character.isascii():
        return "digit"
    return "punctuation" if character.isascii() else "sign"


@cache
def cost_of_place(before: str, kind: str, after: str, role: str = "") -> float:
    """Return what it costs that a character of some kind stands between two others; 0 where it usually does.

    Args:
        before: the kind of the character before it.
        kind: its own.
        after: the kind of the one after it.
        role: what `role_of` says of it.
    """
    letters = (before in _LETTERS) + (after in _LETTERS)
    match kind:
        case "apostrophe":
            return 0.0 if letters == 2 else 0.7 if before in _LETTERS else 3.0
        case "quote":
            return 5.0 if letters == 2 else 2.0 if before == after == "space" else 0.0
        case "opening":
            return (2.0 if after not in _LETTERS else 0.0) + (4.0 if before in _LETTERS else 0.0)
        case "dash":
            return 0.5 if letters else 0.0
        case "ellipsis":
            return 1.5 if after in _LETTERS else 0.0
        case "space":
            return 2.0 if letters == 2 else 0.0
        case "within":
            return 0.0 if before in _LETTERS else 3.0
        case "after":
            return (0.0 if before == "digit" else 1.0) + (3.0 if before in _LETTERS and after in _LETTERS else 0.0)
        case "before":
            return 4.0 if before in _LETTERS else 0.0
        case "sign" | "punctuation" | "digit":
            return 4.0 * letters
        case "bad":
            return 0.0
    return _cost_of_letter(before, kind, after, role)


def _cost_of_letter(before: str, kind: str, after: str, role: str) -> float:
    cost = 0.0
    latin = kind.startswith("latin")
    for beside in (before, after):
        if beside in _LETTERS and "mark" not in (beside, kind) and beside.startswith("latin") != latin:
            cost += 6.0  # of two scripts in one word
        cost += 3.0 if beside == "digit" else 0.0
    if kind == "mark":
        return cost + (0.0 if before in _LETTERS else 6.0)
    if kind in _CAPITAL:
        cost += 5.0 if before in _SMALL else 0.1 if before in _CAPITAL else 1.5
        cost += 2.0 if before in _CAPITAL and after in _SMALL else 0.0
    elif kind in _SMALL and after == "latin capital":
        cost += 5.0
    alone = before not in _LETTERS and after not in _LETTERS
    if alone and role != "word" and kind != "caseless":
        cost += 2.5
    if (role == "last" and after in _LETTERS and after != "mark") or (role == "inner" and before not in _LETTERS):
        cost += 6.0
    return cost


def role_of(character: str) -> str:
    """Return what is particular about the place of a letter in words; nothing for most."""
    return _ROLE_OF.get(character, "")


def words_of(words: Iterable[str], most: float) -> dict[str, float]:
    """Return how much less likely words in ASCII are in each language than in the likeliest one, at most so much.

    Languages of other alphabets quote words of any language.
    """
    counts = Counter(words)
    total = sum(counts.values())
    found = {
        language.name: sum((3.7 if len(word) > 1 else 1.5) * counts[word] for word in language.words) - 0.35 * total
        for language in LATIN
    }  # a common word is forty times as common in its own language, one of a letter is in several
    best = max(found.values())
    relative = {name: max(value - best, -most) for name, value in found.items()}
    others = (*(language.name for language in ALPHABETIC), *IDEOGRAPHIC)
    return relative | dict.fromkeys(others, -min(max(best, 0.0), most / 2))


class Model:
    """How likely each character beyond ASCII is in a language."""

    def __init__(self, language: Language, *, latin: bool) -> None:
        self.name = language.name
        self.latin = latin
        self.together = -4.0 if language.signs_share >= 0.3 else -0.3
        """Of two Latin letters beyond ASCII, one after the other: seldom, where they are of foreign words."""
        self._block = ord(language.letters[0]) >> 8
        self._known: dict[str, float] = {}
        signs = language.signs + "".join(sign for sign in SIGNS if sign not in language.signs)
        self._add(signs, language.signs_share, [1 / (rank + 2) for rank in range(len(signs))])
        number = len(language.letters)
        scale = [1 / (rank + 2) if latin else math.exp(-3.5 * rank / number) for rank in range(number)]
        self._add(language.letters, 1 - language.signs_share, scale)

    def _add(self, characters: str, share: float, weights: list[float]) -> None:
        total = sum(weights)
        for character, weight in zip(characters, weights, strict=True):
            value = math.log(share * weight / total)
            self._known[character] = value
            for capital in {character.upper(), "İ" if character == "ı" else character.upper()}:
                if len(capital) == 1:
                    self._known.setdefault(capital, value)

    def of(self, character: str) -> float:
        """Return the logarithm of a character's probability."""
        known = self._known.get(character)
        if known is not None:
            return known
        kind = kind_of(character)
        if kind == "bad":
            return BAD
        if kind.startswith("latin"):
            if not self.latin or character > "\u017f":
                return _STRANGE
            return _FOREIGN if character <= "\u00ff" else _FAR_FOREIGN
        same_alphabet = kind in _LETTERS and ord(character) >> 8 == self._block
        return _UNKNOWN if same_alphabet and not self.latin else _STRANGE


@cache
def models() -> tuple[Model, ...]:
    """Return those of all languages that have an alphabet."""
    return tuple(Model(language, latin=latin) for latin, of in ((True, LATIN), (False, ALPHABETIC)) for language in of)


@cache
def likelihood_of_ideograph(language: str, character: str) -> float:
    """Return the logarithm of the probability of a character beyond ASCII in Chinese, Japanese or Korean."""
    code = ord(character)
    if code == 0xFFFD or kind_of(character) == "bad" or 0xE000 <= code < 0xF900:
        return BAD
    if 0x3000 <= code < 0x3020 or 0xFF01 <= code < 0xFF5F or character in "“”‘’…—·～":
        return -4.5
    if 0x3041 <= code < 0x3100:
        if language != "Japanese":
            return -12.0
        return math.log(0.6 / (HIRAGANA.index(character) + 6) / 2.6) if character in HIRAGANA else -6.6
    if 0xAC00 <= code < 0xD7A4:
        if language != "Korean":
            return BAD
        return -5.2 if character in HANGUL else -8.3 if _lead(character, "euc_kr") else -12.0
    if not 0x4E00 <= code < 0xA000:
        return -11.0  # other alphabets, signs, the narrow katakana of old terminals
    common, encoding, before = _IDEOGRAPHS[language]
    if character in common:
        return -5.8 if language != "Japanese" else -6.5
    lead = _lead(character, encoding)
    return -9.2 if lead and lead < before else -12.0


_IDEOGRAPHS = {  # the commonest, and where the rows of common characters end in the old standards
    "Simplified Chinese": (frozenset(SIMPLIFIED), "gb2312", 0xD8),
    "Traditional Chinese": (frozenset(TRADITIONAL), "big5", 0xC7),
    "Japanese": (frozenset(KANJI), "euc_jp", 0xD0),
    "Korean": (frozenset(), "euc_kr", 0x00),
}
IDEOGRAPHIC = tuple(_IDEOGRAPHS)


def _lead(character: str, encoding: str) -> int:
    """Return the first byte of a character in an encoding of two bytes; 0 where it has none."""
    try:
        return character.encode(encoding)[0]
    except UnicodeEncodeError:
        return 0
