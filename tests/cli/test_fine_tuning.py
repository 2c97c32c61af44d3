"""`train --from`: a run that begins with another model, and what `evaluate` says of it."""

import json
from pathlib import Path

import pytest

from core.checkpoints.checkpoint import load_checkpoint
from core.runs.store import RunStore
from core.settings.presets import FINE_TUNE
from tests.cli.test_commands import TINY, call

SHORT = ["--epochs", "2", "--streams", "2", "--window", "10", "--threads", "1"]


@pytest.fixture
def wolves(tmp_path: Path) -> Path:
    path = tmp_path / "loups.txt"
    path.write_text("".join(f"{number} loups! {number * 5 % 17} chèvres\n" for number in range(60)), encoding="utf-8")
    return path


def test_train_from_a_run_keeps_its_network_and_uses_the_settings_for_it(
    trained: str, store: RunStore, wolves: Path
) -> None:
    result = call("train", "--from", trained, "--corpus", wolves, *SHORT)
    assert result.exit_code == 0
    run = store.get("fine-tune-1")
    config = run.config()
    assert config.model == store.get(trained).config().model
    assert config.training.learning_rate == FINE_TUNE.training.learning_rate
    assert config.origin is not None
    assert config.origin.name == trained
    assert "The run begins with the weights of sheep:" in result.stderr
    assert set(load_checkpoint(run.best_path).vocabulary.characters) == set(wolves.read_text(encoding="utf-8"))


def test_another_preset_gives_the_other_settings(trained: str, store: RunStore, wolves: Path) -> None:
    call("train", "--from", trained, "--corpus", wolves, "--preset", "quick", *SHORT)
    config = store.get("quick-1").config()
    assert config.model.hidden_size == 8
    assert config.training.optimizer == "muon"


def test_a_kept_vocabulary_has_the_characters_of_both_texts(
    trained: str, store: RunStore, small_text: Path, wolves: Path
) -> None:
    call("train", "--from", trained, "--keep-vocabulary", "--corpus", wolves, *SHORT)
    known = load_checkpoint(store.get("fine-tune-1").best_path).vocabulary.characters
    assert set(known) == set(small_text.read_text(encoding="utf-8")) | set(wolves.read_text(encoding="utf-8"))


def test_evaluate_shows_what_was_gained_and_forgotten(
    trained: str, store: RunStore, wolves: Path, small_text: Path
) -> None:
    call("train", "--from", trained, "--corpus", wolves, *SHORT, "--name", "after")
    shown = call("evaluate", "after").stdout
    assert "before and after fine-tuning" in shown
    assert "On the new text, loups" in shown
    found = json.loads(call("evaluate", "after", "--json").stdout)["fine_tuning"]
    assert found["origin"] == trained
    assert {"before", "after", "characters"} <= found["new"].keys()
    assert found["new"]["text"] == "loups"
    assert json.loads(call("evaluate", trained, "--json").stdout)["fine_tuning"] is None


def test_a_report_in_a_file_has_the_comparison(trained: str, wolves: Path, tmp_path: Path) -> None:
    call("train", "--from", trained, "--corpus", wolves, *SHORT, "--name", "after")
    for suffix in ("md", "csv"):
        file = tmp_path / f"report.{suffix}"
        call("evaluate", "after", "--save", file)
        assert "efore and after, loups" in file.read_text(encoding="utf-8")


def test_runs_show_names_the_model_that_a_run_began_with(trained: str, wolves: Path) -> None:
    call("train", "--from", trained, "--corpus", wolves, *SHORT, "--name", "after")
    assert "from      sheep" in call("runs", "show", "after").stdout
    assert "from      " not in call("runs", "show", trained).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "sheep", "--hidden-size", "9"], "The network of sheep has hidden size 8"),
        (["--from", "wolf"], "There is no run called wolf"),
        (["--preset", "fine-tune"], "give that with --from MODEL"),
        (["--keep-vocabulary"], "--keep-vocabulary needs --from MODEL"),
    ],
)
def test_what_is_not_possible_is_refused_before_anything_is_made(
    trained: str, store: RunStore, small_text: Path, arguments: list[str], said: str
) -> None:
    result = call("train", "--corpus", small_text, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert [run.name for run in store.all()] == [trained]


def test_a_resumed_run_cannot_begin_with_another_model(trained: str) -> None:
    result = call("train", "--resume", trained, "--from", trained)
    assert result.exit_code == 2
    assert "remove --from" in result.stderr


def test_the_settings_of_the_own_network_may_be_repeated(trained: str, wolves: Path) -> None:
    assert call("train", "--from", trained, "--corpus", wolves, *TINY).exit_code == 0
