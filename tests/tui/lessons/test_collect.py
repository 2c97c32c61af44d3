"""Facts are what the run, the report and the settings really are."""

import math
import shutil

import msgspec
import pytest

from charlstm_tui.lessons.collect import (
    facts_of_memory,
    facts_of_report,
    facts_of_run,
    facts_of_runs,
    facts_of_settings,
)
from charlstm_tui.lessons.facts import FACTS, Value
from charlstm_tui.state.training import TrainingView
from core.events import EpochCompleted
from core.reports.memory import ContextLoss, MemoryReport, ModelMemory, Spread
from core.runs.run import Origin, Run
from core.runs.store import RunStore
from tests.tui import reports
from tests.tui.views import running


def check(facts: dict[str, Value]) -> None:
    """Each is described, and of the kind that is described."""
    for name, value in facts.items():
        assert value is None or type(value) is FACTS[name].kind, name


def test_the_settings_are_facts() -> None:
    config = running(3).config
    assert config is not None
    origin = Origin(kind="model", name="moliere", path="/m", sha256="")
    facts = facts_of_settings(msgspec.structs.replace(config, origin=origin))
    check(facts)
    assert facts["next.hidden_size"] == config.model.hidden_size
    assert facts["next.output_dropout"] == config.training.output_dropout
    assert (facts["next.start"], facts["next.preset"]) == ("moliere", config.preset)
    nothing = facts_of_settings(None)
    assert nothing.keys() == facts.keys()
    assert set(nothing.values()) == {None}


def test_a_run_is_facts() -> None:
    view = running(3)
    facts = facts_of_run(view)
    check(facts)
    assert view.started is not None
    assert facts["run.epochs"] == len(view.epochs)
    assert facts["run.uniform_loss"] == pytest.approx(math.log(view.started.vocabulary))
    assert facts["run.first_train_loss"] == view.epochs[0].train_loss
    assert facts["run.last_train_loss"] == view.epochs[-1].train_loss
    losses = [epoch.val_loss for epoch in view.epochs if epoch.val_loss is not None]
    assert facts["run.best_val_loss"] == min(losses)
    assert facts["run.verdict"] == view.verdict.kind
    assert facts["run.state"] == view.phase


def test_without_a_run_nothing_of_it_is_known_but_its_state() -> None:
    facts = facts_of_run(TrainingView())
    check(facts)
    known = {name for name, value in facts.items() if value is not None}
    assert known == {"run.state", "run.epochs", "run.samples"}
    assert facts.keys() == facts_of_run(running(3)).keys(), "facts of an earlier run would stay otherwise"


def test_a_report_is_facts() -> None:
    report = msgspec.structs.replace(reports.report(), fine_tuning=reports.FINE_TUNING)
    facts = facts_of_report(report)
    check(facts)
    assert facts["evaluation.loss"] == report.evaluation.score.loss
    assert report.baselines is not None
    assert facts["evaluation.uniform"] == report.baselines.named("uniform").loss
    assert facts["evaluation.best_ngram"] == report.baselines.best.loss
    assert facts["evaluation.gained"] == pytest.approx(1.5796 - 1.1016)
    assert facts["evaluation.forgotten"] == pytest.approx(1.4212 - 1.2118)
    assert report.copying is not None
    assert facts["evaluation.longest_copy"] == len(report.copying.sample.longest)
    first = facts_of_report(reports.report(complete=False))
    assert first.keys() == facts.keys()
    assert first["evaluation.gained"] is None


def test_a_comparison_of_memories_is_facts() -> None:
    def model(cell: str, reach: int, loss: float) -> ModelMemory:
        spread = [Spread(1.0 if k < reach else 0.001, 0.0, 0.0, 0.0) for k in range(50)]
        contexts = tuple(ContextLoss(k, loss + (0.5 if k < reach // 2 else 0.0), 0.01) for k in (5, 10, 20, 50))
        return ModelMemory(name=cell, cell=cell, parameters=1, hidden=tuple(spread), contexts=contexts)  # type: ignore[arg-type]

    models = (model("rnn", 10, 1.51), model("lstm", 30, 1.47))
    facts = facts_of_memory(MemoryReport(corpus="t", part="test", places=1, characters=1, models=models))
    check(facts)
    assert (facts["memory.rnn"], facts["memory.lstm"], facts["memory.gru"]) == (10.0, 30.0, None)
    assert (facts["memory.rnn_context"], facts["memory.lstm_context"]) == (5.0, 20.0)
    assert (facts["memory.rnn_loss"], facts["memory.models"]) == (1.51, 2.0)


def test_saved_runs_are_facts(store: RunStore, trained: Run) -> None:
    facts = facts_of_runs(store, [trained.name, "deleted"])
    check(facts)
    losses = [event.train_loss for event in trained.events() if isinstance(event, EpochCompleted)]
    assert (facts["run.name"], facts["run.state"], facts["run.epochs"]) == ("sheep", "finished", float(len(losses)))
    assert (facts["run.first_train_loss"], facts["run.last_train_loss"]) == (losses[0], losses[-1])
    assert "before.name" not in facts
    assert facts_of_runs(store, []) == {}


def test_the_saved_run_before_has_other_settings(store: RunStore, trained: Run) -> None:
    shutil.copytree(trained.path, store.root / "same")
    shutil.copytree(trained.path, store.root / "other")
    other, config = store.get("other"), trained.config()
    other.rewrite(msgspec.structs.replace(config, training=msgspec.structs.replace(config.training, patience=7)))
    assert "before.name" not in facts_of_runs(store, ["same", "sheep"])
    facts = facts_of_runs(store, ["other", "same", "sheep"])
    check(facts)
    assert (facts["before.patience"], facts["run.patience"]) == (7.0, 0.0)


@pytest.mark.parametrize("name", ["../sheep", "", "a/b", "\0", "x" * 300])
def test_a_name_that_is_none_has_no_facts(store: RunStore, trained: Run, name: str) -> None:
    assert facts_of_runs(store, [name]) == {}
    assert facts_of_runs(store, [trained.name, name])["run.name"] == "sheep"


def test_a_damaged_run_has_no_facts(store: RunStore, trained: Run) -> None:
    trained.metrics_path.write_bytes(b"\xff{\n[]\n")
    assert facts_of_runs(store, [trained.name]) == {}
    (trained.path / "config.json").write_text("[1", encoding="utf-8")
    assert facts_of_runs(store, [trained.name]) == {}
