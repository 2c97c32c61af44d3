"""The commands, called in this process."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from charlstm_tui.cli import commands
from core.model.char_lstm import CharLSTM
from core.runs.store import RunStore
from core.settings.presets import ALL_PRESETS, PRESETS

TINY = ["--epochs", "2", "--hidden-size", "8", "--embedding-size", "6", "--streams", "2", "--window", "10"]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments], catch_exceptions=False)


def test_train_prints_each_epoch_on_stderr_and_the_outcome_on_stdout(small_text: Path) -> None:
    result = call("train", "--corpus", small_text, *TINY)
    assert result.exit_code == 0
    assert [line[:9] for line in result.stderr.splitlines() if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    assert result.stdout.startswith("small-1: finished after 2 epochs")
    assert "best.safetensors" in result.stdout


def test_train_json_prints_one_event_per_line_and_nothing_else(small_text: Path) -> None:
    result = call("train", "--corpus", small_text, *TINY, "--json", "--seed", 3)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.stderr == ""
    assert events[0]["event"] == "run_started"
    epochs = [event for event in events if event["event"] == "epoch_completed"]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert {"epoch", "train_loss", "val_loss", "seconds", "chars_per_second"} <= epochs[0].keys()
    last = events[-1]
    assert (last["event"], last["reason"], last["run"]) == ("run_finished", "finished", "small-1")
    assert Path(last["best_checkpoint"]).is_file()
    assert Path(last["last_checkpoint"]).is_file()


def test_evaluate_json_names_corpus_split_and_part(trained: str, small_text: Path) -> None:
    found = json.loads(call("evaluate", trained, "--json").stdout)
    text = small_text.read_text(encoding="utf-8")
    assert (found["corpus"], found["split"], found["part"]) == ("moutons", "tail", "test")
    assert found["characters"] == len(text) - round(0.9 * len(text))
    assert found["unknown_characters"] == 0
    assert found["bits_per_character"] == pytest.approx(found["loss"] / 0.693147, rel=1e-5)
    assert 0 <= found["accuracy"] <= 1
    assert found["perplexity"] > 1
    assert found["standard_error"] is None, "a part this short has fewer than two blocks"


def test_evaluate_as_text_names_corpus_split_and_part(trained: str) -> None:
    lines = call("evaluate", trained, "--part", "train").stdout.splitlines()
    assert lines[0].startswith("sheep on moutons · tail · train · ")
    assert lines[2].split()[0] == "loss"


def test_evaluate_takes_another_text_and_reports_unknown_characters(trained: str, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("3 chèvres, 4 moutons ß. " * 50, encoding="utf-8")
    found = json.loads(call("evaluate", trained, "--corpus", other, "--limit", 480, "--json").stdout)
    assert (found["corpus"], found["limit"], found["characters"]) == ("other", 480, 48)
    assert found["unknown_characters"] == 2
    shown = call("evaluate", trained, "--corpus", other, "--limit", 480).stdout
    assert "2  characters that are not in the vocabulary, not scored" in shown


def test_generate_prints_the_prompt_and_the_requested_number_of_characters(trained: str) -> None:
    result = call("generate", trained, "--prompt", "3 mou", "--length", 40, "--seed", 1)
    assert result.exit_code == 0
    assert result.stdout.startswith("3 mou")
    assert len(result.stdout) == len("3 mou") + 40 + len("\n")
    assert result.stdout == call("generate", trained, "--prompt", "3 mou", "--length", 40, "--seed", 1).stdout


def test_generate_json_prints_one_object_per_text(trained: str) -> None:
    result = call("generate", trained, "--prompt", "3 mou", "--length", 40, "--count", 2, "--json")
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert (first["prompt"], first["seed"], second["seed"]) == ("3 mou", 0, 1)
    assert len(first["text"]) == len(second["text"]) == 40
    assert first["text"] != second["text"]
    assert first["characters_per_second"] > 0
    plain = call("generate", trained, "--prompt", "3 mou", "--length", 40).stdout
    assert plain == f"3 mou{first['text']}\n"


def test_generate_ends_a_text_by_itself(trained: str) -> None:
    whole = call("generate", trained, "--prompt", "3\n", "--length", 300, "--temperature", 2).stdout
    text = whole.removeprefix("3\n")
    options = ("--prompt", "3\n", "--length", 300, "--temperature", 2)
    end = text.index("\n", text.index("o")) + 1
    stops = ("--stop", f"{text[end - 3 : end - 1]}\\n", "--stop", text[:end])
    stopped = call("generate", trained, *options, *stops).stdout
    assert stopped.removesuffix("\n").removeprefix("3\n") == text[: len(stopped) - 3]
    assert len(stopped) - 3 <= end
    several = [
        json.loads(line)
        for line in call("generate", trained, *options, "--count", 3, "--until", "speech", "--json").stdout.splitlines()
    ]
    for seed, one in enumerate(several):
        alone = call("generate", trained, *options, "--until", "speech", "--seed", seed).stdout
        assert alone == f"3\n{one['text']}\n"
        assert one["ended_by"] == ("stop" if one["text"].endswith("\n\n") else "length")
    assert "stop" in [one["ended_by"] for one in several]


def test_generate_refuses_an_end_that_can_never_come(trained: str) -> None:
    for stop, error in (("", "at least one character"), ("mou☃", "The model does not know ☃")):
        result = call("generate", trained, "--stop", stop)
        assert result.exit_code == 2
        assert error in result.stderr
    assert call("generate", trained, "--until", "page").exit_code == 2


def test_generate_reports_the_characters_dropped_from_the_prompt(trained: str) -> None:
    result = call("generate", trained, "--prompt", "3 \x1bmouß", "--length", 5)
    assert result.exit_code == 0
    assert "unknown to the model" in result.stderr
    assert "ß" in result.stderr
    assert "\x1b" not in result.stdout + result.stderr


def test_generate_refuses_seeds_out_of_range_before_it_generates(trained: str) -> None:
    result = call("generate", trained, "--seed", 2**32 - 1, "--count", 2)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "seed must be" in result.stderr


def test_too_little_memory_gives_an_error_message_and_exit_code_1(
    small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(model: CharLSTM, generator: torch.Generator, **_: float) -> None:
        torch.empty(2**60)

    monkeypatch.setattr(CharLSTM, "initialise", greedy)
    result = call("train", "--corpus", small_text, *TINY)
    assert result.exit_code == 1
    assert "not have enough memory" in result.stderr


def test_a_damaged_run_is_skipped_and_named(trained: str, store: RunStore) -> None:
    store.get(trained).path.with_name("broken").mkdir()
    (store.root / "broken" / "config.json").write_bytes(b"\xff")
    result = call("runs", "list")
    assert result.exit_code == 0
    assert "sheep" in result.stdout
    assert "broken" in result.stderr


def test_runs_list_and_show(trained: str) -> None:
    listed = call("runs", "list").stdout
    assert listed.split()[:2] == ["name", "when"]
    assert "sheep" in listed
    assert "finished" in listed
    (summary,) = [json.loads(line) for line in call("runs", "list", "--json").stdout.splitlines()]
    assert (summary["name"], summary["epochs"], summary["state"]) == ("sheep", 2, "finished")
    shown = call("runs", "show", "sheep").stdout
    assert "finished after 2 of 2 epochs" in shown
    assert "hidden_size 8" in shown
    whole = json.loads(call("runs", "show", "sheep", "--json").stdout)
    assert whole["config"]["model"]["hidden_size"] == 8
    assert whole["events"][-1]["event"] == "run_finished"


def test_an_empty_list_of_runs_says_how_to_make_one() -> None:
    result = call("runs", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "charlstm-tui train" in result.stderr


def test_the_runs_option_may_come_before_or_after_the_command(trained: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert "sheep" not in call("--runs", elsewhere, "runs", "list").stdout
    assert "sheep" not in call("runs", "list", "--runs", elsewhere).stdout
    assert "sheep" in call("runs", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--corpus", "nowhere.txt"], "There is no file"),
        (["train", "--corpus", "nowhere*.md"], "No file matches"),
        (["train", "--corpus", "~nosuch/a.txt"], "a user who is not there"),
        (["evaluate", "~nosuch/a"], "a user who is not there"),
        (["evaluate", "x" * 300], "There is no run called xxx"),
        (["train", "--corpus", "moliere"], "are not here yet. Fetch them with `charlstm-tui corpus fetch`"),
        (["train", "--corpus", " "], "No text was named"),
        (
            ["train", "--split", "tail", "--limit", "60", "--window", "50"],
            "Choose a longer text, or a window of at most",
        ),
        (["train", "--split", "interleaved", "--limit", "90000"], "Use the tail split"),
        (["corpus", "path", "moliere"], "are not here yet"),
        (["corpus", "fetch", "hugo"], "'hugo' is not one of 'moliere', 'l-homme-aux-contrats'"),
        (["train", "--corpus", "x", "--preset", "speedy"], "There is no preset called speedy"),
        (["train", "--corpus", "x", "--hidden-size", "0"], "hidden size must be a whole number from 1 to 8192, not 0"),
        (["train", "--corpus", "x", "--epochs", "ten"], "ten is not a number"),
        (["train", "--corpus", "x", "--hiden-size", "9"], "No such option"),
        (["evaluate", "nothing"], "There is no run called nothing"),
        (["generate", "nothing", "--temperature", "-1"], "temperature must be a number from 0 to 100, not -1.0"),
        (["generate", "a/b"], "There is no checkpoint a/b"),
        (["runs", "show", "nothing"], "There is no run called nothing"),
        ([], "The app needs a terminal"),
    ],
)
def test_bad_input_gives_an_error_message_and_exit_code_2(arguments: list[str], sentence: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", "show", "a", "\x1b[31mb"],
        ["\x1b[31mtrain"],
        ["train", "--\x1b[31m"],
        ["--runs", "\x1b[31mx", "runs", "list"],
    ],
)
def test_control_characters_in_arguments_do_not_reach_the_terminal(arguments: list[str]) -> None:
    result = CliRunner().invoke(commands, arguments, color=True)
    assert result.exit_code in (0, 2)
    assert "\x1b" not in result.output
    assert "[31m" in result.output, "the escape sequence is shown as text"


def test_control_characters_in_a_text_name_do_not_break_the_table(tmp_path: Path) -> None:
    path = tmp_path / "[red]a\nb\u202e.txt"
    path.write_text("un mouton, deux moutons. " * 50, encoding="utf-8")
    assert call("train", "--corpus", path, *TINY).exit_code == 0
    row = call("runs", "list").stdout.splitlines()[1]
    assert "[red]a⏎b\ufffd" in row


def test_control_characters_quoted_in_an_error_do_not_reach_the_terminal() -> None:
    result = call("evaluate", "\x1b]0;title\x07")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert "␛]0;title␇" in result.stderr


def test_a_run_that_diverges_fails_with_exit_code_1_and_says_what_to_do(
    small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(model: CharLSTM, generator: torch.Generator, **_: float) -> None:
        for parameter in model.parameters():
            torch.nn.init.constant_(parameter, torch.nan)

    monkeypatch.setattr(CharLSTM, "initialise", spoilt)
    result = call("train", "--corpus", small_text, *TINY)
    assert result.exit_code == 1
    assert "Try a much lower learning rate" in result.stderr
    assert "nothing was saved" in result.stdout


def test_a_settings_file_overrides_the_preset_and_options_override_the_file(
    small_text: Path, tmp_path: Path, store: RunStore
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'preset = "quick"\ncorpus = "moutons.txt"\nepochs = 1\nhidden_size = 4\nembedding_size = 3\n'
        "streams = 2\nwindow = 10\n"
    )
    assert call("train", "--config", file, "--hidden-size", 5, "--name", "mine").exit_code == 0
    config = store.get("mine").config()
    assert (config.preset, config.corpus.name) == ("quick", "moutons")
    assert (config.model.hidden_size, config.model.embedding_size, config.training.epochs) == (5, 3, 1)
    assert config.training.warmup == PRESETS["quick"].training.warmup, "the preset sets the other fields"
    assert call("train", "--config", file, "--preset", "notebook", "--name", "other").exit_code == 0
    assert store.get("other").config().preset == "notebook"


def test_an_invalid_settings_file_gives_an_error_message(tmp_path: Path) -> None:
    result = call("train", "--config", tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "none.toml cannot be read: No such file" in result.stderr


def test_without_a_preset_a_short_text_is_trained_with_small(small_text: Path, store: RunStore) -> None:
    assert call("train", "--corpus", small_text, *TINY).exit_code == 0
    assert [run.name for run in store.all()] == ["small-1"]


def test_presets_are_listed_with_their_measured_results() -> None:
    lines = call("presets").stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1:2]] == list(ALL_PRESETS)
    assert all(
        line.strip().startswith("Measured on two cores, on ") and ("of Molière: " in line or "play: " in line)
        for line in lines[1:-1:2]
    )
    assert [preset["name"] for preset in json.loads(call("presets", "--json").stdout)] == list(ALL_PRESETS)


def test_a_preset_is_printed_as_a_file_that_train_accepts(small_text: Path, tmp_path: Path, store: RunStore) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(call("presets", "standard").stdout)
    assert call("train", "--config", file, "--corpus", small_text, *TINY, "--name", "mine").exit_code == 0
    assert store.get("mine").config().training.averaging == PRESETS["standard"].training.averaging
    assert call("presets", "speedy").exit_code == 2


def test_generate_reads_its_prompt_from_standard_input(trained: str) -> None:
    arguments = ["generate", trained, "--prompt", "-", "--length", "20"]
    result = CliRunner().invoke(commands, arguments, input="3 mou\n")
    assert result.exit_code == 0
    assert result.stdout == call("generate", trained, "--prompt", "3 mou\n", "--length", 20).stdout
    result = CliRunner().invoke(commands, arguments, input=b"\xff\xfe3")
    assert result.exit_code == 2
    assert "not UTF-8" in result.stderr


def test_texts_generated_in_a_batch_equal_those_generated_one_by_one(trained: str) -> None:
    together = call("generate", trained, "--count", 70, "--length", 30, "--seed", 4, "--json").stdout.splitlines()
    assert len(together) == 70
    for line in (together[0], together[13], together[69]):
        text = json.loads(line)
        alone = call("generate", trained, "--length", 30, "--seed", text["seed"]).stdout
        assert alone == text["text"] + "\n"
    plain = call("generate", trained, "--count", 2, "--length", 30, "--seed", 4, "--prompt", "3").stdout
    assert plain.startswith("--- seed 4 ---\n3")
    assert "\n\n--- seed 5 ---\n3" in plain


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--corpus", "x", "--learning-rate", "1,005"], "1,005 is 1005 to some readers and 1.005 to others"),
        (["train", "--corpus", "x", "--epochs", "1,5"], "1,5 is not a whole number"),
        (["train", "--corpus", "x", "--autosave", "1,000"], "write 1000 or 1."),
        (["train", "--corpus", "x", "--limit", "100,000"], "write 100000."),
        (["generate", "nothing", "--length", "1.000"], "write 1000."),
        (["generate", "nothing", "--count", "\u0661\u0662"], "Write numbers with the digits 0 to 9."),
        (["generate", "nothing", "--temperature", "0,8,1"], "0,8,1 is not a number"),
        (["serve", "--port", "8,000"], "write 8000."),
    ],
)
def test_an_ambiguous_number_is_refused(arguments: list[str], sentence: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


@pytest.mark.parametrize("written", ["0,3", "0.3", ".3", "3e-1"])
def test_an_option_accepts_the_same_numbers_as_the_input_in_the_app(
    written: str, small_text: Path, store: RunStore
) -> None:
    call(
        "train", "--corpus", str(small_text), "--preset", "quick", "--hidden-size", "8", "--epochs", "1",
        "--streams", "2", "--window", "10", "--limit", "1 500", "--output-dropout", written,
    )  # fmt: skip
    (run,) = store.all()
    assert run.config().training.output_dropout == 0.3
    assert run.config().corpus.limit == 1500


def test_a_new_line_in_a_prompt_is_the_same_in_the_shell_as_in_the_app(trained: str) -> None:
    for typed, meant in ((r"3\n4", "3\n4"), (r"3\\n4", r"3\n4")):
        result = call("generate", trained, "--prompt", typed, "--length", 3, "--json")
        assert json.loads(result.stdout)["prompt"] == meant
    piped = CliRunner().invoke(
        commands, ["generate", trained, "--prompt", "-", "--length", "3", "--json"], input=r"3\n4"
    )
    assert json.loads(piped.stdout)["prompt"] == r"3\n4", "escapes in standard input are not replaced"


def test_each_slow_step_before_training_is_named(small_text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        "charlstm_tui.commands.train_renderer.RunRenderer.say", lambda renderer, what: said.append(what)
    )
    monkeypatch.setattr("core.training.resume.works_here", lambda compute: False)  # as on another machine
    size = ("--hidden-size", "8", "--embedding-size", "6", "--streams", "2", "--window", "10", "--threads", "1")
    call("train", "--corpus", str(small_text), *size, "--precision", "auto", "--epochs", "1", "--name", "sheep")
    expected = ["loading PyTorch", "trying fp32 on 1 thread, 1 of 2", "trying bf16 on 1 thread, 2 of 2",
                "building the network"]  # fmt: skip
    assert said == expected
    said.clear()
    call("train", "--resume", "sheep", "--epochs", "2")
    assert said == expected
