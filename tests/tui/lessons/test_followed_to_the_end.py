"""Each lesson, followed to its end by a student on the real screens."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from msgspec import structs

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.lessons.progress import load_progress
from charlstm_tui.screens.lesson_list import LessonList
from charlstm_tui.screens.training import TrainingScreen
from core.checkpoints.export import export_weights
from core.control import Control
from core.data.corpus import CorpusConfig, load_corpus
from core.runs.recorder import record
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig
from core.settings.forecast import Forecast, count_parameters
from core.training.trainer import Trainer
from tests.conftest import rows_of_each_kind
from tests.tui.conftest import FORECAST, SIZES, until
from tests.tui.lessons.course_files import ENGLISH, FRENCH
from tests.tui.lessons.scripts import SCRIPTS, SHORT, text_file
from tests.tui.lessons.student import Student

EASILY_BEATEN = 9.0
"""Loss of the notebook's recipe on the long text, in nats per character, if it had learnt nothing."""
LANGUAGES = {"en": ENGLISH, "fr": FRENCH}
EVERY = list(product(sorted(ENGLISH), LANGUAGES, SIZES))
EVERYDAY = [(name, [*LANGUAGES][number % 2], SIZES[number // 2 % 2]) for number, name in enumerate(sorted(ENGLISH))]


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that stands for the bundled model: a small network that read a part of the play."""
    folder = tmp_path_factory.mktemp("small")
    model = ModelConfig(embedding_size=16, hidden_size=64)
    training = TrainingConfig(epochs=4, streams=4, window=40, learning_rate=1e-2, precision="fp32", threads=1)
    corpus = load_corpus(CorpusConfig(source=text_file(folder, SHORT)))
    run = RunStore(folder).create(RunConfig(preset="", corpus=corpus.config, model=model, training=training), "small")
    for _ in record(run, Trainer(corpus, model, training)):
        pass
    export_weights(run.best_path, folder / "moliere.safetensors", half=True)
    return folder / "moliere.safetensors"


@pytest.fixture
def counted_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the characters and parameters of the next run; its speed, which takes seconds to measure, is a constant."""

    def estimate_run(control: Control, config: RunConfig) -> Iterator[Forecast]:
        characters = len(load_corpus(config.corpus).characters)
        parameters = count_parameters(config.model, characters)
        yield structs.replace(FORECAST, vocabulary=characters, parameters=parameters)

    monkeypatch.setattr("charlstm_tui.jobs.forecast.estimate_run", estimate_run)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("counted_forecast")
@pytest.mark.parametrize(("name", "language", "size"), rows_of_each_kind(EVERYDAY, EVERY))
async def test_a_student_comes_to_the_end_of_each_lesson(
    app: CharLSTMApp,
    small_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    language: str,
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr("core.runs.bundled_model.shipped_path", lambda: small_model)
    monkeypatch.setattr("charlstm_tui.lessons.collect.notebook_loss", lambda corpus, part: EASILY_BEATEN)
    lesson = LANGUAGES[language][name]
    async with app.run_test(size=size) as pilot:
        await until(lambda: isinstance(app.screen, TrainingScreen) and app.screen.laid_out)
        await app.open_lesson(lesson)
        await pilot.pause()
        await SCRIPTS[lesson.id](Student(app, pilot), tmp_path)
        await until(lambda: isinstance(app.screen, LessonList))
        assert app.session is None
    results = load_progress().of(lesson.id)
    assert [step for step in results if not results[step].right] == []
    assert all(len(result.answers) == 2 and result.done and not result.skipped for result in results.values())
    assert [*results] == [step.id for step in lesson.steps]
