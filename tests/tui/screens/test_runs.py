"""The list of earlier runs, and the layout of its screen."""

import msgspec
import pytest
from textual.widgets import Input, OptionList

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.dialogs import AskName, Confirm
from charlstm_tui.screens.runs import RunsScreen
from charlstm_tui.state.compared_runs import LETTERS, ComparedRun, PastRun, cautions, differences, with_letter
from charlstm_tui.state.preferences import load_preferences
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.training.chart.lines import line_of
from charlstm_tui.widgets.training.loss_chart import LossChart
from core.control import Control
from core.data.corpus import Corpus
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.training.trainer import Trainer
from tests.tui.charts import picture
from tests.tui.conftest import until
from tests.tui.steps import written


@pytest.fixture
def three(
    store: RunStore, small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig, trained: Run
) -> list[Run]:
    """Three runs: "sheep" as it is, one with other settings, one that was stopped."""
    for name, changes in {"goats": {"window": 12, "seed": 5}, "cut": {"epochs": 50}}.items():
        training = configure(tiny_training, changes)
        config = RunConfig(preset="quick", corpus=small_corpus.config, model=tiny_model, training=training)
        run, control = store.create(config, name), Control()
        for _ in record(run, Trainer(small_corpus, tiny_model, training), control):
            if name == "cut" and len(epochs_of(run.events())) >= 2:
                control.stop()
    return [store.get(name) for name in ("cut", "goats", "sheep")]


def past(run: Run) -> PastRun:
    return PastRun(summary=summarise(run), config=run.config(), epochs=tuple(epochs_of(run.events())))


def names(app: CharLSTMApp) -> list[str]:
    options = app.screen.query_one("#runs", OptionList)
    return [str(option.prompt).split()[0] for option in options.options]


async def listed(app: CharLSTMApp, count: int) -> None:
    await until(lambda: app.screen.query_one("#runs", OptionList).option_count == count)


async def test_runs_lie_beside_each_other_with_what_differs(app: CharLSTMApp, three: list[Run]) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("l")
        await listed(app, 3)
        assert names(app) == ["cut", "goats", "sheep"]
        await pilot.press("down", "space", "down", "space")
        await pilot.pause()
        table = written(app, "#table")
        rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()[2:]}
        assert rows == {"window": ["12", "10"], "seed": ["5", "0"]}
        drawn = "".join(picture(app.screen.query_one(LossChart)))
        assert [drawn.count(letter) for letter in "ABC"] == [2, 2, 0], (
            "a letter on each curve, and next to its last loss"
        )
        assert names(app) == ["cut", "A", "B"]
        await pilot.press("up", "space")
        await pilot.pause()
        assert names(app) == ["cut", "goats", "B"], "the other keeps its letter, and with it its colour"
        await pilot.press("escape")
        assert not isinstance(app.screen, RunsScreen)
        await pilot.press("l")
        await listed(app, 3)
        assert isinstance(app.screen, RunsScreen)
        assert [other.name for other in app.screen.compared] == ["sheep"], "what was chosen stays chosen"


