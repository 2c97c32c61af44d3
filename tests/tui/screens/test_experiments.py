"""The Experiments screen."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, ProgressBar, Select

from charlstm_tui.app import BUSY_EXPERIMENT, CharLSTMApp
from charlstm_tui.screens.dialogs import AskAboutExperiment
from charlstm_tui.screens.experiment_picker import ExperimentPicker
from charlstm_tui.screens.experiments import BUSY_TRAINING, ExperimentsScreen
from charlstm_tui.screens.runs import RunsScreen
from charlstm_tui.state.experiment import ExperimentView
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.experiments.experiment_panel import ExperimentPanel
from charlstm_tui.widgets.experiments.trial_list import MAX_SHOWN
from core.control import Control
from core.data.corpus import Corpus
from core.experiments.experiment import Experiment
from core.experiments.experiment_store import ExperimentStore
from core.experiments.opening import open_experiment
from core.experiments.varied import parse_varied
from core.experiments.worker import work
from core.runs.store import RunStore
from tests.conftest import TINY_MODEL, TINY_TRAINING
from tests.tui.conftest import SIZES, SnapCompare, until
from tests.tui.experiments import EXPERIMENT, experiment_view
from tests.tui.views import running

pytestmark = pytest.mark.opens("experiments")


@pytest.fixture
def done(store: RunStore, small_corpus: Corpus) -> Experiment:
    """An experiment of four runs in the store, all finished."""
    experiment = Experiment(
        name="sizes", preset="quick", corpus=small_corpus.config, model=TINY_MODEL, training=TINY_TRAINING,
        varied=(parse_varied("hidden_size=4,6"),), seeds=2,
    )  # fmt: skip
    experiments = ExperimentStore(store)
    experiments.create(experiment)
    for _ in work(open_experiment(experiments, "sizes").book, store, small_corpus, Control(), 1):
        pass
    return experiment


def screen_of(pilot: Pilot[None]) -> ExperimentsScreen:
    screen = pilot.app.screen
    assert isinstance(screen, ExperimentsScreen)
    return screen


def summary(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#summary", PlainText).render())


async def test_the_form_says_how_many_runs_there_are_and_what_is_wrong(app: CharLSTMApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        screen = screen_of(pilot)
        await until(lambda: "worker" in summary(pilot))
        assert summary(pilot).startswith("18 runs: 6 combinations with 3 seeds each; ")
        screen.query_one("#values-1", Input).value = "1,2,3"
        screen.query_one("#seeds", Input).value = ""
        await until(lambda: summary(pilot).startswith("9 runs; "))
        for values, said in (
            ("64,nothing", "hidden size must be a whole number from 1 to 8192"),
            ("", "hidden size has no values yet"),
            ("16..64", "give the number of combinations"),
        ):
            screen.query_one("#values-0", Input).value = values
            await until(lambda said=said: said in summary(pilot))  # type: ignore[misc]
            assert screen.query_one("#summary").has_class("-trouble")
        screen.query_one("#combinations", Input).value = "12"
        await until(lambda: summary(pilot).startswith("12 runs; "))
        screen.query_one("#combinations", Input).value = "many"
        await until(lambda: "must be a whole number of at least 1" in summary(pilot))
        assert ExperimentStore(screen._store).all() == []


async def test_two_rows_with_the_same_setting_are_refused(app: CharLSTMApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        screen_of(pilot).query_one("#vary-1", Select).value = "hidden_size"
        await until(lambda: "varied twice" in summary(pilot))


def job_of(*views: ExperimentView) -> Callable[..., Iterator[object]]:
    """A job that reads an experiment and then waits for its stop."""

    def produce(control: Control, **_: object) -> Iterator[object]:
        for view in views:
            yield view.read
            if view.workers is not None:
                yield view.workers
        while not control.stopped:
            control.wait(0.01)

    return produce


@pytest.fixture
def waiting_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charlstm_tui.jobs.experiments.run_experiment", job_of(experiment_view(over=5, alive=True)))


@pytest.mark.usefixtures("waiting_job")
async def test_an_experiment_is_started_shown_stopped_and_kept(app: CharLSTMApp, store: RunStore) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = screen_of(pilot)
        screen.query_one("#experiment-name", Input).value = "layers"
        await pilot.press("s")
        await until(lambda: screen.view.phase == "running")
        assert ExperimentStore(store).all() == ["layers"]
        assert app.experiment_is_alive
        await pilot.press("f2")
        assert "layers · ● running, 5 of 12 runs" in str(app.screen.query_one(TopBar).query_one("#run").render())
        await pilot.press("f6", "x")
        await until(lambda: screen.view.phase == "stopped")
        assert not app.experiment_is_alive
        assert app.experiment_state == ""


@pytest.mark.usefixtures("waiting_job")
async def test_train_and_an_experiment_do_not_run_at_the_same_time(app: CharLSTMApp, store: RunStore) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        screen = screen_of(pilot)
        app.training = running(2)
        await pilot.press("s")
        await until(lambda: summary(pilot) == BUSY_TRAINING)
        assert ExperimentStore(store).all() == []
        app.training = type(app.training)()
        await pilot.press("s")
        await until(lambda: screen.view.phase == "running")
        await pilot.press("f2")
        await until(lambda: app.screen.laid_out)  # type: ignore[attr-defined]
        await pilot.press("s")
        await until(lambda: any(notice.message == BUSY_EXPERIMENT for notice in app._notifications))
        assert not app.run_controller.running


@pytest.mark.usefixtures("waiting_job")
async def test_quitting_during_an_experiment_asks_and_stops_it_first(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        await pilot.press("s")
        await until(lambda: screen.view.phase == "running")
        await pilot.press("q")
        assert isinstance(app.screen, AskAboutExperiment)
        await pilot.press("escape")
        assert app.experiment_is_alive
        await pilot.press("q", "s")
        await until(lambda: not app.is_running)
    assert app.exit_code == 0
    assert screen.view.phase == "stopped"


async def test_an_error_of_a_worker_is_shown(app: CharLSTMApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(control: Control, **_: object) -> Iterator[object]:
        yield experiment_view(over=2).read
        from core.errors import UserError

        raise UserError("The text has changed since the experiment was made.")

    monkeypatch.setattr("charlstm_tui.jobs.experiments.run_experiment", fail)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        await pilot.press("s")
        await until(lambda: screen.view.phase == "failed")
        assert "The text has changed" in str(screen.query_one("#trouble", PlainText).render())
        assert not app.experiment_is_alive


async def test_a_finished_experiment_is_opened_with_its_findings(
    app: CharLSTMApp, done: Experiment, store: RunStore
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = screen_of(pilot)
        await until(lambda: screen.view.read is not None)
        await pilot.pause()
        panel = screen.query_one(ExperimentPanel)
        assert str(panel.query_one("#best", PlainText).render()).startswith("The best is hidden size ")
        losses = [trial.loss for trial in screen.view.trials]
        assert losses == sorted(losses, key=lambda loss: loss or 0.0)
        chosen = screen.panel.trials.chosen
        assert chosen is not None
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, RunsScreen))
        await until(lambda: app.screen.query_one("#runs", OptionList).option_count == 4)
        assert isinstance(app.screen, RunsScreen)
        await until(lambda: app.screen.chosen is not None and app.screen.chosen.name == chosen.run)  # type: ignore[attr-defined]


async def test_the_best_settings_are_saved_and_the_test_loss_is_read_once(
    app: CharLSTMApp, done: Experiment, tmp_path: Path
) -> None:
    file = tmp_path / "best.toml"
    async with app.run_test(size=(100, 30)) as pilot:
        screen = screen_of(pilot)
        await until(lambda: screen.view.read is not None)
        await pilot.press("p")
        app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await until(file.exists)
        said = []
        for _ in range(2):
            app.clear_notifications()
            await pilot.press("t")
            await until(lambda: any("Test loss of" in notice.message for notice in app._notifications))
            said.append([notice.message for notice in app._notifications])
        assert said[0] == said[1]
    found = screen.view.findings
    assert found is not None
    assert tomllib.loads(file.read_text("utf-8"))["hidden_size"] == found.combinations[0].params["hidden_size"]


async def test_an_experiment_and_its_runs_are_deleted_after_a_question(
    app: CharLSTMApp, done: Experiment, store: RunStore
) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        screen = screen_of(pilot)
        await until(lambda: screen.view.read is not None)
        await pilot.press("d", "escape")
        assert len(store.all()) == 4
        await pilot.press("d", "d")
        await until(lambda: store.all() == [])
        assert ExperimentStore(store).all() == []
        await until(lambda: screen._on_form)


async def test_the_list_opens_another_experiment(app: CharLSTMApp, done: Experiment, store: RunStore) -> None:
    ExperimentStore(store).create(msgspec.structs.replace(EXPERIMENT, name="later"))
    async with app.run_test(size=(100, 30)) as pilot:
        screen = screen_of(pilot)
        await until(lambda: screen.view.read is not None)
        assert screen._opened == "later"
        await pilot.press("l")
        assert isinstance(app.screen, ExperimentPicker)
        await pilot.press("down", "enter")
        await until(lambda: screen.view.read is not None and screen.view.read.experiment.name == "sizes")


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120, 200])
async def test_the_state_is_whole_in_any_window(app: CharLSTMApp, width: int) -> None:
    async with app.run_test(size=(width, 15)) as pilot:
        await shown(pilot, experiment_view(over=8, alive=True))
        state = screen_of(pilot).query_one("#left")
        await until(lambda: state.region.width >= len(str(state.render())))  # the layout follows; nothing is cut off
        assert state.region.right <= width
        assert str(state.render()).startswith("running, 8 of 12 runs")
        assert screen_of(pilot).query_one(ProgressBar).region.width >= 15


async def test_of_thousands_of_trials_the_best_are_listed(app: CharLSTMApp) -> None:
    small = experiment_view()
    assert small.read is not None
    many = [
        msgspec.structs.replace(trial, number=copy * 12 + trial.number, run=f"layers-{copy * 12 + trial.number}")
        for copy in range(300)
        for trial in small.read.trials
    ]
    view = small.after([msgspec.structs.replace(small.read, trials=tuple(many))])
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, msgspec.structs.replace(view, in_progress={many[-1].number: 0.5}))
        screen = screen_of(pilot)
        assert screen.panel.trials.option_count in (MAX_SHOWN, MAX_SHOWN + 1)
        assert screen.panel.trials.header.endswith("the best 200 of 3,600")
        assert [trial.number for trial in screen.panel.trials._trials][:MAX_SHOWN] == [
            trial.number for trial in view.trials[:MAX_SHOWN]
        ]
        assert many[-1].number in [trial.number for trial in screen.panel.trials._trials]


async def test_real_workers_train_the_trials(
    app: CharLSTMApp, store: RunStore, small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only test here that starts processes: from the form to the findings."""
    from core.runs.run import RunConfig

    async with app.run_test(size=(100, 30)) as pilot:
        screen = screen_of(pilot)
        base = RunConfig(preset="quick", corpus=small_corpus.config, model=TINY_MODEL, training=TINY_TRAINING)
        app.next_run = base
        screen.form.consider(base)
        screen.query_one("#values-0", Input).value = "4,6"
        screen.query_one("#values-1", Input).value = "1"
        screen.query_one("#seeds", Input).value = "1"
        await pilot.press("s")
        await until(lambda: screen.view.phase == "finished")
        assert [trial.state for trial in screen.view.trials] == ["finished", "finished"]
        assert sorted(run.name for run in store.all()) == ["experiment-1-1", "experiment-1-2"]


async def shown(pilot: Pilot[None], view: ExperimentView | None) -> None:
    """Show a view, or the form if it is None."""
    screen = screen_of(pilot)
    await until(lambda: not screen._job.running)
    if view is not None:
        screen._opened = "layers"
        screen._switch("experiment")
        screen.view = view
    else:
        await until(lambda: "worker" in summary(pilot))
    await pilot.pause()


LOOKS = {
    "form": None,
    "begun": experiment_view(over=3, alive=True),
    "finished": experiment_view(),
    "failed": msgspec.structs.replace(experiment_view(over=4), error="The text has changed."),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("look", LOOKS)
def test_it_looks_like_this(
    snap_compare: SnapCompare, app: CharLSTMApp, look: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.experiments.worker_count.usual_workers", lambda config: 2)

    async def before(pilot: Pilot[None]) -> None:
        await shown(pilot, LOOKS[look])

    assert snap_compare(app, run_before=before, terminal_size=size)
