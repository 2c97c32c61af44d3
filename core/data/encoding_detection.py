"""Detects the encoding of a text that is not UTF-8: the one in which the text is most likely, in any language.

A sample is decoded with every candidate encoding, and `core.data.likelihood` compares the results. If the two most
likely encodings give different texts of similar likelihood, or if even the most likely text resembles no known
language, an error asks the user to name the encoding. One ambiguity remains: Romanian in ISO-8859-16 has the same bytes
as in ISO-8859-2, with other cedillas; it is read as ISO-8859-2, which is more common.
"""

import codecs
import re
import unicodedata
from collections import Counter
from functools import cache
from typing import NamedTuple

from core.data.encoding_sample import lines_to_weigh
from core.data.encodings import HOW_TO_NAME_ONE, encoding_name
from core.data.likelihood import (
    BAD,
    IDEOGRAPHIC,
    LATIN_LETTERS,
    cost_of_place,
    kind_of,
    likelihood_of_ideograph,
    models,
    role_of,
    words_of,
)
from core.errors import UserError

CLEARLY = 3.0
"""Minimum difference of the log likelihoods of the best reading and of another reading that gives a different text."""
LEAST = -6.0, -9.0
"""Minimum mean log likelihood of a character, with alphabetic and with ideographic encodings, to count as text."""
_MIXED = 8.0
"""Minimum gain in log likelihood from reading a byte sequence as UTF-8, at which the text is considered a mixture of
UTF-8 and another encoding. Reading é instead of Ã© gains that much."""
_STRAY = -7.0
"""Log likelihood of a byte that is not UTF-8 in a text that otherwise is."""

_ALPHABETIC = {  # each with the logarithm of its prior probability relative to windows-1252
    "cp1252": 0.0, "cp1250": -1.0, "cp1251": -1.0, "cp1253": -1.0, "cp1254": -1.5, "cp1255": -1.0, "cp1256": -1.0,
    "cp1257": -1.5, "cp1258": -1.5, "cp874": -1.0, "koi8_r": -1.0, "koi8_u": -1.2, "iso8859_2": -1.5,
    "iso8859_3": -3.0, "iso8859_4": -3.0, "iso8859_5": -1.5, "iso8859_6": -1.5, "iso8859_7": -1.5, "iso8859_8": -1.5,
    "iso8859_9": -2.0, "iso8859_13": -2.0, "iso8859_15": -1.5, "cp866": -2.0, "cp850": -3.0, "cp852": -3.0,
    "cp437": -3.5, "mac_roman": -3.0, "mac_cyrillic": -3.0, "mac_latin2": -4.0, "mac_greek": -4.0,
    "mac_turkish": -4.0, "cp737": -4.0, "cp775": -4.0, "cp855": -4.0, "cp857": -4.0, "cp862": -4.0,
}  # fmt: skip
_IDEOGRAPHIC = {
    "cp932": -1.0, "euc_jp": -1.5, "gb18030": -1.0, "cp950": -1.0, "big5hkscs": -8.0, "cp949": -1.0,
}  # fmt: skip
_SEVEN_BITS = (  # of Japanese and Korean mail: ASCII with escape sequences
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
    (re.compile(rb"\x1b\([IJ]|\x1b\$[@B]"), "iso2022_jp_ext"),
)
_BESIDE_A_LETTER = re.compile(r"[A-Za-z](?=[^\x00-\x7f])|[^\x00-\x7f](?=[A-Za-z])")
_AMID_LETTERS = -3.0
_UTF_8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)


class _Reading(NamedTuple):
    """The sample as decoded with one encoding, in the language that fits it best."""

    encoding: str
    likelihood: float
    """Log likelihood of the whole reading."""
    mean: float
    """Mean log likelihood of a character beyond ASCII, without the prior of the encoding and without ASCII words."""
    least: float
    """Minimum of `mean` for the reading to count as text."""
    language: str = ""


class DamagedUtf8Error(Exception):
    """The text is UTF-8, except for some of its bytes."""


