import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.data.corpus import MAX_VALIDATION, PARTS, SPLITS, Corpus, CorpusConfig, Part, Split, load_corpus
from core.data.encoded_text import EncodedText
from core.data.known_texts import KNOWN, MOLIERE, PLAY, default_name
from core.data.streams import Streams
from core.errors import UserError
from core.evaluation.ngram import known_baselines, measure_baselines


def numbered(length: int, split: Split, limit: int | None = None) -> Corpus:
    """A corpus whose every character is its own place in the text."""
    text = EncodedText(codes=np.arange(length, dtype=np.uint32), alphabet="", sha256="", encoding="utf-8")
    return Corpus(CorpusConfig(source="x", split=split, limit=limit), text)


def places(corpus: Corpus, part: Part, validation: float) -> list[int]:
    passage = corpus.part(part, validation)
    return list(passage.places(np.arange(len(passage))))


class Places:
    """The training part as `Streams` wants it, each character's id being its place in the text."""

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


def test_the_tail_split_is_the_text_cut_in_three() -> None:
    train, validation, test = (places(numbered(1000, "tail"), part, 0.05) for part in PARTS)
    assert train + validation + test == list(range(1000))
    assert (len(train), len(validation), len(test)) == (855, 45, 100)


def test_the_interleaved_split_keeps_every_tenth_block() -> None:
    test = places(numbered(195_000, "interleaved"), "test", 0.05)
    assert test == [*range(90_000, 100_000), *range(190_000, 195_000)]
    validation = places(numbered(195_000, "interleaved"), "validation", 0.05)
    assert validation == list(range(181_000, 190_000)), "from the end of what is not for the test"


def test_validation_has_a_largest_size() -> None:
    assert len(numbered(10_000_000, "tail").part("validation", 0.5)) == MAX_VALIDATION


def test_without_validation_training_has_all_but_the_test_part(small_corpus: Corpus) -> None:
    assert len(small_corpus.part("validation")) == 0
    assert len(small_corpus.part("train")) + len(small_corpus.part("test")) == len(small_corpus)


def test_the_course_s_hundred_thousand_characters(moliere: Path) -> None:
    corpus = load_corpus(CorpusConfig(source=str(moliere), limit=100_000))
    assert (len(corpus.part("train")), len(corpus.part("test"))) == (90_000, 10_000)
    assert len(corpus.characters) == 76


def test_a_copy_of_moliere_s_plays_is_recognised_whatever_it_is_called(moliere: Path, tmp_path: Path) -> None:
    copy = tmp_path / "notes.txt"
    shutil.copy(moliere, copy)
    corpus = load_corpus(CorpusConfig.typed(str(copy)))
    assert corpus.config.name == "moliere"
    assert (len(corpus), len(corpus.characters)) == (1_687_290, 85)
    assert moliere.stat().st_size == MOLIERE.size


def test_once_fetched_moliere_is_the_default_and_takes_the_place_of_a_copy_that_is_gone(moliere: Path) -> None:
    assert default_name() == PLAY.name
    MOLIERE.path.parent.mkdir(parents=True)
    shutil.copy(moliere, MOLIERE.path)
    assert default_name() == MOLIERE.name
    assert load_corpus(CorpusConfig(source="moliere")).config.sha256 == MOLIERE.sha256
    gone = CorpusConfig(source="/nowhere/copy.txt", sha256=MOLIERE.sha256)
    assert len(load_corpus(gone)) == 1_687_290


def test_a_known_text_that_is_not_here_or_damaged_says_how_to_fetch_it() -> None:
    with pytest.raises(UserError, match=r"not here yet.*corpus fetch"):
        load_corpus(CorpusConfig(source="moliere"))
    MOLIERE.path.parent.mkdir(parents=True)
    MOLIERE.path.write_text("ce n'est pas lui")
    assert default_name() == PLAY.name
    with pytest.raises(UserError, match=r"not here yet.*corpus fetch"):
        load_corpus(CorpusConfig(source="moliere"))
    MOLIERE.path.write_bytes(bytes(MOLIERE.size))
    with pytest.raises(UserError, match=r"damaged.*corpus fetch"):
        load_corpus(CorpusConfig(source="moliere"))


