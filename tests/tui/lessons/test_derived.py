"""Facts that follow from several others over the time of a lesson."""

from charlstm_tui.lessons.derived import TEXT, Derived, characters_to_test, only_facts
from charlstm_tui.lessons.facts import Value
from tests.tui.views import running


def generated(temperature: float, surprise: float, text: str = "a") -> dict[str, Value]:
    return {
        "generation.temperature": temperature, "generation.surprise": surprise, "generation.is_done": True, TEXT: text,
    }  # fmt: skip


def run(name: str | None, epochs: float, dropout: float = 0.0) -> dict[str, Value]:
    return {
        "run.state": "training", "run.name": name, "run.epochs": epochs, "run.output_dropout": dropout,
        "run.last_val_loss": 1.5,
    }  # fmt: skip


def test_the_extremes_of_the_temperature_have_their_surprise() -> None:
    derived = Derived()
    derived.of(generated(0.8, 1.2), {})
    derived.of(generated(0.2, 0.4), {})
    found = derived.of(generated(1.5, 2.8), {})
    assert found["generation.lowest_temperature"] == 0.2
    assert found["generation.surprise_at_lowest"] == 0.4
    assert found["generation.highest_temperature"] == 1.5
    assert found["generation.surprise_at_highest"] == 2.8


def test_a_text_that_was_stopped_is_no_extreme() -> None:
    assert Derived().of({**generated(0.8, 1.2), "generation.is_done": False}, {}).keys() == {"generation.repeated"}


def test_an_equal_text_is_a_repetition() -> None:
    derived = Derived()
    assert derived.of(generated(1, 1, "abc"), {})["generation.repeated"] is False
    assert derived.of(generated(1, 1, "abd"), {})["generation.repeated"] is False
    assert derived.of(generated(1, 1, "abc"), {})["generation.repeated"] is True
    assert TEXT not in only_facts(generated(1, 1))


def test_runs_of_the_lesson_are_counted_and_earlier_ones_are_not() -> None:
    derived = Derived()
    assert derived.of(run("old", 5.0), {})["run.count"] == 0.0
    assert derived.of(run(None, 0.0), {})["run.count"] == 0.0
    assert derived.of(run("first", 0.0), {})["run.count"] == 1.0
    assert derived.of(run("first", 3.0), {})["run.count"] == 1.0
    assert derived.of(run("second", 0.0), {})["run.count"] == 2.0


def test_the_run_before_is_the_last_one_with_other_settings() -> None:
    derived = Derived()
    derived.of(run(None, 0.0), {})
    derived.of(run("plain", 4.0), {})
    found = derived.of(run("dropout", 0.0, 0.5), {})
    assert (found["before.name"], found["before.output_dropout"], found["before.epochs"]) == ("plain", 0.0, 4.0)
    derived.of(run("dropout", 2.0, 0.5), {})
    assert "before.name" not in derived.of(run("dropout-2", 0.0, 0.5), {}), "the same settings again"


def test_runs_of_an_earlier_session_count_and_are_compared() -> None:
    derived = Derived(["plain"])
    assert derived.of(run("plain", 4.0), {})["run.count"] == 1.0
    found = derived.of(run("dropout", 0.0, 0.5), {})
    assert (found["run.count"], found["before.name"]) == (2.0, "plain")


def test_a_run_from_outside_the_lesson_is_not_compared() -> None:
    derived = Derived(["plain"])
    assert derived.of(run("other", 4.0), {})["run.count"] == 1.0
    assert "before.name" not in derived.of(run("dropout", 0.0, 0.5), {})


def test_different_cells_are_counted() -> None:
    derived = Derived()
    for cell, seen in ((3.0, 1.0), (4.0, 2.0), (3.0, 2.0)):
        told: dict[str, Value] = {"inspection.cell": cell, "inspection.layer": 1.0}
        assert derived.of(told, {})["inspection.cells_seen"] == seen


def test_the_test_part_is_that_of_the_split() -> None:
    config = running(3).config
    assert config is not None
    assert characters_to_test(config, 100_000.0) == 10_000.0
    assert characters_to_test(config, None) is None
    assert characters_to_test(None, 100_000.0) is None