def wide_encoding(head: bytes) -> str | None:
    """Return the UTF-16 or UTF-32 encoding of a file without a byte order mark; None if it has another encoding.

    `head` is the beginning of the file and contains NUL bytes.
    """
    if len(head) % 2:
        return None
    for encoding in ("utf_32_le", "utf_32_be"):
        text = _decoded(head, encoding)
        if len(head) % 4 == 0 and "\ufffd" not in text and "\0" not in text:
            return encoding
    little, big = (_likelihood_of_wide(_decoded(head, name)) for name in ("utf_16_le", "utf_16_be"))
    if max(little, big) < LEAST[1] or abs(little - big) < 1.0:
        return None
    return "utf_16_le" if little > big else "utf_16_be"


def seven_bit_encoding(head: bytes) -> str | None:
    """Return Python's name of ISO-2022-JP or ISO-2022-KR if the beginning of a file is in one of them; None if not."""
    for escapes, encoding in _SEVEN_BITS:
        if escapes.search(head) and head.isascii() and "\ufffd" not in _decoded(head, encoding):
            return encoding
    return None


def guessed_encoding(sample: bytes, name: str) -> str:
    """Return the most likely encoding of a sample that is not UTF-8.

    Args:
        sample: bytes of the file; the last character may be incomplete.
        name: the name of the file, for error messages.

    Raises:
        UserError: the sample is not text, or its encoding is ambiguous.
        DamagedUtf8Error: the sample is damaged UTF-8, or UTF-8 mixed with another encoding.
    """
    weighed = lines_to_weigh(sample)
    readings = sorted(_readings(weighed), key=lambda reading: -reading.likelihood)
    best = readings[0]
    if _is_damaged_utf8(weighed, best):
        raise DamagedUtf8Error
    if best.mean < best.least:
        raise UserError(
            f"{name} is not text, or its encoding cannot be detected. Choose a text file, or {HOW_TO_NAME_ONE}."
        )
    if best.encoding != "cp1252" and len({byte for byte in weighed if byte > 0x7F}) < 2:  # one byte, however frequent
        raise UserError(
            f"{name} may be {encoding_name(best.encoding)}, but a single special character is too little to be sure: "
            f"{HOW_TO_NAME_ONE}."
        )
    text = _normal(_decoded(sample, best.encoding))
    for other in readings[1:]:
        if best.likelihood - other.likelihood >= CLEARLY:
            break
        if _normal(_decoded(sample, other.encoding)) != text:
            names = f"{encoding_name(best.encoding)} or {encoding_name(other.encoding)}"
            raise UserError(f"{name} may be {names}; its letters do not show which: {HOW_TO_NAME_ONE}.")
    return best.encoding


def _readings(sample: bytes) -> list[_Reading]:
    triples = Counter(zip(b"\n" + sample, sample, sample[1:] + b"\n", strict=False))
    beyond = {triple: count for triple, count in triples.items() if triple[1] > 0x7F}
    # whole words of ASCII letters: a word with another letter does not count
    words = re.findall(rb"(?<![\x80-\xff\w])[a-z]+(?![\x80-\xff\w])", sample.lower())
    from_words = words_of((word.decode() for word in words), 25.0 + 2.0 * sum(beyond.values()))
    readings = [_alphabetic(encoding, beyond, from_words) for encoding in _ALPHABETIC]
    readings += [_ideographic(encoding, sample, from_words) for encoding in _IDEOGRAPHIC]
    return readings


def _alphabetic(encoding: str, beyond: dict[tuple[int, int, int], int], from_words: dict[str, float]) -> _Reading:
    characters, kinds = _table(encoding)
    counts: Counter[int] = Counter()
    places, together = 0.0, 0
    for (before, byte, after), count in beyond.items():
        counts[byte] += count
        together += count * (before > 0x7F and kinds[before] in LATIN_LETTERS and kinds[byte] in LATIN_LETTERS)
        places -= count * cost_of_place(kinds[before], kinds[byte], kinds[after], role_of(characters[byte]))
    total = max(counts.total(), 1)
    best = None
    for model in models():
        letters = places + sum(count * model.of(characters[byte]) for byte, count in counts.items())
        letters += together * model.together if model.latin else 0.0
        likelihood = _ALPHABETIC[encoding] + letters + from_words[model.name]
        if best is None or likelihood > best.likelihood:
            best = _Reading(encoding, likelihood, letters / total, LEAST[0], model.name)
    assert best is not None
    return best


