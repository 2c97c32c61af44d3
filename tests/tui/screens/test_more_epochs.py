"""A finished run is given more epochs, from where it is shown and from the list of runs."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.more_epochs import AskMoreEpochs
from charlstm_tui.screens.training import TrainingScreen
from core.runs.run import Run
from core.runs.store import RunStore
from core.runs.summary import summarise
from core.settings.config import TrainingConfig, configure
from core.training.schedule import rate_share
from tests.tui.conftest import until
from tests.tui.steps import set_up


async def choose_the_run(pilot: Pilot[None]) -> None:
    """Choose the only run from the list of runs: it is finished, so it asks for more epochs."""
    await pilot.press("l")
    await until(lambda: pilot.app.screen.query_one("#runs", OptionList).option_count == 1)
    await pilot.pause()
    await pilot.press("enter")
    await until(lambda: isinstance(pilot.app.screen, AskMoreEpochs))


async def test_r_gives_a_finished_run_more_epochs(app: CharLSTMApp, store: RunStore, small_text: object) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=2)  # type: ignore[arg-type]
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
        await pilot.pause()
        await pilot.press("r")
        assert isinstance(app.screen, AskMoreEpochs)
        app.screen.query_one(Input).value = "3"
        await pilot.press("enter")
        await until(lambda: app.training.phase == "finished" and len(app.training.epochs) == 5)
    (run,) = store.all()
    assert summarise(run).epochs == 5
    assert run.config().training.epochs == 5


async def test_the_list_of_runs_gives_a_finished_run_more_epochs(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await choose_the_run(pilot)
        assert "The run has 2 epochs" in str(app.screen.query_one("#question", Static).content)
        app.screen.query_one(Input).value = "1"
        await pilot.press("enter")
        await until(lambda: app.training.phase == "finished" and len(app.training.epochs) == 3)
    assert summarise(trained).epochs == 3


async def test_esc_leaves_the_run_as_it_is_and_a_wrong_number_is_not_taken(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await choose_the_run(pilot)
        for typed, sentence in (("1,000", "write 1000."), ("0", "epochs must be"), ("", "epochs must be")):
            app.screen.query_one(Input).value = typed
            await pilot.press("enter")
            assert isinstance(app.screen, AskMoreEpochs)
            assert sentence in str(app.screen.query_one("#consequence", Static).content)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, TrainingScreen))
        assert not app.training.alive


@pytest.mark.parametrize("warmup", [0.0, 0.1])
def test_what_it_does_to_the_learning_rate_is_what_the_schedule_says(warmup: float) -> None:
    training = configure(TrainingConfig(), {"epochs": 40, "final_rate": 0.02, "warmup": warmup})
    said = AskMoreEpochs("run", training, 40).consequence(20)
    assert "it will have 60" in said
    assert f"last at {100 * rate_share(1.0, training):.2g} %" in said
    assert f"continues at {100 * rate_share(40 / 60, training):.2g} %" in said
    assert "falls to 2 %" in said
    assert said.endswith("The loss may rise at first.")


def test_a_run_that_stopped_early_is_told_no_rise_where_there_is_none() -> None:
    training = configure(TrainingConfig(), {"epochs": 40, "final_rate": 0.02, "patience": 3})
    said = AskMoreEpochs("run", training, 12).consequence(1)
    assert "may rise" not in said


def test_a_constant_rate_stays(tiny_training: TrainingConfig) -> None:
    assert "it is constant" in AskMoreEpochs("run", tiny_training, 2).consequence(2)


def test_of_a_run_by_time_it_is_said_that_epochs_count_now() -> None:
    training = configure(TrainingConfig(), {"seconds": 60.0, "final_rate": 0.1})
    assert "followed the time" in AskMoreEpochs("run", training, 8).consequence(4)
