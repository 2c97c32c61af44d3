import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

import core.evaluation.evaluator
import core.evaluation.ngram
import core.evaluation.report_builder
from core.checkpoints.checkpoint import Checkpoint
from core.data.corpus import Corpus, CorpusConfig
from core.data.known_texts import MOLIERE
from core.data.play_roles import ROLES
from core.data.splits import Part
from core.errors import UserError
from core.evaluation.character_classes import KINDS
from core.evaluation.evaluator import evaluate, part_losses, score
from core.evaluation.memorization import CopyingProgress, copying
from core.evaluation.ngram import evaluate_baselines
from core.evaluation.report_builder import EXTRACTS, assess, surprisals_for
from core.evaluation.scoring import CHUNK
from core.reports.reference_losses import published_for
from core.reports.report import Report
from core.reports.results import Copying, Estimate, Evaluation, Group, PartLoss, Score, Stage
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig
from tests.core.by_hand import Guess, corpus_of, passage_of, read_by_hand, tiny_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")

NEVER_SEEN = "ß"
PROLOGUE = [
    ("speech", "Il était une fois un cœur avare: 2+3 écus, disait-il, font 25 écus. "),
    ("speech", "Personne ne le croyait encore.\n\n"),
]
EXCHANGE = [
    ("speaker line", "HARPAGON"),
    ("stage direction", ", bas.\n\n"),
    ("speech", "Tais-toi! Où est mon or, qui a pris mes 305 écus? Je cherche, je cherche, et je ne "),
    ("speech", "trouve plus rien du tout. "),
    ("stage direction", "(Il sort.)"),
    ("speech", " Au voleur!\n\n"),
    ("speaker line", "LA FLÈCHE.\n\n"),
    ("speech", "Ô le bel âne!\n\nIl court après 30 sous.\n\n"),
]
SEGMENTS = PROLOGUE + EXCHANGE * 14
PLAY = "".join(text for _, text in SEGMENTS)
ROLE_AT = [role for role, text in SEGMENTS for _ in text]
CHARACTERS = {
    "small letter": "abcdefghijlmnopqrstuvxyzk",
    "accented letter": "éèàùœâ",
    "capital": "HARPGONLFÈCETOJIÔSUD",
    "digit": "0235",
    "space": " ",
    "newline": "\n",
    "punctuation": ".,:!?'-()",
    "other": "+",
}
KIND_OF = {character: kind for kind, characters in CHARACTERS.items() for character in characters}


