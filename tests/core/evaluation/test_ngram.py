import math
from collections import Counter, defaultdict
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.evaluation.ngram
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.encoded_text import encode
from core.data.splits import Part, Split
from core.errors import UserError
from core.evaluation.ngram import BaselineProgress, evaluate_baselines, known_baselines
from core.folders import cache_folder
from core.reports.results import NGRAM_NAMES, Baselines


def corpus_of(text: str, *, limit: int | None = None, split: Split = "tail") -> Corpus:
    encoded = encode(text)
    return Corpus(CorpusConfig(source="x", limit=limit, split=split, sha256=encoded.sha256), encoded)


def measured(corpus: Corpus, part: Part = "test", validation: float = 0.0) -> Baselines:
    *_, last = evaluate_baselines(corpus, part, validation)
    assert isinstance(last, Baselines)
    return last


def slow_losses(corpus: Corpus, part: Part, validation: float = 0.0) -> list[float]:
    """Return the loss of every order, computed directly from the formula, with strings as contexts."""
    train, text = str(corpus.part("train", validation)), str(corpus.part(part, validation))
    followers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for i, character in enumerate(train):
        for length in range(min(i + 1, len(NGRAM_NAMES) - 1)):
            followers[train[i - length : i]][character] += 1
    totals = {context: after.total() for context, after in followers.items()}

    def probability(character: str, context: str) -> float:
        shorter = probability(character, context[1:]) if context else 1 / len(corpus.characters)
        if context not in followers:
            return shorter
        after = followers[context]
        return (after[character] + len(after) * shorter) / (totals[context] + len(after))

    losses = [math.log(len(corpus.characters))]
    for order in range(1, len(NGRAM_NAMES)):
        contexts = [text[max(i - order + 1, 0) : i] for i in range(len(text))]
        each = [-math.log(probability(c, context)) for c, context in zip(text, contexts, strict=True)]
        losses.append(sum(each) / len(each))
    return losses


def assert_agrees_with_a_slow_count(corpus: Corpus, part: Part, validation: float = 0.0) -> None:
    losses = [baseline.loss for baseline in measured(corpus, part, validation).of]
    assert losses == pytest.approx(slow_losses(corpus, part, validation), abs=1e-9)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_every_order_agrees_with_a_slow_count(small_corpus: Corpus, part: Part) -> None:
    assert_agrees_with_a_slow_count(small_corpus, part, validation=0.2)


@given(
    st.text("ab.é\n", min_size=10, max_size=200).filter(lambda text: len(set(text)) > 1), st.sampled_from([0.2, 0.5])
)
def test_any_short_text_agrees_with_a_slow_count(text: str, validation: float) -> None:
    """The texts include training parts that are shorter than the order."""
    assert_agrees_with_a_slow_count(corpus_of(text), "test", validation)


def test_the_blocks_of_the_interleaved_split_are_read_as_one_text() -> None:
    letters = np.random.default_rng(0).choice(list("abcd "), 91_000)
    corpus = corpus_of("".join(letters), split="interleaved")
    assert len(corpus.part("test")) == 1_000
    assert_agrees_with_a_slow_count(corpus, "test")


def test_an_alphabet_of_tens_of_thousands_does_not_overflow() -> None:
    """The rank of a context times the size of the alphabet exceeds 32 bits; a code of six characters exceeds 64."""
    alphabet = [chr(point) for point in (*range(0x4E00, 0x9E00), *range(0xAC00, 0xC9C0))]
    once, again, thrice = ("".join(np.random.default_rng(seed).permutation(alphabet)) for seed in range(3))
    corpus = corpus_of(once + again + thrice + once)
    assert len(corpus.characters) * len(once + again + thrice) > 2**31
    assert_agrees_with_a_slow_count(corpus, "test")


def test_a_part_shorter_than_the_order_agrees_with_a_slow_count() -> None:
    corpus = corpus_of("abcabdabcabd" * 3)
    assert len(corpus.part("test")) == 4
    assert_agrees_with_a_slow_count(corpus, "test")


def test_a_part_of_one_character_is_predicted_without_context() -> None:
    found = measured(corpus_of("aab" * 3 + "a"))
    assert found.characters == 1
    assert found.named("unigram").loss == pytest.approx(-math.log((6 + 2 * 0.5) / (9 + 2)))
    assert {baseline.loss for baseline in found.of[1:]} == {found.named("unigram").loss}


def test_characters_outside_the_vocabulary_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = corpus_of("abcb" * 25)
    with_unknown = corpus_of("abc?b" * 25)
    monkeypatch.setattr(with_unknown, "characters", "abc")
    assert measured(with_unknown) == msgspec.structs.replace(measured(clean), characters=10)


def test_models_are_found_by_name_and_the_best_has_the_lowest_loss(small_corpus: Corpus) -> None:
    found = measured(small_corpus)
    assert [baseline.name for baseline in found.of] == list(NGRAM_NAMES)
    assert [found.named(name).order for name in NGRAM_NAMES] == list(range(7))
    assert found.named("uniform").loss == pytest.approx(math.log(len(small_corpus.characters)))
    assert found.best.loss == min(baseline.loss for baseline in found.of) < found.named("bigram").loss
    assert (found.part, found.characters) == ("test", len(small_corpus.part("test")))


def test_the_evaluation_can_be_cancelled_after_every_order(small_corpus: Corpus) -> None:
    *progress, _ = evaluate_baselines(small_corpus, "test")
    done = [event.done for event in progress if isinstance(event, BaselineProgress)]
    assert len(done) == len(progress) >= len(NGRAM_NAMES)
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 1)


