from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.encoded_text import EncodedText
from core.data.splits import MAX_VALIDATION, PARTS, SPLITS, Part, Split
from core.data.streams import Streams
from core.data.text_files import TextFile
from core.errors import UserError


def numbered(length: int, split: Split, limit: int | None = None) -> Corpus:
    """Return a corpus in which the code of each character is its position in the text, which has 15 files."""
    ends = [length * number**2 // 15**2 for number in range(16)]
    files = tuple(
        TextFile(path=f"{number}.txt", size=0, characters=end - begin)
        for number, (begin, end) in enumerate(pairwise(ends))
    )
    text = EncodedText(codes=np.arange(length, dtype=np.uint32), alphabet="", sha256="", encoding="utf-8", files=files)
    return Corpus(CorpusConfig(source="x", split=split, limit=limit), text)


def places(corpus: Corpus, part: Part, validation: float) -> list[int]:
    passage = corpus.part(part, validation)
    return list(passage.places(np.arange(len(passage))))


class Places:
    """The training part, as input of `Streams`, with each character's position in the text as its id."""

    def __init__(self, corpus: Corpus, validation: float) -> None:
        self._passage = corpus.part("train", validation)

    def __len__(self) -> int:
        return len(self._passage)

    def take(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return self._passage.places(places)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(SPLITS), st.integers(90_100, 400_000), st.floats(0, 0.5), st.integers(1, 8), st.integers(20, 200),
    st.integers(0, 199),
)  # fmt: skip
def test_no_test_or_validation_character_is_ever_in_a_training_window(
    split: Split, length: int, validation: float, streams: int, window: int, offset: int
) -> None:
    corpus = numbered(length, split)
    seen = np.zeros(length, dtype=bool)
    for inputs, targets in Streams(Places(corpus, validation), streams=streams, window=window).epoch(offset % window):
        seen[inputs] = seen[targets] = True
    assert seen.any()
    assert not seen[places(corpus, "test", validation)].any()
    assert not seen[places(corpus, "validation", validation)].any()


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(SPLITS), st.integers(90_001, 400_000), st.floats(0, 0.5))
def test_every_character_is_in_one_part(split: Split, length: int, validation: float) -> None:
    parts = [places(numbered(length, split), part, validation) for part in PARTS]
    assert sorted(place for part in parts for place in part) == list(range(length))
    assert all(part == sorted(part) for part in parts)


def test_the_tail_split_cuts_the_text_in_three() -> None:
    train, validation, test = (places(numbered(1000, "tail"), part, 0.05) for part in PARTS)
    assert train + validation + test == list(range(1000))
    assert (len(train), len(validation), len(test)) == (855, 45, 100)


def test_the_interleaved_split_uses_every_tenth_block_as_test_part() -> None:
    test = places(numbered(195_000, "interleaved"), "test", 0.05)
    assert test == [*range(90_000, 100_000), *range(190_000, 195_000)]
    validation = places(numbered(195_000, "interleaved"), "validation", 0.05)
    assert validation == list(range(181_000, 190_000)), "the end of what is not in the test part"


def test_the_validation_part_has_a_maximum_size() -> None:
    assert len(numbered(10_000_000, "tail").part("validation", 0.5)) == MAX_VALIDATION


def test_without_validation_training_has_all_but_the_test_part(small_corpus: Corpus) -> None:
    assert len(small_corpus.part("validation")) == 0
    assert len(small_corpus.part("train")) + len(small_corpus.part("test")) == len(small_corpus)


def test_a_text_without_a_tenth_block_has_no_interleaved_split(small_text: Path) -> None:
    with pytest.raises(UserError, match=r"needs more than 90,000 characters, but the text has .*tail"):
        load_corpus(CorpusConfig(source=str(small_text), split="interleaved"))
