"""The model that comes with the program, here a small one in its place."""

import json
from pathlib import Path

import pytest

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs.inspection import WRITTEN
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.stream_pane import StreamPane
from charlstm_tui.widgets.inspection.cell_text import CellText
from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.export import export_weights
from core.errors import UserError
from core.runs.bundled_model import shipped_path
from core.runs.run import Run
from core.runs.store import RunStore
from tests.cli.test_commands import call
from tests.tui.conftest import until


@pytest.fixture
def shipped(trained: Run, store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only model there is."""
    path = tmp_path / "moliere.safetensors"
    export_weights(trained.best_path, path, half=True)
    trained.path.rename(tmp_path / "away")
    monkeypatch.setattr("core.runs.bundled_model.shipped_path", lambda: path)
    return path


async def test_generate_opens_with_it(app: CharLSTMApp, shipped: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        assert isinstance(app.screen, GenerationScreen)
        select = app.screen.query_one(CheckpointSelect)
        assert select.selection == shipped
        assert select.chosen_name == "moliere"
        await pilot.press("3", "enter")
        pane = app.screen.query_one(StreamPane)
        await until(lambda: len(pane.text) > 5)
        assert pane.text.startswith("3")
        await pilot.press("escape")
        await until(lambda: not app.screen._job.running)  # type: ignore[attr-defined]


async def test_inspect_opens_with_it(app: CharLSTMApp, shipped: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        assert app.screen.query_one(CheckpointSelect).selection == shipped
        await pilot.press("enter")
        pane = app.screen.query_one(CellText)
        await until(lambda: len(pane.text) == 1 + WRITTEN)


async def test_evaluate_opens_with_it_and_a_run_is_chosen_once_there_is_one(
    app: CharLSTMApp, shipped: Path, trained: Run, tmp_path: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        select = app.screen.query_one("#model", CheckpointSelect)
        assert select.selection == shipped
        (tmp_path / "away").rename(trained.path)
        await pilot.press("f2", "f3")
        await pilot.pause()
        assert select.selection == trained.path


def test_the_shell_knows_it_by_name_and_takes_it_when_nothing_is_named(shipped: Path) -> None:
    named = call("generate", "moliere", "--length", 20)
    assert named.exit_code == 0
    unnamed = call("generate", "--length", 20)
    assert unnamed.stdout == named.stdout
    assert unnamed.stderr == "CHECKPOINT was not given: moliere\n"
    assert json.loads(call("evaluate", "moliere", "--json", "--loss-only").stdout)["model"] == "moliere"


def test_a_run_of_that_name_does_not_hide_it(shipped: Path, store: RunStore, tmp_path: Path) -> None:
    (tmp_path / "away").rename(store.root / "moliere")
    assert store.checkpoint_path("moliere") == shipped
    newest = call("generate", "--length", 20)
    assert newest.stderr == f"CHECKPOINT was not given: {store.root / 'moliere'}\n", "which is its folder"
    assert newest.exit_code == 0


def test_without_any_model_the_shell_says_what_to_do() -> None:
    result = call("generate")
    assert result.exit_code == 2
    assert "There is no model yet. Train one first: charlstm-tui train" in result.stderr
    with pytest.raises(UserError, match="There is no run called moliere"):
        RunStore(Path("nowhere")).checkpoint_path("moliere")


@pytest.mark.shipped
def test_the_program_s_own_is_small_and_knows_moliere() -> None:
    path = shipped_path()
    assert path is not None
    assert path.stat().st_size < 12_000_000
    checkpoint = load_checkpoint(path)
    assert checkpoint.corpus.source == "moliere"
    assert set("HARPAGON. à é ç ?!\n") <= set(checkpoint.vocabulary.characters)
