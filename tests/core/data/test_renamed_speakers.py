import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.renamed_speakers import KEPT_FOR, RenamedSpeakers, find_names
from core.data.streams import Streams
from core.data.vocabulary import Vocabulary
from core.errors import UserError

NAMES = ("HARPAGON", "VALÈRE", "ÉLISE", "MARIANE", "CLÉANTE", "FROSINE", "ANSELME", "OCTAVE", "ZERBINETTE", "ARGANTE")
WORD = re.compile(r"[^\W\d_]+")


def a_play(rounds: int = 12) -> str:
    """Return a play with the `NAMES`, a servant without a name, and a speaker with too few lines."""
    speeches = [
        f"{name}.\n\nAh! {NAMES[number - 1].title()}, où est le valet d'{NAMES[2].title()}?\n\n"
        for _ in range(rounds)
        for number, name in enumerate(NAMES)
    ]
    others = "LE VALET, bas.\n\nIci, monsieur.\n\n" * rounds + "JACQUES.\n\nAdieu.\n\n"
    return "".join(speeches) + others + "fin\n" * 400


def corpus_of(text: str, folder: Path) -> Corpus:
    path = folder / "play.txt"
    path.write_text(text, encoding="utf-8")
    return load_corpus(CorpusConfig(source=str(path)))


def renamed(corpus: Corpus, share: float, seed: int = 0) -> RenamedSpeakers:
    return RenamedSpeakers(corpus.part("whole"), Vocabulary(corpus.characters), share, seed)


def text_of(speakers: RenamedSpeakers, corpus: Corpus, number: int) -> str:
    """Return the text that is read in a pass."""
    vocabulary = Vocabulary(corpus.characters)
    ids = speakers.in_pass(number).take(np.arange(len(speakers)))
    return "".join(vocabulary.characters[one] for one in ids)


def new_names(before: str, after: str) -> dict[str, set[str]]:
    """Return what each of the `NAMES` became, in capitals."""
    became: dict[str, set[str]] = {}
    for match in WORD.finditer(before):
        if match[0].upper() in NAMES:
            became.setdefault(match[0].upper(), set()).add(after[slice(*match.span())].upper())
    return became


@pytest.fixture
def kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a speaker keep a name for longer than a text of these tests."""
    monkeypatch.setattr("core.data.renamed_speakers.KEPT_FOR", 30_000)


def test_names_are_words_of_several_speaker_lines_that_are_no_other_words(tmp_path: Path) -> None:
    found = find_names(corpus_of(a_play(), tmp_path).part("whole"))
    assert {one.name for one in found} == set(NAMES)  # neither VALET, which is a word, nor JACQUES, with one line
    text = a_play()
    assert all(text[one.place : one.place + len(one.name)].upper() == one.name for one in found)
    assert [one.place for one in found] == sorted(one.place for one in found)
    assert sum(one.in_capitals for one in found) == 12 * len(NAMES)


@pytest.mark.usefixtures("kept_for_long")
def test_only_names_change_each_to_one_other_of_its_length_and_spelling(tmp_path: Path) -> None:
    before = a_play()
    corpus = corpus_of(before, tmp_path)
    after = text_of(renamed(corpus, 1.0), corpus, 1)
    assert len(after) == len(before)
    for match in WORD.finditer(before):
        word = after[slice(*match.span())]
        if match[0].upper() not in NAMES:
            assert word == match[0]
        else:
            assert word.isupper() == match[0].isupper()
            assert word.istitle() == match[0].istitle()
            assert word[-1].upper() == match[0][-1].upper()
    became = new_names(before, after)
    assert all(len(others) == 1 for others in became.values()), "the text is shorter than what a name is kept for"
    assert sum(others != {name} for name, others in became.items()) > len(NAMES) / 2
    assert "d'" + min(became["ÉLISE"]).title() in after
    assert all((min(others)[0] in "AÉOH") == (name[0] in "AÉOH") for name, others in became.items())


def test_a_speaker_has_another_name_after_a_scene(tmp_path: Path) -> None:
    before = a_play(rounds=100)
    corpus = corpus_of(before, tmp_path)
    became = new_names(before, text_of(renamed(corpus, 1.0), corpus, 1))
    most = len(before) / KEPT_FOR + 2
    assert all(len(before) / KEPT_FOR / 2 < len(others) <= most for others in became.values())


def test_passes_differ_and_each_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    corpus = corpus_of(a_play(), tmp_path)
    texts = [text_of(renamed(corpus, 1.0), corpus, number) for number in (1, 2, 3)]
    assert len({*texts}) == 3
    assert texts == [text_of(renamed(corpus, 1.0), corpus, number) for number in (1, 2, 3)]
    assert texts[0] != text_of(renamed(corpus, 1.0, seed=1), corpus, 1)


@pytest.mark.usefixtures("kept_for_long")
def test_the_share_decides_how_many_are_renamed(tmp_path: Path) -> None:
    before = a_play()
    corpus = corpus_of(before, tmp_path)
    assert text_of(renamed(corpus, 0.0), corpus, 1) == before
    changed = [
        sum(others != {name} for name, others in new_names(before, text_of(half, corpus, number)).items())
        for half in [renamed(corpus, 0.5)]
        for number in range(1, 40)
    ]
    assert 0.3 * len(NAMES) < np.mean(changed) < 0.6 * len(NAMES)


def test_a_text_without_speakers_stays_as_it_is(tmp_path: Path) -> None:
    text = "CHAPITRE I\n\nIl était une fois Harpagon et Valère.\n\n" * 50
    corpus = corpus_of(text, tmp_path)
    assert text_of(renamed(corpus, 1.0), corpus, 1) == text


@given(st.integers(1, 400), st.integers(1, 9), st.integers(1, 30), st.integers(1, 5))
def test_streams_read_the_text_of_their_pass(rounds: int, streams: int, window: int, number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus = corpus_of(a_play(rounds % 7 + 3), Path(folder))
        speakers = renamed(corpus, 0.7)
        vocabulary = Vocabulary(corpus.characters)
        read = text_of(speakers, corpus, number)
        text = Streams(speakers, streams=streams, window=window)
        inputs = [one for one, _ in text.epoch(0, number=number)]
        first = "".join(vocabulary.characters[one] for window in inputs for one in window[:, 0])
        assert read.startswith(first)
        assert len(first) == len(inputs) * window


def test_a_part_too_short_for_one_window_is_refused(tmp_path: Path) -> None:
    corpus = corpus_of(a_play(3), tmp_path)
    with pytest.raises(UserError, match="The training part has"):
        Streams(renamed(corpus, 1.0), streams=100, window=10_000)
