"""The likelihood of a text in a language, for comparing the texts that different encodings give for the same bytes.

Only characters beyond ASCII count, since ASCII is the same in nearly all encodings. Their likelihood depends on how
common they are in the language, and on their neighbours: `’` is usual between letters and `½` is not, and a capital
letter is unusual after a small one. All values are natural logarithms of rough probabilities.
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
"""Log likelihood of a control character, an undefined byte, or a character that texts do not contain."""
_STRANGE = -11.0
_FOREIGN, _FAR_FOREIGN = -7.0, -8.5
"""Log likelihoods of a letter of another Latin alphabet: one of Western Europe, and any other."""
_UNKNOWN = -8.0
_ROLES = {
    "word": "àéèòóáíôúÀÉÈÒÓÁÍÔÚåÅöØøуиваоскязійєУИВАОСКЯЗІЙЄжЖбБηοήόΗΟΉΌ",  # may be a word alone
    "last": "ςךםןףץةى",  # no letter follows
    "inner": "ьъЬЪ",  # no word begins with it
}
_ROLE_OF = {letter: role for role, letters in _ROLES.items() for letter in letters}

_KINDS = {  # signs with typical neighbours; other signs are usual between spaces or digits
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
    """Return the kind of a character; the cost of its neighbours depends on it."""
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
    """Return by how much a character's neighbours lower its log likelihood; 0 if they are usual for it.

    Args:
        before: the kind of the character before it.
        kind: the kind of the character.
        after: the kind of the character after it.
        role: the character's role, from `role_of`.
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
    for neighbour in (before, after):
        if neighbour in _LETTERS and "mark" not in (neighbour, kind) and neighbour.startswith("latin") != latin:
            cost += 6.0  # two scripts in one word
        cost += 3.0 if neighbour == "digit" else 0.0
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
    """Return the role of a letter in words: "word", "last", "inner", or empty for most letters."""
    return _ROLE_OF.get(character, "")


def words_of(words: Iterable[str], most: float) -> dict[str, float]:
    """Return the log likelihood of ASCII words in each language, relative to the most likely language.

    The values are at least -`most`. Languages with other alphabets may quote words of any language.
    """
    counts = Counter(words)
    total = sum(counts.values())
    found = {
        language.name: sum((3.7 if len(word) > 1 else 1.5) * counts[word] for word in language.words) - 0.35 * total
        for language in LATIN
    }  # a common word is forty times as common in its own language; one-letter words are common in several languages
    best = max(found.values())
    relative = {name: max(value - best, -most) for name, value in found.items()}
    others = (*(language.name for language in ALPHABETIC), *IDEOGRAPHIC)
    return relative | dict.fromkeys(others, -min(max(best, 0.0), most / 2))


class Model:
    """The log likelihoods of characters beyond ASCII in a language."""

    def __init__(self, language: Language, *, latin: bool) -> None:
        self.name = language.name
        self.latin = latin
        self.together = -4.0 if language.signs_share >= 0.3 else -0.3
        """Log likelihood of two adjacent Latin letters beyond ASCII. They are rare in languages where such letters
        occur only in foreign words."""
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
        """Return the log likelihood of a character."""
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
    """Return the models of all languages that have an alphabet."""
    return tuple(Model(language, latin=latin) for latin, of in ((True, LATIN), (False, ALPHABETIC)) for language in of)


@cache
def likelihood_of_ideograph(language: str, character: str) -> float:
    """Return the log likelihood of a character beyond ASCII in Chinese, Japanese or Korean."""
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
        return -11.0  # other alphabets, signs, half-width katakana
    common, encoding, before = _IDEOGRAPHS[language]
    if character in common:
        return -5.8 if language != "Japanese" else -6.5
    lead = _lead(character, encoding)
    return -9.2 if lead and lead < before else -12.0


_IDEOGRAPHS = {  # the most common characters; an old standard; and the lead byte after its rows of common characters
    "Simplified Chinese": (frozenset(SIMPLIFIED), "gb2312", 0xD8),
    "Traditional Chinese": (frozenset(TRADITIONAL), "big5", 0xC7),
    "Japanese": (frozenset(KANJI), "euc_jp", 0xD0),
    "Korean": (frozenset(), "euc_kr", 0x00),
}
IDEOGRAPHIC = tuple(_IDEOGRAPHS)


def _lead(character: str, encoding: str) -> int:
    """Return the first byte of a character in an encoding of two bytes; 0 if the encoding lacks the character."""
    try:
        return character.encode(encoding)[0]
    except UnicodeEncodeError:
        return 0