@pytest.mark.parametrize(
    ("limit", "split", "name", "loss"),
    [(100_000, "tail", "5-gram", 1.528), (None, "tail", "6-gram", 1.648), (None, "interleaved", "6-gram", 1.250)],
)
def test_moliere_s_losses_are_the_published_ones(
    moliere: Path, limit: int | None, split: Split, name: str, loss: float
) -> None:
    corpus = load_corpus(CorpusConfig(source=str(moliere), limit=limit, split=split))
    found = measured(corpus)
    assert found.best.name == name
    assert found.best.loss == pytest.approx(loss, abs=0.01)


def test_a_cached_result_is_returned_without_counting(small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measured(small_corpus, "validation", 0.1)
    monkeypatch.setattr(core.evaluation.ngram, "_losses", _must_not_count)
    assert list(evaluate_baselines(small_corpus, "validation", 0.1)) == [first]


def test_a_cached_result_is_found_without_the_text(small_corpus: Corpus) -> None:
    assert known_baselines(small_corpus.config, "test") is None
    found = measured(small_corpus)
    assert known_baselines(small_corpus.config, "test") == found
    moved = msgspec.structs.replace(small_corpus.config, source="/nowhere/else.txt")
    assert known_baselines(moved, "test") == found
    assert known_baselines(msgspec.structs.replace(moved, sha256=""), "test") is None


def test_another_text_limit_split_share_or_part_has_its_own_cache_entry() -> None:
    corpus = corpus_of("abcabd" * 20_000)
    measured(corpus, "test", 0.1)
    others = ({"sha256": "0" * 64}, {"limit": 100_000}, {"split": "interleaved"})
    assert known_baselines(corpus.config, "test", 0.1) is not None
    assert all(
        known_baselines(msgspec.structs.replace(corpus.config, **other), "test", 0.1) is None for other in others
    )
    assert known_baselines(corpus.config, "test", 0.2) is None
    assert known_baselines(corpus.config, "validation", 0.1) is None
    measured(corpus, "validation", 0.1)
    assert known_baselines(corpus.config, "test", 0.1) is not None, "one entry does not replace the other"


def test_a_cancelled_evaluation_is_not_cached(small_corpus: Corpus) -> None:
    for _ in zip(range(3), evaluate_baselines(small_corpus, "test"), strict=False):
        pass
    assert known_baselines(small_corpus.config, "test") is None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b'{"part":"test","characters":9,"of":[]}'])
def test_a_damaged_cache_file_is_written_again(small_corpus: Corpus, damage: bytes) -> None:
    found = measured(small_corpus)
    (file,) = kept_files()
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert known_baselines(small_corpus.config, "test") is None
    assert measured(small_corpus) == found
    assert file.read_bytes() == whole


def test_an_unwritable_cache_is_not_an_error(small_corpus: Corpus) -> None:
    cache_folder().parent.mkdir(parents=True)
    cache_folder().write_text("a file where the folder should be")
    assert measured(small_corpus) == measured(small_corpus)


def test_a_text_without_a_hash_is_not_cached() -> None:
    corpus = corpus_of("abcabd" * 20)
    corpus.text = msgspec.structs.replace(corpus.text, sha256="")
    measured(corpus)
    assert kept_files() == []


@pytest.mark.parametrize(
    ("text", "part", "validation", "sentence"),
    [
        ("abc", "test", 0.0, "no test part, because it is too short"),
        ("abc" * 10, "validation", 0.0, "no validation part, because none was kept"),
        ("abcabc", "validation", 0.05, "no validation part, because it is too short"),
        ("abc" * 10, "validation", 1.0, "no train part, because it is too short"),
    ],
)
def test_an_empty_part_is_refused(text: str, part: Part, validation: float, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        measured(corpus_of(text), part, validation)


def test_a_text_too_long_to_count_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.evaluation.ngram, "MAX_CHARACTERS", 90)
    measured(corpus_of("ab" * 50))
    with pytest.raises(UserError, match=r"at most 90 characters, and this one has 92\. Set a limit"):
        measured(corpus_of("ab" * 51))


def kept_files() -> list[Path]:
    return list((cache_folder() / "baselines").glob("*"))


def _must_not_count(*_: object) -> None:
    raise AssertionError("it was counted already")


def test_another_part_is_evaluated_with_the_same_counts(
    small_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = corpus_of("3 chèvres, 4 moutons. " * 20)
    alone = [
        measured(small_corpus, "validation", 0.2),
        *evaluate_baselines(other, "whole", 0.2, counted_in=small_corpus),
    ]
    monkeypatch.setenv("CHARLSTM_DATA", str(tmp_path / "other"))  # nothing is cached there
    events = list(evaluate_baselines(other, "whole", 0.2, counted_in=small_corpus, also="validation"))
    assert [event for event in events if isinstance(event, BaselineProgress)] == events[:-2]
    assert len(events) == len(NGRAM_NAMES) + 2
    assert events[-2:] == [alone[0], alone[-1]]


def test_only_the_part_that_is_not_cached_is_counted(small_corpus: Corpus) -> None:
    first = measured(small_corpus, "test", 0.2)
    *progress, validation, test = evaluate_baselines(small_corpus, "test", 0.2, also="validation")
    assert len(progress) == len(NGRAM_NAMES)
    assert (validation, test) == (measured(small_corpus, "validation", 0.2), first)
    assert list(evaluate_baselines(small_corpus, "test", 0.2, also="validation")) == [validation, test]


def test_another_part_that_is_empty_is_left_out(small_corpus: Corpus) -> None:
    *_, last = events = list(evaluate_baselines(small_corpus, "test", also="validation"))
    assert [event for event in events if not isinstance(event, BaselineProgress)] == [last]