def _ideographic(encoding: str, sample: bytes, from_words: dict[str, float]) -> _Reading:
    text = _decoded(sample, encoding)
    counts = Counter(character for character in text if character > "\x7f")
    amid_letters = _AMID_LETTERS * len(_BESIDE_A_LETTER.findall(text))
    best = None
    for language in IDEOGRAPHIC:
        characters = sum(count * likelihood_of_ideograph(language, c) for c, count in counts.items()) + amid_letters
        likelihood = _IDEOGRAPHIC[encoding] + characters + from_words[language]
        if best is None or likelihood > best.likelihood:
            best = _Reading(encoding, likelihood, characters / max(counts.total(), 1), LEAST[1], language)
    assert best is not None
    return best


@cache
def _table(encoding: str) -> tuple[str, tuple[str, ...]]:
    """Return the character of each byte in an encoding of one byte per character, and its kind."""
    characters = "".join(bytes([byte]).decode(encoding, "replace") for byte in range(256))
    return characters, tuple(map(kind_of, characters))


def _is_damaged_utf8(sample: bytes, best: _Reading) -> bool:
    """Return whether the sample is more likely damaged or mixed UTF-8 than a text in the best other encoding."""
    found = list(_UTF_8.finditer(sample))
    as_utf8 = Counter(match.group().decode() for match in found)
    of_all = {character: _likeliest(character) for character in as_utf8}
    valid = sum(count * of_all[character] for character, count in as_utf8.items())
    rest = sum(byte > 0x7F for byte in sample) - sum(len(match.group()) for match in found)
    if not found:
        return False
    if best.mean < best.least:  # it is not text in any other encoding
        likely = sum(count for character, count in as_utf8.items() if of_all[character] > _STRAY)
        return 3 * likely > rest
    if valid + rest * _STRAY > best.likelihood:
        return True
    if best.encoding not in _ALPHABETIC:
        return False
    characters, kinds = _table(best.encoding)
    model = next(model for model in models() if model.name == best.language)
    for match in found:
        gained = model.of(match.group().decode())
        if gained < _STRAY:
            continue
        around = b"\n" + sample[max(match.start() - 1, 0) : match.end() + 1] + b"\n"
        begin = around.index(match.group())
        for place in range(begin, begin + len(match.group())):
            before, byte, after = around[place - 1 : place + 2]
            gained -= model.of(characters[byte]) - cost_of_place(kinds[before], kinds[byte], kinds[after])
        if gained > _MIXED:
            return True
    return False


@cache
def _likeliest(character: str) -> float:
    """Return the log likelihood of a character in the language where it is most likely."""
    if unicodedata.east_asian_width(character) == "W":
        return max(likelihood_of_ideograph(language, character) for language in IDEOGRAPHIC)
    return max(model.of(character) for model in models())


def _likelihood_of_wide(text: str) -> float:
    """Return the mean log likelihood of a text's characters, including ASCII.

    A character of an unknown alphabet is more likely after another one of the same alphabet.
    """
    if not text:
        return BAD
    total, before = 0.0, "\0"
    for character in text[:20_000]:
        if character in "\t\n\r" or " " <= character <= "~":
            total -= 3.0
        elif kind_of(character) in ("bad", "punctuation"):
            total += BAD
        else:
            known = _likeliest(character)
            together = ord(before) >> 8 == ord(character) >> 8 and not "\u3400" <= character < "\ua000"
            total += max(known, -5.0) if together else known
        before = character
    return total / min(len(text), 20_000)


def _decoded(sample: bytes, encoding: str) -> str:
    """Return a sample's text without an incomplete last character. Invalid bytes become U+FFFD."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(sample)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)
