"""Cutting a text into training, validation and test parts. Only the text's length and those of its files matter.

    tail           |<-------------------- 90 % -------------------->|<-- 10 % -->|
                   |             train              |  validation   |    test    |

    interleaved    |<------ 90,000 ------>| 10,000 |<------ 90,000 ------>| 10,000 |<-- ... -->|
                   |        train         |  test  |        train         |  test  |   ...     |

    files          |     a.txt     |    b.txt   |          c.txt           |    d.txt     |    e.txt   |
                   |     train     |    test    |          train           |  validation  |    train   |

The validation part is the end of what is not in the test part, and may be empty. In the split by files, each file is
completely in one part: a tenth of them, drawn by a seed, is the test part, and files of the others whose characters are
close to the validation part's share are that part. Only evaluation reads the test part.
"""

import hashlib
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple, get_args

from core.errors import UserError
from core.text import count_of

Part = Literal["train", "validation", "test", "whole"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
"""Parts that a split gives; "whole" is the complete text."""
Split = Literal["tail", "interleaved", "files"]
SPLITS: tuple[Split, ...] = get_args(Split)

TEST_SHARE = 0.1
"""Share of the test part in the tail split."""
TEST_BLOCK = 10_000
"""Characters in a block of the interleaved split. One block in `BLOCKS` is in the test part."""
BLOCKS = 10
FILES_A_TEST = 10
"""In the split by files, one file in so many is in the test part, and at least one."""
MIN_FILES = 2
"""Minimum number of files of that split: one for the test part, and one for training."""
MAX_VALIDATION = 200_000
"""Maximum number of characters in the validation part, which is read once an epoch: this many are enough."""


class Cut(NamedTuple):
    """Characters that a part has, as the fields of a `TextSlice`."""

    length: int
    run: int
    period: int
    first: int = 0
    skip: int = 0


def cut(characters: int, part: Part, split: Split, validation: float) -> Cut:
    """Return the cut of one part of a text of `characters` characters, for every split except the one by files.

    `validation` is the validation part's share of what is not in the test part.
    """
    if part == "whole":
        return Cut(characters, run=characters, period=characters)
    if split == "tail":
        run = period = characters
        not_test = round(characters * (1 - TEST_SHARE))  # number of characters outside the test part
        test = Cut(characters - not_test, run=run, period=period, first=not_test)
    else:
        period, run = BLOCKS * TEST_BLOCK, (BLOCKS - 1) * TEST_BLOCK
        whole, rest = divmod(characters, period)
        not_test = whole * run + min(rest, run)
        test = Cut(characters - not_test, run=TEST_BLOCK, period=period, first=run)
    if part == "test":
        return test
    validation_length = min(round(not_test * validation), MAX_VALIDATION)
    if part == "train":
        return Cut(not_test - validation_length, run=run, period=period)
    return Cut(validation_length, run=run, period=period, skip=not_test - validation_length)


def files_of_parts(lengths: Sequence[int], validation: float, seed: int) -> dict[Part, tuple[int, ...]]:
    """Return the numbers of the files in each part of the split by files, from 0, in the text's order.

    Args:
        lengths: the number of characters of each file. With fewer than `MIN_FILES`, the test part is empty.
        validation: the validation part's share of what is not in the test part. If it is above 0, and at least two
            files are not in the test part, the validation part has at least one file, and training has another one.
        seed: draws the files of the test part.
    """
    drawn = sorted(range(len(lengths)), key=lambda number: _draw(seed, number))
    tested = max(1, len(lengths) // FILES_A_TEST) if len(lengths) >= MIN_FILES else 0
    test, rest = drawn[:tested], drawn[tested:]
    validated = _close_to(validation, rest, lengths) if validation and len(rest) >= 2 else []
    train = set(rest) - set(validated)
    numbers: dict[Part, list[int]] = {"train": [*train], "validation": validated, "test": test}
    return {part: tuple(sorted(some)) for part, some in numbers.items()}


def ranges_of(lengths: Sequence[int], part: Part, validation: float, seed: int) -> list[tuple[int, int]]:
    """Return the begin and the end of each file of a part in the split by files, as positions in the text."""
    ends = [*accumulate(lengths)]
    numbers = range(len(ends)) if part == "whole" else files_of_parts(lengths, validation, seed)[part]
    return [(ends[number] - lengths[number], ends[number]) for number in numbers]


def parts_of(
    characters: int, split: Split, validation: float, *, files: Sequence[int] = (), seed: int = 0
) -> dict[Part, int]:
    """Return the number of characters in each part of a text of `characters` characters.

    The split by files needs the number of characters of each file, and its seed.
    """
    if split == "files":
        numbers = files_of_parts(files, validation, seed)
        return {part: sum(files[number] for number in numbers[part]) for part in PARTS}
    return {part: cut(characters, part, split, validation).length for part in PARTS}


def check_split(characters: int, split: Split, files: int = 1) -> None:
    """Check that a text of `characters` characters in some files can be split.

    Raises:
        UserError: it is too short, or has too few files.
    """
    if split == "files" and files < MIN_FILES:
        raise UserError(
            f"The split by files needs at least {MIN_FILES} files, one for the test part and one for training, but the "
            f"text has {count_of(files, 'file')}. Name a folder or more files, or use the tail split."
        )
    least = (BLOCKS - 1) * TEST_BLOCK
    if split == "interleaved" and characters <= least:
        raise UserError(
            f"The interleaved split needs more than {least:,} characters, but the text has {characters:,}. Use the "
            "tail split."
        )


def _draw(seed: int, number: int) -> bytes:
    """Return what the files are sorted by. Unlike a shuffle, it is the same with every version of Python and NumPy."""
    return hashlib.sha256(f"{seed} {number}".encode()).digest()


def _close_to(share: float, numbers: Sequence[int], lengths: Sequence[int]) -> list[int]:
    """Return some of the files, at least one and not all, whose characters are close to a share of those of all."""
    missing = min(round(share * sum(lengths[number] for number in numbers)), MAX_VALIDATION)
    taken: list[int] = []
    for number in numbers:
        if len(taken) < len(numbers) - 1 and abs(missing - lengths[number]) < abs(missing):
            taken.append(number)
            missing -= lengths[number]
    return taken or [min(numbers, key=lambda number: lengths[number])]
