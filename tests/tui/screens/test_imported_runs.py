"""Runs that hold an imported model, on the screens."""

from pathlib import Path

import pytest
import torch
from textual.widgets import Digits, OptionList, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs.inspection import Looked, Seen, inspect_model
from charlstm_tui.screens.evaluation import EvaluationScreen
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig
from core.evaluation.evaluator import evaluate
from core.interchange.import_run import UNKNOWN_TEXT, ImportedFile, store_model
from core.interchange.notebook_model import NotebookModel, recognised
from core.reports.results import Evaluation
from core.runs.run import Run
from core.runs.store import RunStore
from tests.core.interchange.notebook import notebook
from tests.tui.conftest import SIZES, until


def imported(store: RunStore, characters: str, corpus: CorpusConfig) -> Run:
    network = notebook(len(characters))
    layout = recognised({name: tuple(weight.shape) for name, weight in network.state_dict().items()}, "model.pt")
    weights = {ours: network.state_dict()[theirs].detach() for ours, theirs in layout.names.items()}
    model = NotebookModel(layout.config, layout.vocabulary_size, weights)
    file = ImportedFile(path=Path("/somewhere/model.pt"), sha256="0" * 64, model=model)
    return store_model(store, file, characters, corpus)


@pytest.fixture
def run(store: RunStore, small_corpus: Corpus) -> Run:
    return imported(store, small_corpus.characters, small_corpus.config)


@pytest.mark.parametrize("size", SIZES)
async def test_the_list_shows_that_a_run_was_imported_and_enter_says_why_it_cannot_be_resumed(
    app: CharLSTMApp, run: Run, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("l")
        await until(lambda: app.screen.query_one("#runs", OptionList).option_count == 1)
        line = str(app.screen.query_one("#runs", OptionList).options[0].prompt)
        assert line.split()[0] == "imported-1"
        assert "imported " in line.removeprefix("  imported-1")
        app.screen.query_one("#runs", OptionList).action_select()
        await pilot.pause()
        said = str(app.screen.query_one("#runs-hint", Static).content)
        assert said == "imported-1 was imported: it has no training state to resume."


@pytest.mark.opens("evaluate")
async def test_an_imported_model_is_evaluated_on_its_text(app: CharLSTMApp, run: Run, small_corpus: Corpus) -> None:
    *_, expected = evaluate(load_checkpoint(run.best_path), small_corpus, "test")
    assert isinstance(expected, Evaluation)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        assert isinstance(screen, EvaluationScreen)
        await pilot.press("f3", "e")
        await until(lambda: not screen._busy)
        assert screen.query_one(Digits).value == f"{expected.score.loss:.3f}"


@pytest.mark.opens("evaluate")
async def test_evaluate_asks_for_a_text_where_none_is_known(
    app: CharLSTMApp, store: RunStore, small_corpus: Corpus
) -> None:
    imported(store, small_corpus.characters, UNKNOWN_TEXT)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        assert isinstance(screen, EvaluationScreen)
        await pilot.press("f3", "e")
        await until(lambda: bool(app._notifications) and not screen._busy)
        (notice,) = app._notifications
        assert notice.message.startswith("It is not known which text this model was trained on.")
        assert "o on the Evaluate screen" in notice.message
        screen._take_text(small_corpus.config)
        await pilot.press("e")
        await until(lambda: not screen._busy and screen.pages.report is not None)


def test_an_imported_model_is_inspected(run: Run) -> None:
    torch.set_num_threads(1)
    *_, seen = inspect_model(Control(), Looked(path=run.best_path, text="3 moutons"))
    assert isinstance(seen, Seen)
    assert seen.activations.text == "3 moutons"
