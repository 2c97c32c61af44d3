"""`charlstm-tui memory`: how far back models remember."""

import json
from pathlib import Path

import pytest

from core.inspection import memory
from core.reports.memory import MemoryReport
from tests.cli.test_commands import call
from tests.core.by_hand import tiny_checkpoint

TEXT = "".join(f"{number} moutons, {number * 7 % 13} chats.\n" for number in range(300))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure fewer places."""
    monkeypatch.setattr(memory, "WINDOWS", 5)
    monkeypatch.setattr(memory, "MIN_BLOCKS", 3)
    monkeypatch.setattr(memory, "MAX_BLOCKS", 3)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    """Two saved models whose training text does not exist."""
    paths = [tmp_path / f"{cell}.safetensors" for cell in ("lstm", "gru")]
    for path, cell in zip(paths, ("lstm", "gru"), strict=True):
        tiny_checkpoint("".join(sorted(set(TEXT))), cell=cell).save(path)  # type: ignore[arg-type]
    return paths


def test_two_models_are_compared_on_a_text(models: list[Path], text: Path) -> None:
    result = call("memory", *models, "--corpus", text)
    assert result.exit_code == 0, result.output
    assert "loss with k characters of context (60 characters)" in result.stdout
    assert "time constants of the forget gates" in result.stdout
    heading = next(line for line in result.stdout.splitlines() if line.strip().startswith("context"))
    assert heading.split()[-1] == "n-gram"


def test_json_has_every_distance_and_context(models: list[Path], text: Path) -> None:
    result = call("memory", models[0], "--corpus", text, "--json", "--part", "train")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    (model,) = report["models"]
    assert len(model["hidden"]) == len(model["cell_state"]) == memory.DISTANCE + 1
    assert [one["context"] for one in model["contexts"]] == [one["context"] for one in report["ngrams"]]
    assert report["part"] == "train"
    assert set(report) == set(MemoryReport.__struct_fields__)


def test_what_cannot_be_measured_is_refused_in_a_sentence(models: list[Path], text: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ([models[0]], "There is no file x"),  # its own text
        (["nobody", "--corpus", text], "nobody"),
        ([*models, *models, models[0], "--corpus", text], "At most 4 models can be compared, not 5."),
        ([models[0], "--corpus", text, "--limit", "900"], "Measuring memory needs at least 200"),
    ):
        result = call("memory", *arguments)
        assert result.exit_code == 2, result.output
        assert words in " ".join(result.stderr.split())
        assert "Traceback" not in result.output


def test_the_newest_run_is_measured_if_none_is_named(trained: str, text: Path) -> None:
    result = call("memory", "--corpus", text)
    assert result.exit_code == 0, result.output
    assert f"CHECKPOINT was not given: {trained}" in result.stderr
    assert "skipped: a model does not know them." in result.stderr
