"""`charlstm-tui sweep`, in this process and in processes of its own."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.experiments.experiment_store import ExperimentStore
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise
from tests.cli.test_commands import call
from tests.processes import heed_signals
from tests.waiting import DEADLINE, wait_until

SMALL = [
    "--preset", "quick", "--hidden-size", 8, "--embedding-size", 6, "--streams", 2, "--window", 10, "--epochs", 2,
    "--validation", 0.1, "--precision", "fp32",
]  # fmt: skip


def new(name: str, text: Path, *arguments: object) -> None:
    result = call("sweep", "new", name, "--corpus", text, *SMALL, *arguments)
    assert result.exit_code == 0, result.output


def start(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "charlstm_tui", "sweep", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", preexec_fn=heed_signals,
    )  # fmt: skip


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    process = start("run", *arguments)
    out, err = process.communicate(timeout=DEADLINE)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def states(name: str) -> list[str]:
    shown = json.loads(call("sweep", "show", name, "--json").stdout)
    return [trial["state"] for trial in shown["trials"]]


def test_an_experiment_from_its_beginning_to_its_end(small_text: Path, store: RunStore) -> None:
    new("layers", small_text, "--vary", "num_layers=1,2", "--vary", "cell=lstm,gru", "--seeds", 2)
    listed = call("sweep", "list").stdout
    assert "0 of 8" in listed
    assert "num_layers=1,2, cell=lstm,gru" in listed
    assert "0 of 8 runs are over" in call("sweep", "show", "layers").stdout

    done = run("layers", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert "8 of 8 runs are over" in done.stdout
    assert "num layers 2 instead of 1: " in done.stdout
    assert "The best is num layers" in done.stdout
    assert "8 finished trials of the 10" in done.stdout
    assert [line.split(":")[0] for line in sorted(done.stderr.splitlines())] == [f"layers-{n}" for n in range(1, 9)]

    shown = json.loads(call("sweep", "show", "layers", "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(call("sweep", "show", "layers", "--csv").stdout)))
    assert len(rows) == len(shown["trials"]) == 8
    for trial, row in zip(shown["trials"], rows, strict=True):
        best = min(epoch.val_loss or 0.0 for epoch in epochs_of(store.get(trial["run"]).events()))
        assert trial["loss"] == float(row["val_loss"]) == best
        assert trial["state"] == row["state"] == "finished"
    again = run("layers")
    assert again.returncode == 0
    assert again.stderr == "", "nothing is left to train"

    assert call("sweep", "delete", "layers", "--yes").stdout == "deleted layers\n"
    assert store.all() == []
    assert "There are no experiments" in call("sweep", "list").stderr


def test_the_runs_of_a_deleted_experiment_can_stay(small_text: Path, store: RunStore) -> None:
    new("few", small_text, "--vary", "window=8,12")
    assert run("few", "--workers", 1).returncode == 0
    call("sweep", "delete", "few", "--yes", "--keep-runs")
    assert sorted(run.name for run in store.all()) == ["few-1", "few-2"]
    refused = call("sweep", "new", "few", "--corpus", small_text, *SMALL, "--vary", "window=8")
    assert refused.exit_code == 2
    assert "there is a run called few-" in refused.stderr


def test_ctrl_c_saves_the_runs_of_all_workers_and_the_next_session_takes_them_up(
    small_text: Path, store: RunStore
) -> None:
    new("long", small_text, "--vary", "window=8,12", "--epochs", 100_000)
    process = start("run", "long", "--workers", 2, "--json")
    assert process.stdout is not None
    seen: set[int] = set()
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "trial_epoch":
            seen.add(event["trial"])
        if len(seen) == 2:
            break
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    ended = [json.loads(line) for line in rest.splitlines() if "trial_ended" in line]
    assert sorted((event["trial"], event["state"]) for event in ended) == [(1, "interrupted"), (2, "interrupted")]
    assert states("long") == ["interrupted", "interrupted"]
    assert {summarise(run).state for run in store.all()} == {"stopped"}

    process = start("run", "long", "--workers", 2, "--json")
    assert process.stdout is not None
    started = []
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "trial_started":
            started.append(event)
        if len(started) == 2:
            break
    assert all(event["resumed"] for event in started)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 143


def test_a_killed_worker_is_replaced_and_its_trial_taken_up(small_text: Path, store: RunStore) -> None:
    new("killed", small_text, "--vary", "window=8,9,10,11", "--epochs", 30)
    process = start("run", "killed", "--workers", 2, "--json")
    assert process.stdout is not None
    events = []
    killed = False
    for line in process.stdout:
        events.append(json.loads(line))
        if not killed and {event["trial"] for event in events if event["event"] == "trial_epoch"} == {1, 2}:
            (worker, *_) = psutil.Process(process.pid).children()
            worker.kill()
            killed = True
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    assert killed
    assert states("killed") == ["finished"] * 4
    begun = [event["trial"] for event in events if event["event"] == "trial_started"]
    assert sorted(set(begun)) == [1, 2, 3, 4]
    assert len(begun) == 5, "one trial was begun twice"
    for run in store.all():
        assert [epoch.epoch for epoch in epochs_of(run.events())] == list(range(1, 31))


def test_workers_end_with_the_process_that_started_them(small_text: Path, store: RunStore) -> None:
    new("orphans", small_text, "--vary", "window=8,12", "--epochs", 100_000)
    process = start("run", "orphans", "--workers", 2, "--json")
    assert process.stdout is not None
    assert any("trial_epoch" in line for line in process.stdout)
    workers = psutil.Process(process.pid).children()
    process.kill()
    process.communicate(timeout=DEADLINE)
    wait_until(lambda: not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers))
    assert set(states("orphans")) <= {"interrupted"}


def test_a_time_limit_stops_the_experiment_in_order_and_is_kept(small_text: Path, store: RunStore) -> None:
    new("timed", small_text, "--vary", "window=8,12", "--epochs", 100_000, "--seconds", 4)
    began = time.monotonic()
    done = run("timed", "--workers", 1)
    assert time.monotonic() - began < DEADLINE
    assert done.returncode == 0, done.stderr
    assert "The time limit of 4 seconds is over; 2 runs of 2 are not finished." in done.stderr
    used = float((ExperimentStore(store).folder("timed") / "used_seconds").read_text())
    assert used >= 4


def test_a_search_takes_as_many_combinations_as_asked_for(small_text: Path) -> None:
    new("rates", small_text, "--vary", "learning_rate=1e-4..1e-1:log", "--vary", "output_dropout=0..0.6",
        "--trials", 5, "--seeds", 2)  # fmt: skip
    done = run("rates", "--workers", 2)
    assert done.returncode == 0, done.stderr
    shown = json.loads(call("sweep", "show", "rates", "--json").stdout)
    assert len(shown["trials"]) == 10
    assert len({trial["params"]["learning_rate"] for trial in shown["trials"]}) == 5
    assert shown["experiment"]["pruning"] == "median"


@pytest.mark.thorough
def test_an_experiment_in_a_database_is_joined_by_another_machine(
    small_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    new("shared", small_text, "--vary", "window=8,9,10,11,12,13", "--epochs", 20)
    here = start("run", "shared", "--workers", 1, "--storage", url, "--json")
    assert here.stdout is not None
    assert any("trial_started" in line for line in here.stdout)
    monkeypatch.setenv("CHARLSTM_RUNS", str(tmp_path / "other"))
    there = start("run", "shared", "--workers", 1, "--storage", url, "--json")
    mine, errors = here.communicate(timeout=DEADLINE)
    its, its_errors = there.communicate(timeout=DEADLINE)
    assert (here.returncode, there.returncode) == (0, 0), errors + its_errors
    ended = [json.loads(line)["trial"] for line in (mine + its).splitlines() if "trial_ended" in line]
    # A number is left unused if both machines claimed the same combination at the same moment.
    assert len(set(ended)) == len(ended) == 6, "each trial once"
    assert any("trial_ended" in line for line in its.splitlines()), "the other machine had some"
    assert states("shared") == ["finished"] * 6


def test_the_best_combination_is_a_settings_file_and_its_test_loss_is_read_once(
    small_text: Path, tmp_path: Path, store: RunStore
) -> None:
    new("best", small_text, "--vary", "hidden_size=4,12", "--seeds", 2)
    early = call("sweep", "best", "best")
    assert early.exit_code == 2
    assert "No run of best is finished yet" in early.stderr
    assert run("best", "--workers", 1).returncode == 0
    assert call("sweep", "best", "best").stdout.startswith("The best is hidden size ")

    shown = json.loads(call("sweep", "show", "best", "--json").stdout)
    params = shown["findings"]["combinations"][0]["params"]
    file = tmp_path / "mine.toml"
    file.write_text(call("sweep", "best", "best", "--toml").stdout, "utf-8")
    trained = call("train", "--corpus", small_text, "--config", file, "--name", "again", "--json")
    assert trained.exit_code == 0, trained.stderr
    best = next(trial for trial in shown["trials"] if trial["params"] == params and trial["seed"] == 0)
    again, before = store.get("again").config(), store.get(best["run"]).config()
    assert again.model == before.model
    assert again.training.learning_rate == before.training.learning_rate

    first = call("sweep", "best", "best", "--test").stdout
    runs = [trial["run"] for trial in shown["trials"] if trial["params"] == params]
    losses = [json.loads(call("evaluate", name, "--loss-only", "--json").stdout)["loss"] for name in runs]
    assert f"{sum(losses) / 2:.3f} ± " in first
    assert "(2 seeds) nats/char, read once" in first
    for name in runs:
        store.delete(name)
    assert call("sweep", "best", "best", "--test").stdout == first, "it is not computed again"


def test_the_test_part_is_not_read_before_the_experiment_is_over(small_text: Path) -> None:
    new("early", small_text, "--vary", "window=8,12", "--epochs", 100_000, "--seconds", 3)
    assert run("early", "--workers", 1).returncode == 0
    refused = call("sweep", "best", "early", "--test")
    assert refused.exit_code == 2


BAD = [
    (["--vary", "hiden_size=3"], "There is no setting called hiden_size"),
    (["--vary", "hidden_size=0"], "must be a whole number from 1 to 8192"),
    ([], "Nothing is varied"),
    (["--vary", "window=" + ",".join(map(str, range(1, 1001))), "--vary", "streams=1,2,3,4,5,6,7,8,9,10,11"],
     "11,000 runs; an experiment has at most 10,000"),
    (["--vary", "output_dropout=0..0.5"], "give the number of combinations, --trials"),
    (["--vary", "window=8", "--validation", 0], "no validation part"),
    (["--vary", "window=8,12", "--trials", 5], "only 2 combinations, so a search cannot try 5"),
    (["--vary", "window=8..10", "--vary", "cell=lstm,gru", "--trials", 7], "only 6 combinations"),
    (["--vary", "window=8", "--storage", "nonsense"], "not the address of a database"),
    (["--vary", "window=8", "--storage", "sqlite:////no/such/folder/t.db"], "cannot be used"),
    (["--vary", "window=8", "--storage", "postgresql://me:secret@127.0.0.1:1/none"], "me:***@127.0.0.1"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), BAD)
def test_bad_input_is_a_sentence_and_leaves_nothing(
    small_text: Path, store: RunStore, arguments: list[object], said: str
) -> None:
    result = call("sweep", "new", "bad", "--corpus", small_text, *SMALL, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "secret" not in result.output
    assert "Traceback" not in result.output
    assert ExperimentStore(store).all() == []


def test_names_that_are_taken_or_unknown(small_text: Path) -> None:
    new("taken", small_text, "--vary", "window=8")
    result = call("sweep", "new", "taken", "--corpus", small_text, *SMALL, "--vary", "window=8")
    assert result.exit_code == 2
    assert "There is an experiment called taken already" in result.stderr
    for name, said in (("a/b", "cannot be called a/b."), ("moliere", "comes with the program"), ("n" * 96, "too long")):
        result = call("sweep", "new", name, "--corpus", small_text, *SMALL, "--vary", "window=8")
        assert result.exit_code == 2
        assert said in result.stderr
    for command in (["run"], ["show"], ["delete", "--yes"]):
        result = call("sweep", *command, "nobody")
        assert result.exit_code == 2
        assert "There is no experiment called nobody" in result.stderr


def test_a_storage_of_another_experiment_is_refused(
    small_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    new("same", small_text, "--vary", "window=8", "--storage", url)
    monkeypatch.setenv("CHARLSTM_RUNS", str(tmp_path / "other"))
    result = call("sweep", "new", "same", "--corpus", small_text, *SMALL, "--vary", "window=9", "--storage", url)
    assert result.exit_code == 2
    assert "is another experiment's" in result.stderr
    joined = call("sweep", "run", "nobody", "--storage", url)
    assert joined.exit_code == 2
    assert "There is no experiment called nobody in sqlite:///" in joined.stderr


def test_a_text_that_has_changed_ends_the_session_with_a_sentence(small_text: Path, store: RunStore) -> None:
    new("changed", small_text, "--vary", "window=8")
    small_text.write_text(small_text.read_text("utf-8") + "Encore un.\n", "utf-8")
    done = run("changed", "--workers", 1)
    assert done.returncode == 1
    assert "has changed since the experiment changed was made" in done.stderr
    assert store.all() == []


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file modes of this system differ")
def test_an_address_with_a_password_is_readable_for_its_owner_only(
    small_text: Path, tmp_path: Path, store: RunStore
) -> None:
    new("private", small_text, "--vary", "window=8", "--storage", f"sqlite:///{tmp_path}/trials.db")
    path = ExperimentStore(store).folder("private") / "experiment.json"
    assert path.stat().st_mode & 0o077 == 0
