"""Findings on trials whose losses are known."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.corpus import CorpusConfig
from core.experiments.experiment import Experiment
from core.experiments.findings import find, importance_of, student_quantile
from core.experiments.results import TrialResult
from core.experiments.varied import Params, parse_varied
from core.settings.config import ModelConfig, TrainingConfig, Value


def experiment(*varied: str, seeds: int = 1, trials: int | None = None) -> Experiment:
    return Experiment(
        name="e", preset="quick", corpus=CorpusConfig(source="t.txt"), model=ModelConfig(),
        training=TrainingConfig(validation=0.1), varied=tuple(map(parse_varied, varied)), seeds=seeds, trials=trials,
    )  # fmt: skip


def trial(number: int, params: Params, loss: float | None, seed: int = 0, state: str = "finished") -> TrialResult:
    return TrialResult(number=number, params=params, seed=seed, run=f"e-{number}", state=state, loss=loss)  # type: ignore[arg-type]


def grid(losses: dict[tuple[Value, ...], list[float]], *names: str) -> list[TrialResult]:
    trials: list[TrialResult] = []
    for values, of_seeds in losses.items():
        for seed, loss in enumerate(of_seeds):
            trials.append(trial(len(trials) + 1, dict(zip(names, values, strict=True)), loss, seed))
    return trials


# scipy.stats.t.ppf(0.975, n), to three decimals
@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (8, 2.306), (18, 2.101), (120, 1.980)],
)
def test_the_quantile_of_student_s_t(freedom: int, quantile: float) -> None:
    assert student_quantile(freedom) == pytest.approx(quantile, rel=0.01)


def test_means_deviations_and_differences_are_those_by_hand() -> None:
    setup = experiment("num_layers=1,2", "hidden_size=64,128", seeds=2)
    found = find(setup, grid(
        {(1, 64): [1.50, 1.52], (1, 128): [1.40, 1.44], (2, 64): [1.53, 1.55], (2, 128): [1.41, 1.41]},
        "num_layers", "hidden_size",
    ))  # fmt: skip
    assert [each.params["num_layers"] for each in found.combinations] == [2, 1, 1, 2]
    assert found.combinations[0].losses.mean == pytest.approx(1.41)
    assert found.combinations[1].losses.deviation == pytest.approx(math.sqrt(0.0008))
    # Squares within combinations: 0.0002 + 0.0008 + 0.0002 + 0, with four degrees of freedom: variance 0.0003.
    layers, size = found.effects
    assert [point.runs for point in layers.points] == [4, 4]
    assert layers.points[0].difference is None
    # Over the seeds only: the difference between 64 and 128 cells is no spread of one layer.
    assert layers.points[0].spread == pytest.approx(math.sqrt((0.0002 + 0.0008) / 2))
    difference = layers.points[1].difference
    assert difference is not None
    assert difference.value == pytest.approx(((1.54 - 1.51) + (1.41 - 1.42)) / 2)
    assert difference.error == pytest.approx(math.sqrt(0.0003 * 2) / 2)
    assert difference.freedom == 4
    assert difference.may_be_chance
    assert layers.sentences == ("num layers 2 instead of 1: +0.010 ± 0.012, may be chance.",)
    assert size.sentences == ("hidden size 128 instead of 64: −0.110 ± 0.012, better.",)
    assert found.margin is not None
    assert found.margin.error == pytest.approx(math.sqrt(0.0003))
    assert found.best_sentence == (
        "The best is num layers 2, hidden size 128: 1.410 ± 0.000 (2 seeds) nats/char. The next is 0.010 above it, "
        "0.6 standard errors, which may be chance."
    )


@given(st.sets(st.tuples(st.integers(1, 3), st.sampled_from([64, 128, 256]), st.integers(0, 2)), min_size=1))
def test_in_an_unfinished_grid_the_means_differ_by_what_the_sentences_say(over: set[tuple[int, int, int]]) -> None:
    setup = experiment("num_layers=1,2,3", "hidden_size=64,128,256", seeds=3)
    trials = [
        trial(number, {"num_layers": layers, "hidden_size": size}, 1.0 + 1 / size + layers / 50 + seed / 300, seed)
        for number, (layers, size, seed) in enumerate(sorted(over), start=1)
    ]
    for effect in find(setup, trials).effects:
        assert len(effect.points) != 1
        for point in effect.points[1:]:
            assert point.difference is not None
            assert point.difference.value == pytest.approx(point.mean - effect.points[0].mean)
        if len(effect.points) > 1:
            # Only the seeds may make the order of the means another one than that of the true effects.
            true = [1 / point.value if effect.name == "hidden_size" else point.value / 50 for point in effect.points]  # type: ignore[operator]
            for one, other in itertools.combinations(range(len(true)), 2):
                drawn = effect.points[one].mean - effect.points[other].mean
                assert abs(drawn - (true[one] - true[other])) <= 2 / 300 + 1e-9


def test_with_one_seed_nothing_is_said_about_chance() -> None:
    found = find(experiment("num_layers=1,2"), grid({(1,): [1.5], (2,): [1.4]}, "num_layers"))
    assert found.effects[0].sentences == ("num layers 2 instead of 1: −0.100; with one seed, chance cannot be told.",)
    assert found.best_sentence.endswith("with one seed, chance cannot be told.")


def test_only_matched_combinations_are_compared() -> None:
    """Two layers were tried with 64 cells only; a better run with 128 does not count against them."""
    found = find(
        experiment("num_layers=1,2", "hidden_size=64,128", seeds=2),
        grid({(1, 64): [1.5, 1.5], (1, 128): [1.2, 1.2], (2, 64): [1.4, 1.4]}, "num_layers", "hidden_size"),
    )
    difference = found.effects[0].points[1].difference
    assert difference is not None
    assert difference.value == pytest.approx(-0.1)


def test_only_finished_trials_count() -> None:
    trials = [
        trial(1, {"num_layers": 1}, 1.5),
        trial(2, {"num_layers": 2}, None, state="running"),
        trial(3, {"num_layers": 2}, None, state="failed"),
        trial(4, {"num_layers": 2}, None, state="pruned"),
    ]
    found = find(experiment("num_layers=1,2"), trials)
    assert found.finished == 1
    assert len(found.combinations) == 1
    assert found.margin is None
    assert found.best_sentence == "The best is num layers 1: 1.500 (1 seed) nats/char."
    nothing = find(experiment("num_layers=1,2"), [])
    assert nothing.best_sentence == ""
    assert nothing.effects[0].points == ()


def test_a_range_is_shown_in_parts_with_equally_many_runs() -> None:
    setup = experiment("learning_rate=1e-4..1e-1:log", "cell=lstm,gru", trials=20)
    rates = [10 ** (-4 + 3 * number / 19) for number in range(20)]
    trials = [trial(n + 1, {"learning_rate": rate, "cell": "lstm"}, 2.0 - n / 20) for n, rate in enumerate(rates)]
    random.Random(0).shuffle(trials)
    effect = find(setup, trials).effects[0]
    assert [point.runs for point in effect.points] == [4] * 5
    means = [point.mean for point in effect.points]
    assert means == sorted(means, reverse=True)
    assert effect.points[0].label == "0.0001–0.0003"
    assert effect.sentences == ()


def test_chance_is_recognised_in_about_nineteen_of_twenty_experiments_without_an_effect() -> None:
    chance = random.Random(3)
    setup = experiment("num_layers=1,2", seeds=3)
    wrong = 0
    for _ in range(400):
        losses: dict[tuple[Value, ...], list[float]] = {
            (layers,): [chance.gauss(1.5, 0.01) for _ in range(3)] for layers in (1, 2)
        }
        difference = find(setup, grid(losses, "num_layers")).effects[0].points[1].difference
        assert difference is not None
        wrong += not difference.may_be_chance
    assert 8 <= wrong <= 34, "5 % of 400 are 20, with a standard deviation of 4.4"


def test_importance_needs_ten_trials_and_two_settings() -> None:
    two = experiment("num_layers=1,2", "cell=lstm,gru").varied
    assert importance_of(two, 10) == ""
    assert importance_of(two, 9) == "9 finished trials of the 10 that an estimate of importance needs."
    assert importance_of(two[:1], 50) == "Only one setting is varied."