def test_the_play_is_always_here() -> None:
    corpus = load_corpus(CorpusConfig.typed(PLAY.name))
    assert len(corpus) >= 100_000
    assert corpus.config.name == PLAY.name


def test_a_limit_takes_the_beginning(small_text: Path) -> None:
    corpus = load_corpus(CorpusConfig(source=str(small_text), limit=25))
    beginning = small_text.read_text(encoding="utf-8")[:25]
    assert "".join(str(corpus.part(part)) for part in PARTS) == beginning
    assert corpus.characters == "".join(sorted(set(beginning)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("", "is empty"), ("aaaa", "nothing but the character 'a'"), (" \n\t" * 50, "nothing but white space")],
)
def test_a_text_with_nothing_to_learn_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "text.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        load_corpus(CorpusConfig(source=str(path)))


def test_a_limit_that_leaves_one_character_is_what_is_wrong(small_text: Path) -> None:
    with pytest.raises(UserError, match=r"Up to the limit of 1, .* nothing but the character '0'\. Raise the limit"):
        load_corpus(CorpusConfig(source=str(small_text), limit=1))


def test_a_name_that_ends_in_a_space_can_be_named(small_text: Path) -> None:
    spaced = small_text.rename(small_text.with_name("moutons "))
    assert CorpusConfig.typed(str(spaced)).path == spaced
    assert CorpusConfig.typed(f" {small_text}").path == small_text


def test_a_text_without_a_tenth_block_has_no_interleaved_split(small_text: Path) -> None:
    with pytest.raises(UserError, match=r"needs more than 90,000 characters, and there are .*tail"):
        load_corpus(CorpusConfig(source=str(small_text), split="interleaved"))


def test_no_name_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="No text was named"):
        CorpusConfig.typed(" ")


def test_a_home_folder_is_found_or_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert CorpusConfig.typed(" ~/a.txt ", 5) == CorpusConfig(source=str(tmp_path / "a.txt"), limit=5)
    with pytest.raises(UserError, match="a user who is not there"):
        CorpusConfig.typed("~nosuch/a.txt")


def test_names_of_known_texts_are_no_paths() -> None:
    for name in KNOWN:
        assert CorpusConfig.typed(f" {name} ").source == name
    assert CorpusConfig.typed("./moliere").source == str(Path("moliere").absolute())


def test_a_choice_from_before_encodings_could_be_named_still_loads() -> None:
    old = b'{"source":"/a.txt","limit":5,"split":"tail","sha256":"ab"}'
    config = msgspec.json.decode(old, type=CorpusConfig)
    assert (config.encoding, config.encoding_errors) == (None, "strict")


def test_a_text_with_a_name_is_utf_8_whatever_is_named() -> None:
    corpus = load_corpus(CorpusConfig.typed(PLAY.name, encoding="cp1252"))
    assert corpus.text.encoding == "utf-8"
    assert "é" in corpus.characters


def test_no_n_grams_counted_in_one_reading_of_a_text_are_taken_for_those_of_another(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("Où est la clé de la maison?\n".encode("cp1252") * 100)
    latin = load_corpus(CorpusConfig.typed(str(path), encoding="cp1252"))
    cyrillic = load_corpus(CorpusConfig.typed(str(path), encoding="cp1251"))
    assert latin.config.sha256 == cyrillic.config.sha256
    list(measure_baselines(latin, "test"))
    assert known_baselines(latin.config, "test") is not None
    assert known_baselines(cyrillic.config, "test") is None


def test_a_known_text_that_may_not_be_read_is_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    MOLIERE.path.parent.mkdir(parents=True, exist_ok=True)
    MOLIERE.path.write_text("x" * MOLIERE.size, encoding="utf-8")

    def refuse(path: Path, *arguments: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        load_corpus(CorpusConfig(source=MOLIERE.name))