@pytest.fixture(autouse=True)
def short_sample(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(core.evaluation.report_builder, "SAMPLE", 100)
    return 100


@pytest.fixture
def trained(small_corpus: Corpus) -> Checkpoint:
    """Return a model whose training text is available."""
    return tiny_checkpoint(small_corpus.characters, corpus=small_corpus.config, validation=0.1)


def scored(checkpoint: Checkpoint, text: str) -> Score:
    *_, last = score(checkpoint, passage_of(text))
    assert isinstance(last, Score)
    return last


def groups_by_hand(sorts: tuple[str, ...], guesses: list[Guess], sort_of: Iterable[str]) -> list[Group]:
    losses = defaultdict(list)
    for guess, sort in zip(guesses, sort_of, strict=True):
        losses[sort].append(guess.loss)
    total_loss = sum(guess.loss for guess in guesses)
    return [
        Group(
            name=name,
            characters=len(losses[name]),
            loss=statistics.fmean(losses[name]),
            share=sum(losses[name]) / total_loss,
        )
        for name in sorts
        if losses[name]
    ]


def assert_same_groups(found: tuple[Group, ...], expected: list[Group]) -> None:
    assert [(group.name, group.characters) for group in found] == [(group.name, group.characters) for group in expected]
    assert [group.loss for group in found] == pytest.approx([group.loss for group in expected], abs=1e-6)
    assert [group.share for group in found] == pytest.approx([group.share for group in expected], abs=1e-6)


def assert_as_by_hand(text: str) -> None:
    checkpoint = tiny_checkpoint(PLAY)
    found, guesses = scored(checkpoint, text), read_by_hand(checkpoint, text)
    assert found.scored == len(guesses)
    assert found.loss == pytest.approx(statistics.fmean(guess.loss for guess in guesses), abs=1e-6)
    assert found.accuracy == sum(guess.likelier == 0 for guess in guesses) / len(guesses)
    assert found.accuracy_of_five == sum(guess.likelier < 5 for guess in guesses) / len(guesses)
    assert_same_groups(found.kinds, groups_by_hand(KINDS, guesses, (KIND_OF[guess.character] for guess in guesses)))
    roles = groups_by_hand(ROLES, guesses, (ROLE_AT[guess.place] for guess in guesses))
    assert_same_groups(found.roles, roles if len(text) > 600 else [])


def with_unknown(text: str, *places: int) -> str:
    return "".join(NEVER_SEEN if place in places else character for place, character in enumerate(text))


def test_the_test_text_has_speech_at_each_chunk_border() -> None:
    """Unknown characters at these positions must not change a role."""
    for border in (CHUNK, 2 * CHUNK):
        assert set(ROLE_AT[border - 2 : border + 3]) == {"speech"}
        assert PLAY[border - 2 : border + 3].isprintable()


@pytest.mark.parametrize("length", [1, 37, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 37])
def test_all_figures_equal_those_computed_by_hand(length: int) -> None:
    assert_as_by_hand(PLAY[:length])


@pytest.mark.parametrize(
    "places",
    [
        (CHUNK - 1,),
        (CHUNK,),
        (CHUNK - 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK),
        range(CHUNK, 2 * CHUNK),
    ],
    ids=["last of a chunk", "first of a chunk", "all around", "a chunk in the middle"],
)
def test_all_figures_equal_those_computed_by_hand_with_unknown_characters(places: tuple[int, ...]) -> None:
    assert_as_by_hand(with_unknown(PLAY, *places))


def test_a_model_with_a_smaller_vocabulary_is_evaluated_on_the_characters_it_knows() -> None:
    checkpoint = tiny_checkpoint("aeiou .")
    guesses = read_by_hand(checkpoint, PLAY)
    assert scored(checkpoint, PLAY).loss == pytest.approx(statistics.fmean(one.loss for one in guesses), abs=1e-6)
    assert_same_groups(
        scored(checkpoint, PLAY).roles, groups_by_hand(ROLES, guesses, (ROLE_AT[one.place] for one in guesses))
    )


def test_prose_has_no_roles() -> None:
    assert scored(tiny_checkpoint(PLAY), "Il court. (Il sort.)\n\n" * 60).roles == ()


def test_a_text_in_several_pieces_has_the_same_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tiny_checkpoint(PLAY)
    whole = scored(checkpoint, PLAY)
    monkeypatch.setattr("core.data.play_roles._PIECE", 170)
    assert scored(checkpoint, PLAY) == whole


def test_the_surprisals_equal_those_computed_by_hand() -> None:
    checkpoint, corpus = tiny_checkpoint("abcdefghijlmnopqrstuvxyz ."), corpus_of(PLAY)
    keep = surprisals_for(checkpoint, corpus, "train")
    list(evaluate(checkpoint, corpus, "train", keep))
    text = str(corpus.part("train"))
    assert keep.text == text
    assert keep.read == len(text)
    guesses = {guess.place: guess for guess in read_by_hand(checkpoint, text)}
    assert np.flatnonzero(~np.isnan(keep.losses)).tolist() == sorted(guesses)
    for place, guess in guesses.items():
        assert keep.losses[place] == pytest.approx(guess.loss, abs=1e-5)
    moment, guess = keep.at(CHUNK), guesses[CHUNK]
    assert moment.character == guess.character
    likeliest = np.argsort(guess.costs)[:5]
    assert [one.character for one in moment.expected] == [checkpoint.vocabulary.characters[id_] for id_ in likeliest]
    assert [one.probability for one in moment.expected] == pytest.approx(np.exp(-guess.costs[likeliest]), abs=1e-5)


@pytest.mark.parametrize(
    ("part", "limit", "learnt"),
    [("train", None, 81), ("validation", None, 0), ("test", None, 0), ("whole", None, 81), ("test", 50, 5)],
)
def test_the_characters_that_the_model_was_trained_on_are_counted(part: Part, limit: int | None, learnt: int) -> None:
    corpus = corpus_of("abcde" * 20)
    checkpoint = tiny_checkpoint("abcde", corpus=corpus.config, validation=0.1)
    *_, last = evaluate(checkpoint, Corpus(msgspec.structs.replace(corpus.config, limit=limit), corpus.text), part)
    assert isinstance(last, Evaluation)
    assert last.learnt_characters == learnt
    *_, other = evaluate(checkpoint, corpus_of("abcdea" * 20), part)
    assert isinstance(other, Evaluation)
    assert other.learnt_characters == 0


def losses_of(checkpoint: Checkpoint, corpus: Corpus) -> list[PartLoss]:
    return [event for event in part_losses(checkpoint, corpus) if isinstance(event, PartLoss)]


def test_the_losses_of_the_parts_are_close_to_those_computed_by_hand() -> None:
    checkpoint, corpus = tiny_checkpoint(PLAY, validation=0.2), corpus_of(PLAY)
    found = losses_of(checkpoint, corpus)
    assert [one.part for one in found] == ["train", "validation", "test"]
    for one in found:
        text = str(corpus.part(one.part, 0.2))
        assert one.characters == len(text)
        by_hand = statistics.fmean(guess.loss for guess in read_by_hand(checkpoint, text))
        assert one.loss == pytest.approx(by_hand, abs=1e-4), "the state after the warm-up is close to the exact one"


def test_an_empty_part_is_skipped() -> None:
    assert [one.part for one in losses_of(tiny_checkpoint(PLAY), corpus_of(PLAY))] == ["train", "test"]


def test_a_text_with_an_unknown_character_has_no_losses_of_parts() -> None:
    assert losses_of(tiny_checkpoint(PLAY, validation=0.2), corpus_of(PLAY + NEVER_SEEN)) == []


def test_a_long_part_is_scored_at_positions_spread_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint, corpus = tiny_checkpoint(PLAY), corpus_of(PLAY)
    length = len(corpus.part("train"))
    assert 2_000 <= length < 3_000, "two passages"
    monkeypatch.setattr(core.evaluation.evaluator, "MAX_APPROXIMATE", 900)
    train, test = losses_of(checkpoint, corpus)
    losses = [guess.loss for guess in read_by_hand(checkpoint, PLAY[:length])]
    second = -(-length // 2)
    by_hand = statistics.fmean(losses[:450] + losses[second : second + 450])
    assert (train.characters, train.of, test.characters) == (900, length, 290)
    assert train.loss == pytest.approx(by_hand, abs=1e-4)
    assert abs(by_hand - statistics.fmean(losses[:900])) > 1e-3, "and not at its start"


def assessed(checkpoint: Checkpoint, corpus: Corpus, part: Part = "test") -> tuple[list[Stage], list[Report]]:
    events = list(assess("sheep", checkpoint, corpus, part))
    stages = [event for event in events if isinstance(event, Stage)]
    return stages, [event for event in events if isinstance(event, Report)]


def doings(stages: list[Stage]) -> list[str]:
    return [doing for doing, _ in groupby(stage.doing for stage in stages)]


def test_a_report_grows_from_the_most_important_to_the_least(trained: Checkpoint, small_corpus: Corpus) -> None:
    stages, reports = assessed(trained, small_corpus)
    assert doings(stages) == [
        "reading",
        "counting n-grams",
        "reading the other parts, quickly",
        "generating a sample",
        "looking for copies in the sample",
        "looking for copies in held-out text",
    ]
    assert all(0 <= stage.done <= 1 for stage in stages)
    first, counted, compared, last = reports
    assert first == Report(
        model="sheep",
        evaluation=first.evaluation,
        least_expected=first.least_expected,
        most_expected=first.most_expected,
        vocabulary_size=first.vocabulary_size,
    )
    assert counted == msgspec.structs.replace(first, baselines=last.baselines)
    assert compared == msgspec.structs.replace(
        counted, parts=last.parts, validation_baselines=last.validation_baselines
    )
    assert last == msgspec.structs.replace(compared, copying=last.copying)
    assert None not in (last.baselines, last.validation_baselines, last.copying)
    assert [one.part for one in last.parts] == ["train", "validation", "test"]


def test_each_figure_of_a_report_equals_the_one_computed_separately(trained: Checkpoint, small_corpus: Corpus) -> None:
    *_, last = assessed(trained, small_corpus)[1]
    *_, evaluation = evaluate(trained, small_corpus, "test")
    assert last.evaluation == evaluation
    *_, baselines = evaluate_baselines(small_corpus, "test", 0.1)
    assert last.baselines == baselines
    *_, of_validation = evaluate_baselines(small_corpus, "validation", 0.1)
    assert last.validation_baselines == of_validation
    parts = losses_of(trained, small_corpus)
    assert list(last.parts[:2]) == parts[:2]
    assert last.parts[2].loss == pytest.approx(parts[2].loss, abs=1e-6)


def test_a_sample_and_as_much_held_out_text_are_searched_for_in_the_training_part(
    trained: Checkpoint, small_corpus: Corpus, short_sample: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for: list[tuple[str, str]] = []

    def noted(sample: str, text: str) -> Iterator[CopyingProgress | Copying]:
        looked_for.append((sample, text))
        return copying(sample, text)

    monkeypatch.setattr(core.evaluation.report_builder, "copying", noted)
    *_, last = assessed(trained, small_corpus)[1]
    config = SamplingConfig()
    drawn = islice(Sampler(trained.model, trained.vocabulary, config), short_sample)
    sample = "".join(one.character for one in drawn)
    train, test = (str(small_corpus.part(part, 0.1)) for part in ("train", "test"))
    assert len(test) > short_sample
    assert looked_for == [(sample, train), (test[:short_sample], train)]
    found = last.copying
    assert found is not None
    assert found.held_out is not None
    assert (found.characters, found.temperature, found.seed) == (short_sample, config.temperature, config.seed)
    for told, of in ((found.sample, sample), (found.held_out, test[:short_sample])):
        *_, alone = copying(of, train)
        assert told == alone


def test_a_long_text_has_an_estimate_first(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint, corpus = tiny_checkpoint(PLAY), corpus_of(PLAY)
    assert not [event for event in assess("sheep", checkpoint, corpus, "whole") if isinstance(event, Estimate)]
    monkeypatch.setattr(core.evaluation.report_builder, "MAX_ESTIMATED", 1_000)
    events = list(assess("sheep", checkpoint, corpus, "whole"))
    (place,) = [place for place, event in enumerate(events) if isinstance(event, Estimate)]
    doing = [event.doing for event in events if isinstance(event, Stage)]
    assert set(doing[:place]) == {"estimating the loss"}
    assert set(doing[place:]) == {"reading"}
    estimate, report = events[place], events[-1]
    assert isinstance(estimate, Estimate)
    assert isinstance(report, Report)
    assert (estimate.characters, estimate.of) == (1_000, len(PLAY))
    assert estimate.loss == pytest.approx(report.evaluation.score.loss, abs=0.05)


@pytest.mark.parametrize(("parameters", "characters"), [(10**3, 20_000), (5 * 10**6, 6_000), (10**9, 2_000)])
def test_a_large_model_estimates_from_fewer_characters(
    parameters: int, characters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tiny_checkpoint("ab")
    monkeypatch.setattr(checkpoint.model, "count_parameters", lambda: parameters)
    events = assess("sheep", checkpoint, corpus_of("ab" * 20_000), "whole")
    estimate = next(event for event in events if isinstance(event, Estimate))
    assert estimate.characters == pytest.approx(characters, rel=0.01)


def test_the_exact_loss_stands_in_place_of_an_estimate(trained: Checkpoint, small_corpus: Corpus) -> None:
    for part in ("train", "validation", "test"):
        *_, last = assessed(trained, small_corpus, part)[1]
        count, loss = last.evaluation.characters, last.evaluation.score.loss
        assert PartLoss(part=part, characters=count, of=count, loss=loss) in last.parts
        assert [one.part for one in last.parts] == ["train", "validation", "test"]


def test_extracts_come_from_the_evaluated_part(trained: Checkpoint, small_corpus: Corpus) -> None:
    first, *_ = assessed(trained, small_corpus)[1]
    text = str(small_corpus.part("test", 0.1))
    assert 1 <= len(first.least_expected) <= EXTRACTS
    for extract in first.least_expected + first.most_expected:
        assert text[extract.begin :].startswith(extract.text)
    *_, whole = assessed(tiny_checkpoint(PLAY), corpus_of(PLAY), "whole")[1]
    assert len(whole.least_expected) == len(whole.most_expected) == EXTRACTS
    assert whole.least_expected[0].loss > whole.evaluation.score.loss > whole.most_expected[0].loss


def test_the_surprisals_of_the_caller_are_filled(trained: Checkpoint, small_corpus: Corpus) -> None:
    keep = surprisals_for(trained, small_corpus, "test")
    report = next(event for event in assess("sheep", trained, small_corpus, "test", keep) if isinstance(event, Report))
    assert keep.read == len(keep.text) == report.evaluation.characters
    assert (report.least_expected, report.most_expected) == tuple(map(tuple, keep.extremes(EXTRACTS)))


def test_baselines_on_another_text_are_counted_in_the_training_text(trained: Checkpoint, small_corpus: Corpus) -> None:
    other = corpus_of("3 chèvres, 4 moutons. " * 20)
    stages, reports = assessed(trained, other, "whole")
    assert doings(stages)[:3] == ["reading", "reading the text it was trained on", "counting n-grams"]
    *_, last = reports
    *_, baselines = evaluate_baselines(other, "whole", 0.1, counted_in=small_corpus)
    assert last.baselines == baselines
    assert list(last.parts) == losses_of(trained, small_corpus)


def test_the_limit_of_the_training_text_is_respected(small_corpus: Corpus) -> None:
    config = msgspec.structs.replace(small_corpus.config, limit=600)
    *_, last = assessed(tiny_checkpoint(small_corpus.characters, corpus=config), small_corpus)[1]
    assert [(one.part, one.characters) for one in last.parts] == [("train", 540), ("test", 60)]
    assert last.validation_baselines is None


def gone(path: Path) -> None:
    path.unlink()


def changed(path: Path) -> None:
    path.write_text("D'autres moutons. " * 50, encoding="utf-8")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("happens", [gone, changed, emptied])
def test_without_the_training_text_a_report_has_the_other_sections(
    trained: Checkpoint, happens: Callable[[Path], None]
) -> None:
    happens(trained.corpus.path)
    _, (only,) = assessed(trained, corpus_of("3 chèvres, 4 moutons. " * 20))
    assert (only.baselines, only.parts, only.copying) == (None, (), None)
    assert only.evaluation.characters == 44


def test_a_model_without_the_hash_of_its_training_text_has_no_training_text(small_text: Path) -> None:
    checkpoint = tiny_checkpoint("mouton", corpus=CorpusConfig(source=str(small_text)))
    _, (only,) = assessed(checkpoint, corpus_of("moutons" * 20))
    assert only.baselines is None


def test_sections_that_would_take_too_much_memory_are_omitted(
    trained: Checkpoint, small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.evaluation.ngram, "MAX_CHARACTERS", 100)
    monkeypatch.setattr(core.evaluation.report_builder, "MAX_SEARCHED", 100)
    *_, last = assessed(trained, small_corpus)[1]
    assert (last.baselines, last.validation_baselines, last.copying) == (None, None, None)
    assert len(last.parts) == 3


@pytest.mark.parametrize(
    ("sha256", "limit", "part", "there"),
    [
        (MOLIERE.sha256, None, "test", True),
        (MOLIERE.sha256, None, "train", False),
        (MOLIERE.sha256, None, "whole", False),
        (MOLIERE.sha256, 1_000, "test", False),
        ("0" * 64, None, "test", False),
    ],
)
def test_a_report_has_published_losses_only_for_exactly_this_text_and_part(
    sha256: str, limit: int | None, part: Part, there: bool
) -> None:
    config = CorpusConfig(source="x", sha256=sha256, limit=limit)
    _, (only,) = assessed(tiny_checkpoint(PLAY), Corpus(config, corpus_of(PLAY).text), part)
    assert only.published == published_for(config, part)
    assert bool(only.published) is there


def test_a_part_that_cannot_be_evaluated_has_no_report() -> None:
    with pytest.raises(UserError, match="no character that the model knows"):
        list(assess("sheep", tiny_checkpoint("ab"), corpus_of("xyz" * 10), "test"))
    with pytest.raises(UserError, match="no validation part, because the model was trained without one"):
        list(assess("sheep", tiny_checkpoint("ab"), corpus_of("ab" * 10), "validation"))


def places_to_stop(checkpoint: Checkpoint, corpus: Corpus) -> Iterator[int]:
    """Yield the index of the first event of each stage, and of each report."""
    doing = None
    for place, event in enumerate(assess("sheep", checkpoint, corpus, "test")):
        if not isinstance(event, Stage) or event.doing != doing:
            yield place
        doing = event.doing if isinstance(event, Stage) else None


def test_an_assessment_can_be_cancelled_at_any_time(trained: Checkpoint, small_corpus: Corpus) -> None:
    places = list(places_to_stop(trained, small_corpus))
    assert len(places) == 10, "six stages, four reports"
    for place in places:
        events = assess("sheep", trained, small_corpus, "test")
        list(islice(events, place + 1))
        events.close()
        assert list(events) == []


def test_cancelling_while_the_training_text_is_read_ends_the_assessment(trained: Checkpoint) -> None:
    events = assess("sheep", trained, corpus_of("moutons" * 20), "whole")
    stage = next(event for event in events if isinstance(event, Stage) and "trained on" in event.doing)
    assert 0 <= stage.done <= 1
    events.close()
    trained.corpus.path.unlink()
    assert list(events) == []


def test_an_assessment_leaves_the_model_and_the_global_generator_alone(
    trained: Checkpoint, small_corpus: Corpus
) -> None:
    weights = [parameter.detach().clone() for parameter in trained.model.parameters()]
    generator = torch.random.get_rng_state()
    assessed(trained, small_corpus)
    assert trained.model.training
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert all(torch.equal(a, b) for a, b in zip(weights, trained.model.parameters(), strict=True))
