"""`charlstm-tui evaluate`: its reports, comparisons and files, and ctrl-C."""

import csv
import io
import json
import re
import statistics
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

import core.checkpoints.checkpoint
import core.evaluation.evaluator
import core.evaluation.paired_comparison
import core.evaluation.report_builder
from core.data.corpus import Corpus
from core.evaluation.scored_chunk import ScoredChunk
from core.evaluation.scoring import score_text
from tests.cli.test_commands import call
from tests.core.by_hand import read_by_hand, tiny_checkpoint

ALL_OF_IT = (
    "baselines",
    "by part",
    "kind of character",
    "found in training text",
    "least expected",
    "most expected",
)
"""The headings of a complete report."""


@pytest.fixture(autouse=True)
def short_evaluation(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shorten the sample and use one thread: on a busy machine two threads wait for each other."""
    monkeypatch.setattr(core.evaluation.report_builder, "SAMPLE", 200)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def sheep(small_corpus: Corpus, tmp_path: Path) -> Path:
    """A saved model whose training text exists."""
    path = tmp_path / "sheep.safetensors"
    tiny_checkpoint(small_corpus.characters, corpus=small_corpus.config, validation=0.1).save(path)
    return path


@pytest.fixture
def goats(tmp_path: Path) -> Path:
    """A saved model with another vocabulary, whose training text does not exist."""
    path = tmp_path / "goats.safetensors"
    tiny_checkpoint("bcehrsv 01357", seed=2).save(path)
    return path


@pytest.fixture
def long_text(tmp_path: Path) -> Path:
    path = tmp_path / "long.txt"
    path.write_text("3 moutons, 4 chèvres.\n" * 100, encoding="utf-8")
    return path


def text_file(folder: Path, text: str) -> Path:
    path = folder / "text.txt"
    path.write_text(text, encoding="utf-8")
    return path


def headings(shown: str) -> list[str]:
    return [heading for heading in ALL_OF_IT if f"\n{heading}" in shown]


def refused(*arguments: object) -> str:
    """Return the error message of a wrong call, which prints no result."""
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


def test_a_report_has_all_its_sections(sheep: Path) -> None:
    result = call("evaluate", sheep)
    assert (result.exit_code, result.stderr) == (0, "")
    assert headings(result.stdout) == list(ALL_OF_IT)


def test_a_text_of_one_character_is_read_as_a_whole(sheep: Path, tmp_path: Path, small_corpus: Corpus) -> None:
    path = text_file(tmp_path, "m")
    found = json.loads(call("evaluate", sheep, "--text", path, "--json").stdout)
    (guess,) = read_by_hand(tiny_checkpoint(small_corpus.characters), "m")
    assert (found["part"], found["split"], found["characters"], found["unknown_characters"]) == ("whole", None, 1, 0)
    assert found["loss"] == pytest.approx(guess.loss, abs=1e-6)
    assert found["accuracy"] == float(guess.likelier == 0)
    assert found["standard_error"] is None
    assert [one["text"] for one in found["least_expected"]] == ["m"]
    title, _, *_ = call("evaluate", sheep, "--text", path).stdout.splitlines()
    assert title == f"{sheep} on text · all of it · 1 character"


def test_a_text_is_read_from_its_start_to_its_end_or_limit(sheep: Path, tmp_path: Path, small_corpus: Corpus) -> None:
    text = "3 moutons ß, 4 chèvres. " * 60
    path = text_file(tmp_path, text)
    by_hand = tiny_checkpoint(small_corpus.characters)
    for limit in (len(text), 100):
        found = json.loads(call("evaluate", sheep, "--text", path, "--limit", limit, "--loss-only", "--json").stdout)
        losses = [guess.loss for guess in read_by_hand(by_hand, text[:limit])]
        assert found["characters"] == limit
        assert found["unknown_characters"] == limit - len(losses)
        assert found["loss"] == pytest.approx(statistics.fmean(losses), abs=1e-6)


def test_an_empty_text_is_refused(sheep: Path, tmp_path: Path) -> None:
    assert "text.txt is empty. Choose another text." in refused("evaluate", sheep, "--text", text_file(tmp_path, ""))


def test_a_text_without_known_characters_is_refused(sheep: Path, tmp_path: Path) -> None:
    path = text_file(tmp_path, "ßßß" * 500)
    said = refused("evaluate", sheep, "--text", path)
    assert "This text has no character that the model knows. Choose another text." in said


def test_a_missing_text_is_refused(sheep: Path, tmp_path: Path) -> None:
    assert "There is no file" in refused("evaluate", sheep, "--text", tmp_path / "nowhere.txt")
    (tmp_path / "empty").mkdir()
    assert "has no text files" in refused("evaluate", sheep, "--text", tmp_path / "empty")


@pytest.mark.parametrize("option", [["--corpus", "x.txt"], ["--split", "tail"], ["--part", "test"]])
def test_a_text_evaluated_as_a_whole_cannot_be_split(sheep: Path, option: list[str]) -> None:
    said = refused("evaluate", sheep, "--text", "x.txt", *option)
    assert "Usage:" in said
    assert "it cannot be combined with --corpus, --split, --split-seed or --part." in said


def must_not(*_: object, **__: object) -> NoReturn:
    raise AssertionError("nobody asked for this")


def test_loss_only_skips_the_baselines_the_parts_and_the_copying(sheep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.loads(call("evaluate", sheep, "--json").stdout)
    for name in ("evaluate_baselines", "part_losses", "Sampler", "open_unchanged"):
        monkeypatch.setattr(core.evaluation.report_builder, name, must_not)
    found = json.loads(call("evaluate", sheep, "--loss-only", "--json").stdout)
    assert (found["baselines"], found["parts"], found["copying"], found["verdict"]) == ([], [], None, "")
    same = ("loss", "standard_error", "accuracy", "accuracy_of_five", "kinds", "roles", "least_expected")
    assert {key: found[key] for key in same} == {key: whole[key] for key in same}
    assert headings(call("evaluate", sheep, "--loss-only").stdout) == [
        "kind of character",
        "least expected",
        "most expected",
    ]


def test_a_text_that_was_changed_after_training_is_reported(sheep: Path, small_text: Path) -> None:
    small_text.write_text("3 moutons, 4 chèvres. " * 50, encoding="utf-8")
    result = call("evaluate", sheep, "--json")
    assert "moutons.txt has changed since the model was trained on it." in result.stderr
    assert json.loads(result.stdout)["baselines"] == [], "n-grams cannot be counted in a changed text"


def test_characters_of_the_training_part_are_counted_in_a_warning(sheep: Path, small_corpus: Corpus) -> None:
    result = call("evaluate", sheep, "--limit", 600, "--loss-only")
    assert result.exit_code == 0
    assert result.stderr.startswith("The model was trained on 60 of these characters")
    assert len(small_corpus) * 0.8 > 600


def test_a_model_compared_with_itself_has_no_difference(sheep: Path) -> None:
    result = call("evaluate", sheep, "--compare", sheep, "--part", "train")
    assert (result.exit_code, result.stderr) == (0, "")
    first, other, _, sentence = result.stdout.splitlines()
    assert first == other
    assert first.startswith(f"{sheep}  ")
    assert first.endswith("  nats per character")
    assert sentence.endswith(" characters. They predict it equally well, to the last digit.")


def test_models_with_other_vocabularies_are_compared_on_common_characters(
    sheep: Path, goats: Path, long_text: Path, small_corpus: Corpus
) -> None:
    found = json.loads(call("evaluate", sheep, "--compare", goats, "--text", long_text, "--json").stdout)
    text = long_text.read_text(encoding="utf-8")
    mine = {guess.place: guess.loss for guess in read_by_hand(tiny_checkpoint(small_corpus.characters), text)}
    theirs = {guess.place: guess.loss for guess in read_by_hand(tiny_checkpoint("bcehrsv 01357", seed=2), text)}
    both = mine.keys() & theirs.keys()
    assert found.keys() == {"characters", "losses", "difference", "standard_error"}
    assert found["characters"] == len(both) < len(text)
    assert found["losses"] == {
        "first": pytest.approx(statistics.fmean(mine[place] for place in both), abs=1e-6),
        "other": pytest.approx(statistics.fmean(theirs[place] for place in both), abs=1e-6),
    }
    assert found["difference"] == found["losses"]["first"] - found["losses"]["other"]
    assert found["standard_error"] > 0
    shown = call("evaluate", sheep, "--compare", goats, "--text", long_text).stdout.splitlines()
    assert [line.split()[-4] for line in shown[:2]] == [f"{loss:.4f}" for loss in found["losses"].values()]
    assert shown[-1].startswith(f"On {len(both):,} characters. ")


def test_a_comparison_on_a_short_text_has_no_standard_error(sheep: Path, goats: Path, tmp_path: Path) -> None:
    arguments = ("evaluate", sheep, "--compare", goats, "--text", text_file(tmp_path, "chèvres"))
    assert json.loads(call(*arguments, "--json").stdout)["standard_error"] is None
    assert "the text is too short to tell whether that is chance" in call(*arguments).stdout


def test_models_without_common_characters_are_not_compared(sheep: Path, tmp_path: Path) -> None:
    path = tmp_path / "greek.safetensors"
    tiny_checkpoint("αβγ").save(path)
    assert "no character that both models know" in refused("evaluate", sheep, "--compare", path)


def test_a_comparison_with_a_missing_model_is_refused(sheep: Path) -> None:
    assert "There is no run called nothing" in refused("evaluate", sheep, "--compare", "nothing")


def test_models_cannot_be_compared_on_an_empty_part(goats: Path, sheep: Path, small_text: Path) -> None:
    said = refused("evaluate", goats, "--compare", sheep, "--corpus", small_text, "--part", "validation")
    assert "no validation part, because the model was trained without one" in said


def test_a_report_is_saved_as_json_as_csv_and_as_markdown(sheep: Path, tmp_path: Path) -> None:
    for name in ("a.json", "a.csv", "a.md", "A.CSV"):
        result = call("evaluate", sheep, "--json", "--save", tmp_path / name)
        assert result.exit_code == 0
        assert result.stderr == f"Saved: {tmp_path / name}\n"
        told = result.stdout
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == told
    assert (tmp_path / "A.CSV").read_bytes() == (tmp_path / "a.csv").read_bytes()
    rows = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_bytes().decode(), newline="")))
    assert {(section, name): value for section, name, value, *_ in rows}["loss", "loss"] == str(
        json.loads(told)["loss"]
    )
    page = (tmp_path / "a.md").read_text(encoding="utf-8")
    assert page.startswith("# ")
    assert json.loads(told)["meaning"] in page.splitlines()


def test_a_saved_report_is_printed_too(sheep: Path, tmp_path: Path) -> None:
    result = call("evaluate", sheep, "--save", tmp_path / "a.md")
    assert result.stdout == call("evaluate", sheep).stdout


def test_a_report_with_the_loss_only_can_be_saved(sheep: Path, tmp_path: Path) -> None:
    assert call("evaluate", sheep, "--loss-only", "--save", tmp_path / "a.json").exit_code == 0
    assert json.loads((tmp_path / "a.json").read_bytes())["parts"] == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("there.csv", "there.csv exists already. Save under another name."),
        ("a.txt", "must end in one of: .json, .csv, .md."),
        ("report", "must end in one of: .json, .csv, .md."),
        ("nowhere/a.md", "There is no folder "),
        ("there.csv/a.md", "There is no folder "),
    ],
)
def test_a_file_that_cannot_be_saved_is_refused_before_the_evaluation(
    sheep: Path, tmp_path: Path, name: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there.csv").write_text("dear to somebody")
    monkeypatch.setattr(core.checkpoints.checkpoint, "load_checkpoint", must_not)
    assert sentence in refused("evaluate", sheep, "--save", tmp_path / name)
    assert (tmp_path / "there.csv").read_text() == "dear to somebody"


def test_a_file_name_that_is_too_long_is_refused(sheep: Path, tmp_path: Path) -> None:
    refused("evaluate", sheep, "--save", tmp_path / f"{'x' * 300}.json")


def test_a_comparison_cannot_be_saved(sheep: Path, tmp_path: Path) -> None:
    said = refused("evaluate", sheep, "--compare", sheep, "--save", tmp_path / "a.json")
    assert "--save writes the report of one model: it cannot be combined with --compare." in said
    assert not (tmp_path / "a.json").exists()


def pressed(*_: object, **__: object) -> NoReturn:
    """Raise what ctrl-C raises."""
    raise KeyboardInterrupt


def pressed_after(events: int) -> Any:
    """Score a part of the text, then raise what ctrl-C raises."""

    def read(*arguments: Any) -> Generator[ScoredChunk | float, None, None]:
        yield from islice(score_text(*arguments), events)
        raise KeyboardInterrupt

    return read


def test_ctrl_c_during_the_evaluation_prints_the_estimate(
    sheep: Path, long_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.evaluation.evaluator, "score_text", pressed_after(1))
    monkeypatch.setattr(core.evaluation.report_builder, "MAX_ESTIMATED", 1_000)
    result = call("evaluate", sheep, "--text", long_text)
    assert (result.exit_code, result.stdout) == (130, "")
    estimate, interrupted = result.stderr.splitlines()
    assert re.fullmatch(r"The loss is about \d\.\d\d, estimated from 1,000 of 2,200 characters\.", estimate)
    assert interrupted == "Interrupted."


def test_ctrl_c_before_the_first_character_prints_no_loss(sheep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.evaluation.evaluator, "score_text", pressed_after(0))
    result = call("evaluate", sheep)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "Interrupted.\n")


def test_ctrl_c_during_the_evaluation_saves_nothing(
    sheep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.evaluation.evaluator, "score_text", pressed_after(0))
    assert call("evaluate", sheep, "--save", tmp_path / "a.json").exit_code == 130
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("where", "missing"),
    [
        ("evaluate_baselines", {"baselines", "by part", "found in training text"}),
        ("part_losses", {"by part", "found in training text"}),
        ("Sampler", {"found in training text"}),
        ("copying", {"found in training text"}),
    ],
)
def test_ctrl_c_after_the_loss_prints_the_sections_so_far(
    sheep: Path, where: str, missing: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.evaluation.report_builder, where, pressed)
    result = call("evaluate", sheep)
    assert result.exit_code == 130, "a script must not take it for a complete report"
    assert result.stderr == "The evaluation was interrupted: this report is incomplete.\nInterrupted.\n"
    assert headings(result.stdout) == [heading for heading in ALL_OF_IT if heading not in missing]


def test_ctrl_c_after_the_loss_saves_the_sections_so_far(
    sheep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.evaluation.report_builder, "part_losses", pressed)
    result = call("evaluate", sheep, "--save", tmp_path / "a.json", "--json")
    assert result.exit_code == 130, "a script must not take it for a complete report"
    saved = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert saved == result.stdout
    assert json.loads(saved)["baselines"] != []
    assert json.loads(saved)["parts"] == []


def test_ctrl_c_during_a_comparison_prints_no_result(
    sheep: Path, long_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.evaluation.paired_comparison, "score_text", pressed_after(1))
    result = call("evaluate", sheep, "--compare", sheep, "--text", long_text)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "Interrupted.\n")
