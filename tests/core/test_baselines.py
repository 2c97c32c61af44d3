import math
import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from core import baselines
from core.baselines import ORDERS, Baselines, known_baselines, measure_baselines
from core.corpus import Corpus, CorpusConfig, Split, load_corpus
from core.errors import UserError
from core.folders import cache_folder


def measured(corpus: Corpus, *, validation: float = 0.0) -> Baselines:
    *_, last = measure_baselines(corpus, "validation" if validation else "test", validation)
    assert isinstance(last, Baselines)
    return last


def corpus_of(path: Path, text: str, split: Split = "tail") -> Corpus:
    path.write_text(text, encoding="utf-8")
    return load_corpus(CorpusConfig(source=str(path), split=split))


def by_dictionaries(train: str, test: str, alphabet: str, order: int) -> float:
    """The loss of interpolated Witten-Bell, slowly: by the formula."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for length in range(order):
        for place in range(length, len(train)):
            counts[train[place - length : place]][train[place]] += 1

    def probability(context: str, character: str, length: int) -> float:
        if length < 0:
            return 1 / len(alphabet)
        shorter = probability(context, character, length - 1)
        if length > len(context):
            return shorter
        after = counts.get(context[len(context) - length :])
        if not after:
            return shorter
        return (after[character] + len(after) * shorter) / (after.total() + len(after))

    losses = [-math.log(probability(test[max(0, i - ORDERS) : i], test[i], order - 1)) for i in range(len(test))]
    return sum(losses) / len(losses)


def test_every_order_agrees_with_the_formula(tmp_path: Path) -> None:
    draw = random.Random(0)
    text = "".join(draw.choice("aaabbcdé. \n") + "ab"[: draw.randrange(3)] for _ in range(700))
    corpus = corpus_of(tmp_path / "text.txt", text)
    kept = round(len(text) * 0.9)
    told = measured(corpus)
    assert [baseline.order for baseline in told.of] == list(range(ORDERS + 1))
    for baseline in told.of:
        slowly = by_dictionaries(text[:kept], text[kept:], corpus.characters, baseline.order)
        assert baseline.loss == pytest.approx(slowly, abs=1e-9), baseline.name
    assert told.best.loss == min(baseline.loss for baseline in told.of)
    assert told.characters == len(text) - kept


def test_validation_is_measured_with_what_is_left_to_count(tmp_path: Path) -> None:
    text = "le chat, la souris et le chien. " * 60 + "zut! " * 20
    corpus = corpus_of(tmp_path / "text.txt", text)
    train, validation = (str(corpus.part(part, 0.2)) for part in ("train", "validation"))
    told = measured(corpus, validation=0.2)
    assert (told.part, told.characters) == ("validation", len(validation))
    assert told.of[3].loss == pytest.approx(by_dictionaries(train, validation, corpus.characters, 3), abs=1e-9)


@pytest.mark.parametrize(
    ("limit", "split", "name", "loss"),
    [(100_000, "tail", "5-gram", 1.528), (None, "tail", "6-gram", 1.648), (None, "interleaved", "6-gram", 1.250)],
)
def test_the_figures_of_moliere(moliere: Path, limit: int | None, split: Split, name: str, loss: float) -> None:
    told = measured(load_corpus(CorpusConfig(source=str(moliere), limit=limit, split=split)))
    assert told.best.name == name
    assert told.best.loss == pytest.approx(loss, abs=0.001)


def test_they_are_counted_once(small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    assert known_baselines(small_corpus.config, "test") is None
    first = measured(small_corpus)
    monkeypatch.setattr(baselines, "_losses", None)  # would fail
    assert measured(small_corpus) == first
    assert known_baselines(small_corpus.config, "test") == first
    assert known_baselines(small_corpus.config, "validation", 0.1) is None, "another part is another measurement"


@pytest.mark.parametrize("damage", [b"", b"{", b'{"part": "test", "characters": 3, "of": []}', b"\xff\xfe"])
def test_a_damaged_note_of_them_is_made_anew(small_corpus: Corpus, damage: bytes) -> None:
    first = measured(small_corpus)
    (note,) = (cache_folder() / "baselines").iterdir()
    note.write_bytes(damage)
    assert known_baselines(small_corpus.config, "test") is None
    assert measured(small_corpus) == first
    assert known_baselines(small_corpus.config, "test") == first


def test_a_cache_that_cannot_be_written_is_no_error(small_corpus: Corpus) -> None:
    cache_folder().parent.mkdir(parents=True)
    cache_folder().write_text("a file where the folder would be")
    assert measured(small_corpus).best.loss < 2


def test_it_can_be_stopped_at_each_order(small_corpus: Corpus) -> None:
    events = measure_baselines(small_corpus, "test")
    assert [getattr(next(events), "done", None) for _ in range(3)] == [pytest.approx(n / 7) for n in (1, 2, 3)]
    events.close()
    assert known_baselines(small_corpus.config, "test") is None


def test_a_text_without_the_part_or_too_long_to_count_is_refused(
    small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="no validation part"):
        list(measure_baselines(small_corpus, "validation"))
    monkeypatch.setattr(baselines, "MOST_CHARACTERS", 100)
    with pytest.raises(UserError, match="up to 100 characters; this one has more"):
        list(measure_baselines(small_corpus, "test"))


def test_an_alphabet_of_thousands_and_a_part_shorter_than_the_n_grams(tmp_path: Path) -> None:
    text = "".join(chr(0x4E00 + (number * 7919) % 5000) for number in range(40)) * 1 + "".join(
        chr(0x4E00 + number) for number in range(5000)
    )
    corpus = corpus_of(tmp_path / "long.txt", text)
    kept = round(len(text) * 0.9)
    six = by_dictionaries(text[:kept], text[kept:], corpus.characters, 6)
    assert measured(corpus).of[6].loss == pytest.approx(six, abs=1e-9)
    tiny = corpus_of(tmp_path / "tiny.txt", "abababababcab")
    assert len(tiny.part("test")) == 1
    assert measured(tiny).of[6].loss == pytest.approx(by_dictionaries("abababababca", "b", "abc", 1), abs=1e-9), (
        "a first character has no context: its unigram"
    )
