"""Cutting a text into training, validation and test parts. Only the text's length matters.

    tail           |<-------------------- 90 % -------------------->|<-- 10 % -->|
                   |             train              |  validation   |    test    |

    interleaved    |<------ 90,000 ------>| 10,000 |<------ 90,000 ------>| 10,000 |<-- ... -->|
                   |        train         |  test  |        train         |  test  |   ...     |

The validation part is the end of what is not in the test part, and may be empty. Only evaluation reads the test part.
"""

from typing import Literal, NamedTuple, get_args

from core.errors import UserError

Part = Literal["train", "validation", "test", "whole"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
"""Parts that a split gives; "whole" is the complete text."""
Split = Literal["tail", "interleaved"]
SPLITS: tuple[Split, ...] = get_args(Split)

TEST_SHARE = 0.1
"""Share of the test part in the tail split."""
TEST_BLOCK = 10_000
"""Characters in a block of the interleaved split. One block in `BLOCKS` is in the test part."""
BLOCKS = 10
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
    """Return the cut of one part of a text of `characters` characters.

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


def parts_of(characters: int, split: Split, validation: float) -> dict[Part, int]:
    """Return the number of characters in each part of a text of `characters` characters."""
    return {part: cut(characters, part, split, validation).length for part in PARTS}


def check_split(characters: int, split: Split) -> None:
    """Check that a text of `characters` characters is long enough for a split.

    Raises:
        UserError: it is too short.
    """
    least = (BLOCKS - 1) * TEST_BLOCK
    if split == "interleaved" and characters <= least:
        raise UserError(
            f"The interleaved split needs more than {least:,} characters, but the text has {characters:,}. Use the "
            "tail split."
        )
