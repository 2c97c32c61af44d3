"""`charlstm-tui corpus`, and the messages of other commands about their text."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from charlstm_tui.cli import commands
from core.data.download import Fetched, FetchProgress
from core.data.known_texts import MOLIERE, PLAY, KnownText

TINY = ["--epochs", "1", "--hidden-size", "8", "--embedding-size", "6", "--streams", "8", "--window", "50"]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments], catch_exceptions=False)


def test_the_list_shows_which_texts_are_here_and_how_to_fetch_the_others() -> None:
    result = call("corpus", "list")
    assert result.exit_code == 0
    header, moliere, play = result.stdout.splitlines()
    assert header.split() == ["name", "characters", "distinct", "licence", "where"]
    assert "not here yet" in moliere
    assert f"{PLAY.name} *" in play
    assert "CC0" in play
    assert "1.7 MB" in result.stderr
    assert "charlstm-tui corpus fetch" in result.stderr


def test_the_list_as_json() -> None:
    moliere, play = (json.loads(line) for line in call("corpus", "list", "--json").stdout.splitlines())
    assert (moliere["name"], moliere["characters"], moliere["where"], moliere["default"]) == (
        "moliere",
        None,
        None,
        False,
    )
    assert moliere["url"] == MOLIERE.url
    assert play["characters"] >= 100_000
    assert play["default"] is True


def test_the_path_of_the_default_text() -> None:
    assert Path(call("corpus", "path").stdout.strip()) == PLAY.path


def test_fetching_puts_moliere_in_its_place_and_makes_it_the_default(
    moliere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def from_here(text: KnownText) -> Iterator[FetchProgress | Fetched]:
        yield FetchProgress(received=0, size=text.size)
        text.path.parent.mkdir(parents=True)
        shutil.copy(moliere, text.path)
        yield Fetched(path=text.path)

    monkeypatch.setattr("charlstm_tui.commands.corpus.fetch", from_here)
    result = call("corpus", "fetch")
    assert (result.exit_code, result.stdout) == (0, f"Molière's plays: fetched, {MOLIERE.path}\n")
    assert "moliere *" in call("corpus", "list").stdout
    assert "1,687,290" in call("corpus", "list").stdout
    assert call("corpus", "path").stdout.strip() == str(MOLIERE.path)
    monkeypatch.setattr("charlstm_tui.commands.corpus.fetch", None)
    assert "already here" in call("corpus", "fetch").stdout


def test_train_without_a_text_uses_the_bundled_play_and_says_so(moliere: Path) -> None:
    train = partial(call, "train", "--limit", 20_000, *TINY)
    result = train("--name", "play")
    assert result.exit_code == 0
    assert "Training on the bundled play" in result.stderr
    assert "corpus fetch" in result.stderr
    assert "Molière" not in train("--corpus", PLAY.name).stderr, "no advice if a text was chosen"
    evaluated = json.loads(call("evaluate", "play", "--json").stdout)
    assert (evaluated["corpus"], evaluated["limit"], evaluated["characters"]) == (PLAY.name, 20_000, 2_000)
    assert evaluated["learnt_characters"] == 0


def test_a_split_applies_to_training_and_to_evaluation() -> None:
    trained = call("train", "--split", "interleaved", "--limit", 100_000, *TINY, "--name", "i")
    assert trained.exit_code == 0
    evaluated = json.loads(call("evaluate", "i", "--json").stdout)
    assert (evaluated["split"], evaluated["characters"], evaluated["learnt_characters"]) == ("interleaved", 10_000, 0)


def test_evaluating_on_training_characters_gives_a_warning_with_their_number() -> None:
    call("train", "--limit", 100_000, *TINY, "--name", "first")
    result = call("evaluate", "first", "--limit", 50_000, "--json")
    evaluated = json.loads(result.stdout)
    assert evaluated["learnt_characters"] == evaluated["characters"] == 5_000
    assert "The model was trained on 5,000 of these characters" in result.stderr


def test_a_text_that_changed_after_training_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "texte.txt"
    path.write_text("un mouton, deux moutons. " * 100, encoding="utf-8")
    call("train", "--corpus", path, *TINY, "--window", "10", "--name", "m")
    assert call("evaluate", "m").stderr == ""
    path.write_text("un mouton, deux moutons! " * 100, encoding="utf-8")
    assert "texte.txt has changed since the model was trained on it" in call("evaluate", "m").stderr


def test_a_detected_encoding_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "texte.txt"
    path.write_bytes("Où était la chèvre? à la forêt, ou derrière la façade, avec l'âne. ".encode("cp1252") * 50)
    result = call("train", "--corpus", path, *TINY, "--window", "10")
    assert result.exit_code == 0
    assert "texte.txt was read as windows-1252." in result.stderr


def test_a_given_encoding_is_also_used_to_resume_and_to_evaluate(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("Мельник жил у реки.\n".encode("mac-cyrillic") * 60)
    train = partial(call, "train", "--corpus", path, *TINY, "--window", "10", "--name", "m")
    trained = train("--encoding", "mac-cyrillic")
    assert trained.exit_code == 0
    assert "text.txt was read as mac-cyrillic." in trained.stderr
    assert "text.txt was read as mac-cyrillic." in call("evaluate", "m").stderr
    assert "text.txt was read as mac-cyrillic." in call("train", "--resume", "m", "--epochs", "2").stderr
    assert "text.txt was read as koi8-r." in call("evaluate", "m", "--text", path, "--encoding", "koi8-r").stderr


def test_the_error_of_a_damaged_text_says_where_and_its_advice_works(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("un été\n".encode() * 60 + b"\xff\n" + b"un mouton\n" * 60)
    train = partial(call, "train", "--corpus", path, *TINY, "--window", "10")
    refused = train()
    assert refused.exit_code == 2
    told = " ".join(refused.stderr.split())
    assert "line 61 has invalid bytes: FF, at byte 541 of the file" in told
    assert "--encoding-errors replace" in told
    assert train("--encoding-errors", "replace").exit_code == 0
    file = tmp_path / "mine.toml"
    file.write_text('encoding = "utf-8"\nencoding_errors = "replace"')
    assert train("--config", file).exit_code == 0


def test_an_unknown_encoding_is_refused_before_the_text_is_read() -> None:
    for command in (("train",), ("evaluate", "nobody")):
        refused = call(*command, "--encoding", "windows-12552")
        assert refused.exit_code != 0
        assert "Did you mean windows-125" in " ".join(refused.stderr.split())