async def test_a_run_is_renamed_and_deleted_when_one_is_sure(
    app: CharLSTMApp, store: RunStore, three: list[Run]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await listed(app, 3)
        await pilot.press("down", "r")
        box = app.screen.query_one(Input)
        assert box.value == "goats"
        box.value = "a/b"
        await until(lambda: "cannot be called" in written(app, "#reason"))  # while it is typed
        await pilot.press("enter")
        assert isinstance(app.screen, AskName)
        box.value = "kids"
        await until(lambda: not written(app, "#reason"))
        await pilot.press("enter")
        await until(lambda: "kids" in names(app))
        await listed(app, 3)
        assert store.has("kids")
        assert not store.has("goats")
        await pilot.press("d")
        assert isinstance(app.screen, Confirm)
        await pilot.press("escape")
        await listed(app, 3)
        await pilot.press("d", "d")
        await listed(app, 2)
        assert len(store.all()) == 2


async def test_a_run_that_was_stopped_is_resumed_from_the_list(app: CharLSTMApp, three: list[Run]) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await listed(app, 3)
        await pilot.press("enter")
        await until(lambda: app.training.started is not None)
        assert app.training.started is not None
        assert app.training.started.run == "cut"
        assert app.training.started.epochs_done >= 2
        await until(lambda: bool(app.training.samples))
        assert app.training.samples[0].epoch == 0, "what it wrote before is there as well"
        await pilot.press("x", "s")
        await until(lambda: not app.training.alive)


def test_letters_are_given_once_and_come_back(three: list[Run]) -> None:
    cut, goats, sheep = map(past, three)
    compared = with_letter(with_letter((), cut), goats)
    assert [(other.letter, other.name) for other in compared] == [("A", "cut"), ("B", "goats")]
    compared = with_letter(with_letter(compared, cut), sheep)
    assert [(other.letter, other.name) for other in compared] == [("B", "goats"), ("A", "sheep")]
    many: tuple[ComparedRun, ...] = ()
    for number in range(10):
        summary = msgspec.structs.replace(cut.summary, name=f"run-{number}")
        many = with_letter(many, msgspec.structs.replace(cut, summary=summary))
    assert [other.letter for other in many] == list(LETTERS)


def test_only_what_differs_is_told(three: list[Run]) -> None:
    cut, goats, sheep = map(past, three)
    assert differences([goats, sheep]) == [("window", ("12", "10")), ("seed", ("5", "0"))]
    assert differences([sheep, sheep]) == []
    assert differences([]) == []
    assert ("epochs", ("50", "2")) in differences([cut, sheep])


def changed(
    run: PastRun, *, validation: float | None = None, streams: int | None = None, **corpus: object
) -> RunConfig:
    """A run's settings with another text or training."""
    config = run.config
    training = config.training
    if validation is not None:
        training = msgspec.structs.replace(training, validation=validation)
    if streams is not None:
        training = msgspec.structs.replace(training, streams=streams)
    return msgspec.structs.replace(config, training=training, corpus=msgspec.structs.replace(config.corpus, **corpus))


def test_runs_of_one_kind_compare_without_a_word(three: list[Run]) -> None:
    cut, goats, sheep = map(past, three)
    same = [("A", cut.config, "validation"), ("B", sheep.config, "validation")]
    assert cautions(same, "steps") == []  # type: ignore[arg-type]
    assert cautions([], "steps") == []
    assert cautions([("A", cut.config, "train")], "steps") == []
    sizes = [("A", cut.config, "validation"), ("B", goats.config, "validation")]
    size = sheep.config.training.streams
    said = f"Characters a step: A {10 * size}; B {12 * size}."
    assert cautions(sizes, "steps") == [said], "steps of another size are told where steps are compared"  # type: ignore[arg-type]
    assert cautions(sizes, "characters") == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("corpus", "training", "reason"),
    [
        ({"source": "/textes/autre.txt", "sha256": "1"}, {}, "another text (autre)"),
        ({"sha256": "1"}, {}, "another file of that name"),
        ({"limit": 500}, {}, "500 characters of the text"),
        ({"split": "interleaved"}, {}, "split interleaved"),
        ({}, {"validation": 0.2}, "another validation part"),
    ],
)
def test_runs_that_do_not_compare_are_said_not_to(
    three: list[Run], corpus: dict[str, object], training: dict[str, float], reason: str
) -> None:
    sheep = past(three[2])
    first = changed(sheep, sha256="0")
    other = changed(sheep, **{"sha256": "0", **corpus, **training})  # type: ignore[arg-type]
    runs = [("A", first, "validation"), ("B", first, "validation"), ("C", other, "validation")]
    assert cautions(runs, "epochs") == [f"C does not compare with A: {reason}."]  # type: ignore[arg-type]
    both = [*runs, ("D", other, "validation")]
    assert cautions(both, "epochs") == [f"C, D do not compare with A: {reason}."]  # type: ignore[arg-type]


def test_a_training_loss_beside_validation_losses_is_named_and_warned_of(three: list[Run]) -> None:
    sheep = past(three[2])
    blind = msgspec.structs.replace(
        sheep, epochs=tuple(msgspec.structs.replace(epoch, val_loss=None) for epoch in sheep.epochs)
    )
    seen, unseen = ComparedRun("A", sheep), ComparedRun("B", blind)
    assert (seen.kind, unseen.kind) == ("validation", "train")
    assert [point.loss for point in line_of(seen).points] == [epoch.val_loss for epoch in sheep.epochs]
    assert [point.loss for point in line_of(unseen).points] == [epoch.train_loss for epoch in sheep.epochs]
    runs = [(other.letter, other.run.config, other.kind) for other in (seen, unseen)]
    assert cautions(runs, "epochs") == ["B does not compare with A: training loss."]


def test_an_old_run_that_did_not_count_its_steps_is_drawn_by_epochs(three: list[Run]) -> None:
    sheep = past(three[2])
    old = ComparedRun(
        "A",
        msgspec.structs.replace(
            sheep, epochs=tuple(msgspec.structs.replace(epoch, total_steps=0) for epoch in sheep.epochs)
        ),
    )
    assert line_of(old, "steps").points == ()
    assert [point.x for point in line_of(old, "epochs").points] == [epoch.epoch for epoch in sheep.epochs]


async def test_runs_are_compared_by_epochs_characters_or_seconds_and_that_is_remembered(
    app: CharLSTMApp, three: list[Run]
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("l")
        await listed(app, 3)
        await pilot.press("space", "down", "space")
        for by in ("epochs", "characters", "seconds", "steps", "epochs"):
            await pilot.press("b")
            await pilot.pause()
            assert f"loss by {by}" in written(app, "#chart-title")
            assert ("Characters a step" in written(app, "#cautions")) == (by == "steps")
        assert "A cut, validation" in written(app, "#chart-title")
        assert "B goats, validation" in written(app, "#chart-title")
        await pilot.press("y", "t")
        await pilot.pause()
        assert "recent, log" in written(app, "#chart-title")
    assert load_preferences().x_axis == "epochs"
    assert load_preferences().scale == "log"


async def test_the_keys_of_a_closing_screen_are_not_made_again(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await listed(app, 1)
        screen, keys, asked = app.screen, app.screen.query_one(KeyBar), list[str]()
        monkeypatch.setattr(screen, "check_action", lambda action, parameters: asked.append(action))
        closing = screen.remove()
        await keys.recompose()  # while the screen's widgets end, in any order: its list may be gone
        await closing
    assert not asked
