import re
from pathlib import Path

import numpy as np
import pytest
import torch
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


def streams_of(corpus: Corpus, share: float, streams: int, window: int, columns: slice = slice(None)) -> Streams:
    ids, in_pass = corpus.part("whole").ids(Vocabulary(corpus.characters)), renamed(corpus, share).in_pass
    return Streams(ids, streams=streams, window=window, columns=columns, in_pass=in_pass)


def text_of(speakers: RenamedSpeakers, corpus: Corpus, number: int) -> str:
    """Return the text that is read in a pass."""
    vocabulary = Vocabulary(corpus.characters)
    ids = speakers.in_pass(number).take(np.arange(len(corpus.part("whole"))))
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
    found = find_names(corpus_of(a_play(), tmp_path).part("whole")).occurrences
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
        for number in range(1, 20)
    ]
    assert 0.3 * len(NAMES) < np.mean(changed) < 0.6 * len(NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "CHAPITRE I\n\nIl était une fois Harpagon et Valère.\n\nLIVRE II\n\nEt Élise.\n\n" * 50,
        "".join(f"LIVRE {name.title()}\n\nUn. {'mot ' * 600}\n\n{name}\n\n" for name in NAMES * 5),
        "",
    ],
    ids=["headings", "each name once", "nothing"],
)
def test_a_text_that_is_not_a_play_stays_as_it_is(tmp_path: Path, text: str) -> None:
    text += "fin\n" * 20
    corpus = corpus_of(text, tmp_path)
    assert text_of(renamed(corpus, 1.0), corpus, 1) == text


def test_headings_with_numerals_are_no_speakers(tmp_path: Path) -> None:
    before = "".join(f"SCÈNE {number}.\n\n" + a_play(2) for number in ("I", "II", "III", "IV", "V"))
    found = find_names(corpus_of(before, tmp_path).part("whole"))
    assert {one.name for one in found.occurrences} == {*NAMES, "JACQUES"}


def test_new_names_are_unlike_each_other_those_of_others_and_words(tmp_path: Path) -> None:
    before = a_play(40) + "zerbinelle marianne claise anselmo octaline\n" * 3
    corpus = corpus_of(before, tmp_path)
    for number in range(1, 4):
        after = text_of(renamed(corpus, 1.0), corpus, number)
        became = new_names(before, after)
        made = {name for names in became.values() for name in names}
        words = {word.upper() for word in find_names(corpus.part("whole")).words}
        assert not words & made
        kept = {name for name, others in became.items() if name in others}
        assert made & set(NAMES) <= kept, "a speaker has another one's name"


def test_a_word_that_is_longer_in_capitals_is_left_alone(tmp_path: Path) -> None:
    before = a_play() + "WEISS.\n\nHerr Weiß, ja Weiß. Wo? Herr Weiss.\n\n" * 9
    corpus = corpus_of(before, tmp_path)
    assert text_of(renamed(corpus, 1.0), corpus, 2).count("Herr Weiß, ja Weiß. Wo? Herr ") == 9


def test_a_new_name_is_spelled_in_letters_that_the_text_has_in_both_cases(tmp_path: Path) -> None:
    before = a_play().replace("z", "s")  # so that no z is in the text, but Z is
    corpus = corpus_of(before, tmp_path)
    assert "Z" in corpus.characters
    assert "z" not in corpus.characters
    for number in range(1, 9):
        became = new_names(before, text_of(renamed(corpus, 1.0), corpus, number))
        assert all("Z" not in name[1:] for names in became.values() for name in names)


def test_names_after_the_most_characters_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = a_play(100)
    monkeypatch.setattr("core.data.renamed_speakers.MAX_CHARACTERS", len(before) // 2)
    corpus = corpus_of(before, tmp_path)
    after = text_of(renamed(corpus, 1.0), corpus, 1)
    half = len(before) // 2
    assert after[half:] == before[half:]
    assert after[: half // 2] != before[: half // 2]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(a_play(8), tmp_path_factory.mktemp("play"))


@given(st.integers(1, 9), st.integers(5, 60), st.integers(0, 59), st.integers(1, 5))
def test_streams_read_the_text_of_their_pass(play: Corpus, streams: int, window: int, offset: int, number: int) -> None:
    speakers = renamed(play, 0.7)
    offset %= window
    read = speakers.in_pass(number).take(np.arange(len(play.part("whole"))))
    windows = [*streams_of(play, 0.7, streams, window).epoch(offset, number=number)]
    length = len(windows) * window
    for ahead in (0, 1):  # inputs, targets
        seen = torch.cat([pair[ahead] for pair in windows]).numpy()  # (length, streams)
        assert np.array_equal(seen.T.ravel(), read[offset + ahead : offset + ahead + streams * length])


def test_processes_that_share_the_streams_read_the_same_names(play: Corpus) -> None:
    whole = [pair[0] for pair in streams_of(play, 1.0, 4, 9).epoch(3, number=2)]
    parts = [
        [pair[0] for pair in streams_of(play, 1.0, 4, 9, columns).epoch(3, number=2)]
        for columns in (slice(0, 2), slice(2, 4))
    ]
    assert torch.equal(torch.cat(whole), torch.cat([torch.cat(part) for part in parts], dim=1))


def test_a_part_too_short_for_one_window_is_refused(tmp_path: Path) -> None:
    corpus = corpus_of(a_play(3), tmp_path)
    with pytest.raises(UserError, match="The training part has"):
        streams_of(corpus, 1.0, 100, 10_000)
