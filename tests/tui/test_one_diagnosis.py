"""Train, Evaluate, the shell and a saved report say the same of the same run."""

import random
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from textual.widgets import Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.commands.report_text import as_text
from charlstm_tui.screens.evaluation import EvaluationScreen
from charlstm_tui.state.training import TrainingView
from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.history import history_of
from core.data.corpus import CorpusConfig, load_corpus
from core.evaluation.report_builder import assess
from core.events import RunStarted
from core.reports.diagnosis import Kind, Verdict, judge
from core.reports.formats import as_json, as_markdown
from core.reports.report import Report
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.runs.summary import epochs_of
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.training.trainer import Trainer
from tests.tui.conftest import until


def made_up_words() -> str:
    """A text of words that nothing but learning them by heart can tell."""
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghij", k=draw.randint(2, 6))) for _ in range(400)]
    return " ".join(draw.choices(words, k=500))


class Recipe(NamedTuple):
    kind: Kind
    text: str
    cells: int
    settings: dict[str, float]


RECIPES = [
    Recipe("overfitting", made_up_words(), 64, {"epochs": 6, "learning_rate": 3e-2}),
    Recipe("learning", made_up_words(), 8, {"epochs": 3, "learning_rate": 1e-2}),
    Recipe("levelled", "le mouton broute.\n" * 200, 32, {"epochs": 8, "learning_rate": 3e-2, "final_rate": 0.0}),
]


@pytest.fixture(scope="module", params=RECIPES, ids=lambda recipe: recipe.kind)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    given: Recipe = request.param
    return given


@pytest.fixture(scope="module")
def run_of_recipe(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run, to be copied, with its text in the same folder."""
    folder = tmp_path_factory.mktemp(recipe.kind)
    path = folder / "text.txt"
    path.write_text(recipe.text, encoding="utf-8")
    corpus = load_corpus(CorpusConfig(source=str(path)))
    model = ModelConfig(embedding_size=8, hidden_size=recipe.cells)
    base = TrainingConfig(streams=4, window=20, sample_length=0, precision="fp32", threads=1, validation=0.3)
    training = configure(base, recipe.settings)
    config = RunConfig(preset="small", corpus=corpus.config, model=model, training=training)
    made = RunStore(folder).create(config, "judged")
    for _ in record(made, Trainer(corpus, model, training)):
        pass
    return made


@pytest.fixture
def run(run_of_recipe: Run, store: RunStore) -> Run:
    shutil.copytree(run_of_recipe.path, store.root / run_of_recipe.name)
    return store.get(run_of_recipe.name)


def report_on(run: Run, path: Path | None = None) -> Report:
    path = path or run.checkpoint_path
    checkpoint = load_checkpoint(path)
    corpus = load_corpus(run.config().corpus)
    reports = [
        event
        for event in assess("judged", checkpoint, corpus, "test", history=history_of(path))
        if isinstance(event, Report)
    ]
    return reports[-1]


def verdict_on(run: Run) -> Verdict:
    (started,) = [event for event in run.events() if isinstance(event, RunStarted)]
    return judge(epochs_of(run.events()), started.vocabulary)


def in_one_line(app: CharLSTMApp, selector: str) -> str:
    return " ".join(str(app.screen.query_one(selector, Static).content).split())


async def test_both_screens_give_the_same_verdict(app: CharLSTMApp, recipe: Recipe, run: Run) -> None:
    verdict = verdict_on(run)
    assert verdict.kind == recipe.kind
    async with app.run_test(size=(120, 40)) as pilot:
        app.training = TrainingView(phase="preparing", config=run.config()).after(run.events())
        await pilot.pause()
        await until(lambda: verdict.sentence in in_one_line(app, "#summary-verdict"))
        assert verdict.advice in in_one_line(app, "#summary-verdict")
        await pilot.press("f3", "e")
        await until(lambda: isinstance(app.screen, EvaluationScreen) and not app.screen._busy)
        await until(lambda: verdict.text in in_one_line(app, "#parts"))
        assert ("Overfitting" in in_one_line(app, "#parts")) == (recipe.kind == "overfitting")


async def test_the_training_losses_of_both_screens_say_which_they_are(app: CharLSTMApp, run: Run) -> None:
    last = epochs_of(run.events())[-1]
    async with app.run_test(size=(120, 40)) as pilot:
        app.training = TrainingView(phase="preparing", config=run.config()).after(run.events())
        await pilot.pause()
        await until(
            lambda: f"{last.train_loss:.4f}: mean over epoch {last.epoch}" in in_one_line(app, "#summary-train")
        )
        await pilot.press("f3", "e")
        await until(lambda: isinstance(app.screen, EvaluationScreen) and not app.screen._busy)
        said = f"Train shows {last.train_loss:.4f}: the mean over epoch {last.epoch}."
        await until(lambda: said in in_one_line(app, "#parts"))
        assert "Evaluated with the saved weights" in in_one_line(app, "#parts")


def test_the_shell_and_saved_reports_say_it_too(run: Run) -> None:
    said, report = verdict_on(run).text, report_on(run)
    assert said in as_text(report)
    assert said in as_markdown(report).decode()
    assert said in as_json(report).decode()


def test_a_file_to_resume_from_knows_its_history_anywhere(run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.safetensors"
    elsewhere.write_bytes(run.last_path.read_bytes())
    assert list(history_of(elsewhere)) == epochs_of(run.events())
    assert verdict_on(run).text in report_on(run, elsewhere).verdict


def test_weights_alone_tell_a_gap_and_no_verdict(run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.safetensors"
    elsewhere.write_bytes(run.best_path.read_bytes())
    assert history_of(elsewhere) == ()
    told = report_on(run, elsewhere).verdict
    assert " gap: validation loss is " in told
    assert "Overfitting" not in told
