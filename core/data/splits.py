"""How a text is cut into its parts, whatever it says: only its length counts.

    tail           |<-------------------- 90 % -------------------->|<-- 10 % -->|
                   |             train              |  validation   |    test    |

    interleaved    |<------ 90,000 ------>| 10,000 |<------ 90,000 ------>| 10,000 |<-- ... -->|
                   |        train         |  test  |        train         |  test  |   ...     |

Validation is cut from the end of all that is not test, and may be empty. The test part is read by evaluation only.
"""

from typing import Literal, NamedTuple, get_args

from core.errors import UserError

Part = Literal["train", "validation", "test", "whole"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
"""The parts that a split gives; "whole" is the text uncut."""
Split = Literal["tail", "interleaved"]
SPLITS: tuple[Split, ...] = get_args(Split)

TEST_SHARE = 0.1
"""Of the tail split."""
TEST_BLOCK = 10_000
"""Characters of a block of the interleaved split, of which every tenth is for the test."""
BLOCKS = 10
MAX_VALIDATION = 200_000
"""Characters of the validation part, whatever its share: it is read once an epoch, and so many are enough."""


class Cut(NamedTuple):
    """Which characters of a text a part has: those that a `TextSlice` with these fields has."""

    length: int
    run: int
    period: int
    first: int = 0
    skip: int = 0


def cut(characters: int, part: Part, split: Split, validation: float) -> Cut:
    """Cut a part from a text of so many characters; `validation` is a share of all that is not for the test."""
    if part == "whole":
        return Cut(characters, run=characters, period=characters)
    if split == "tail":
        run = period = characters
        learnt = round(characters * (1 - TEST_SHARE))  # characters that are not for the test
        test = Cut(characters - learnt, run=run, period=period, first=learnt)
    else:
        period, run = BLOCKS * TEST_BLOCK, (BLOCKS - 1) * TEST_BLOCK
        whole, rest = divmod(characters, period)
        learnt = whole * run + min(rest, run)
        test = Cut(characters - learnt, run=TEST_BLOCK, period=period, first=run)
    if part == "test":
        return test
    validating = min(round(learnt * validation), MAX_VALIDATION)
    if part == "train":
        return Cut(learnt - validating, run=run, period=period)
    return Cut(validating, run=run, period=period, skip=learnt - validating)


def parts_of(characters: int, split: Split, validation: float) -> dict[Part, int]:
    """Return how many characters each part of a text of so many has."""
    return {part: cut(characters, part, split, validation).length for part in PARTS}


def check_split(characters: int, split: Split) -> None:
    """Check that a text of so many characters can be cut.

    Raises:
        UserError: it is too short.
    """
    least = (BLOCKS - 1) * TEST_BLOCK
    if split == "interleaved" and characters <= least:
        raise UserError(
            f"The interleaved split needs more than {least:,} characters, and there are {characters:,}. Take the tail "
            "split."
        )
