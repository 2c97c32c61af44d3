"""The characters of a model from elsewhere, in the order of its ids: a file of weights does not contain them."""

import contextlib
import json
from collections.abc import Iterable

import numpy as np
from torch import Tensor

from core.data.corpus import Corpus
from core.errors import UserError
from core.files import is_file, user_path
from core.text import count_of, read_escapes, shortened

MAX_FILE = 4 << 20
"""Largest size in bytes of a file of characters: all of Unicode takes about as much."""
_CHUNK = 1 << 20
_ROWS = ("embedding.weight", "output.weight", "output.bias")
"""Names of the weights with one row for each character."""


def read_vocabulary(typed: str) -> str:
    r"""Return the characters that a user gave, in the order of their ids.

    They are typed, with `\n` for a new line, or are the content of a file. A file whose name ends in .json has a text,
    a list of characters, or an object with the id of each character.

    Raises:
        UserError: the file cannot be read, or a character occurs twice, is not one character or is not Unicode.
    """
    if not _names_a_file(typed):
        return _checked(read_escapes(typed), "The vocabulary")
    path, shown = user_path(typed), shortened(typed)
    try:
        if path.stat().st_size > MAX_FILE:
            raise UserError(f"{shown} is too large for a file of characters.")
        content = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UserError(f"{shown} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{shown} is not a text in UTF-8. Save the characters in UTF-8.") from None
    return _checked(_from_json(content, shown) if path.suffix.lower() == ".json" else content, shown)


def _names_a_file(typed: str) -> bool:
    """Return whether what was typed is the path of a file, and not characters.

    Raises:
        UserError: it is the path of a folder, a device or a pipe, or one in a folder that may not be read.
    """
    try:
        path = user_path(typed)
    except UserError:
        return False
    if is_file(path):
        return True
    with contextlib.suppress(OSError, ValueError):  # too long for a path, or with a NUL
        if len(typed) > 1 and path.exists():  # one character is a vocabulary, even "/" or "."
            raise UserError(f"{shortened(path)} is not a file. Give the characters, or a file of them.")
    return False


def _from_json(content: str, shown: str) -> Iterable[str]:
    wrong = UserError(
        f"{shown} must contain a text, a list of characters, or an object with the id of each character, from 0."
    )
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise wrong from None
    if isinstance(found, dict):
        ids = {number: character for character, number in found.items() if type(number) is int}
        if len(found) != len(ids) or sorted(ids) != [*range(len(ids))]:
            raise wrong
        return [ids[number] for number in range(len(ids))]
    if isinstance(found, str) or (isinstance(found, list) and all(isinstance(one, str) for one in found)):
        return found
    raise wrong


def _checked(characters: Iterable[str], shown: str) -> str:
    seen: dict[str, None] = {}
    for character in characters:
        if len(character) != 1:
            raise UserError(f"{shown} has {shortened(character, 40)!r}, which is not one character.")
        if "\ud800" <= character <= "\udfff":
            raise UserError(f"{shown} has a character that is not Unicode. Give the characters in UTF-8.")
        if character in seen:
            raise UserError(f"{shown} has the character {shortened(character)!r} twice. Give each character once.")
        seen[character] = None
    if not seen:
        raise UserError(f"{shown} is empty. Give all characters that the model knows, in the order of their ids.")
    return "".join(seen)


def in_order_of_code_points(weights: dict[str, Tensor], characters: str) -> dict[str, Tensor]:
    """Return the weights for ids in the order of code points, as this program gives them; no logit changes.

    `characters` are in the order of the ids that the weights are for.
    """
    order = sorted(range(len(characters)), key=lambda place: characters[place])
    return {name: weight[order] if name in _ROWS else weight for name, weight in weights.items()}


def check_given(characters: str, size: int, shown: str) -> None:
    """Check that a vocabulary that the user gave has the size of the model's.

    Raises:
        UserError: it has another.
    """
    if len(characters) != size:
        raise UserError(
            f"{shown} is for {count_of(size, 'character')}, but the vocabulary has {len(characters):,}. Give all "
            "characters of the notebook's vocabulary, in the order of their ids."
        )


def check_text(corpus: Corpus, size: int, shown: str) -> None:
    """Check that a text, within its limit, has as many distinct characters as a model knows.

    Raises:
        UserError: it has more or fewer; the message says which limit would be right.
    """
    here = len(corpus.characters)
    if here == size:
        return
    found = limits_for(corpus, size)
    if found is None:
        advice = "Choose the text that the model was trained on, or give its characters with --vocabulary."
    else:
        least, most = found
        within = f"{least:,} to {most:,}" if most is not None else f"{least:,} or more"
        advice = (
            f"Its first {within} characters have {size:,}: give the --limit of the notebook, or its characters with "
            "--vocabulary."
        )
    raise UserError(
        f"{shown} is for {count_of(size, 'character')}, but {corpus.config.title} has {here:,} different ones. {advice}"
    )


def limits_for(corpus: Corpus, size: int) -> tuple[int, int | None] | None:
    """Return the least and the greatest number of characters at the start of a text that have `size` distinct ones.

    The greatest is None if it is the whole text. None if no start of the text has so many.
    """
    codes = corpus.text.codes
    first_places: list[int] = []  # where each distinct character first occurs
    seen = np.zeros(len(corpus.text.alphabet), dtype=bool)
    for begin in range(0, len(codes), _CHUNK):
        chunk = np.asarray(codes[begin : begin + _CHUNK])
        new = [code for code in np.unique(chunk).tolist() if not seen[code]]
        first_places += sorted(begin + int(np.argmax(chunk == code)) for code in new)
        seen[new] = True
        if len(first_places) > size:
            return first_places[size - 1] + 1, first_places[size]
    return (first_places[size - 1] + 1, None) if len(first_places) == size else None
