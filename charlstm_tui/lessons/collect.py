"""Collects facts from what the app has anyway: the settings, the run, a report, a comparison of memories."""

import contextlib
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from charlstm_tui.lessons.derived import as_before
from charlstm_tui.lessons.facts import FACTS, Value
from charlstm_tui.lessons.notebook_loss import notebook_loss
from charlstm_tui.state.training import TrainingView
from core.errors import UserError
from core.events import RunStarted
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore

if TYPE_CHECKING:
    from core.reports.memory import MemoryReport
    from core.reports.report import Report

_OF_MODEL = ("cell", "num_layers", "hidden_size")
_OF_TRAINING = (
    "epochs", "learning_rate", "output_dropout", "input_dropout", "weight_drop", "validation", "patience", "seed",
)  # fmt: skip


def facts_of_settings(config: RunConfig | None) -> dict[str, Value]:
    """Return the facts on the settings of the next run; all are unknown for None."""
    if config is None:
        return _unknown("next", without=("characters", "distinct", "test_characters", "parameters"))
    facts: dict[str, Value] = {
        "text": config.corpus.name,
        "limit": _number(config.corpus.limit),
        "split": config.corpus.split,
        "preset": config.preset,
        "start": config.origin.name if config.origin is not None else "",
    }
    facts |= {name: _value(getattr(config.model, name)) for name in _OF_MODEL}
    facts |= {name: _value(getattr(config.training, name)) for name in _OF_TRAINING}
    return _named("next", facts)


def facts_of_run(view: TrainingView) -> dict[str, Value]:
    """Return the facts on the run on the Train screen."""
    config, started, epochs = view.config, view.started, view.epochs
    facts: dict[str, Value] = {"state": view.phase, "epochs": float(len(epochs)), "samples": float(len(view.samples))}
    if config is not None:
        facts |= {
            "preset": config.preset,
            "text": config.corpus.name,
            "limit": _number(config.corpus.limit),
            "start": config.origin.name if config.origin is not None else "",
            "cell": config.model.cell,
            "hidden_size": float(config.model.hidden_size),
            "output_dropout": config.training.output_dropout,
            "weight_drop": config.training.weight_drop,
            "patience": float(config.training.patience),
        }
    if started is not None:
        facts |= {
            "name": started.run,
            "vocabulary": float(started.vocabulary),
            "parameters": float(started.parameters),
            "planned_epochs": float(started.epochs),
            "uniform_loss": math.log(started.vocabulary),
            "characters": float(started.train_characters + started.validation_characters + started.test_characters),
        }
    if view.baselines is not None:
        facts["ngram_loss"] = float(view.baselines.best.loss)
    if epochs:
        validated = [(epoch.val_loss, epoch.epoch) for epoch in epochs if epoch.val_loss is not None]
        facts |= {
            "seconds": epochs[-1].elapsed_seconds,
            "first_train_loss": epochs[0].train_loss,
            "middle_train_loss": epochs[(len(epochs) - 1) // 2].train_loss,
            "last_train_loss": epochs[-1].train_loss,
            "first_val_loss": epochs[0].val_loss,
            "last_val_loss": epochs[-1].val_loss,
            "best_val_loss": min(validated)[0] if validated else None,
            "best_epoch": float(min(validated)[1]) if validated else None,
            "verdict": view.verdict.kind,
        }
    return _unknown("run", without=("count", "sample_epoch")) | _named("run", facts)


def facts_of_runs(store: RunStore, names: Iterable[str]) -> dict[str, Value]:
    """Return the facts on the last of these runs that has an epoch, and on the one before it; none if there is none."""
    last: dict[str, Value] = {}
    for name in reversed([*names]):
        with contextlib.suppress(UserError):
            view = _view_of(store.get(name))
            if view.epochs and not last:
                last = facts_of_run(view)
            elif view.epochs and (before := as_before(facts_of_run(view), last)):
                return last | before
    return last


def _view_of(run: Run) -> TrainingView:
    """Return a run as the Train screen showed it at its end."""
    events = run.events()
    starts = [place for place, event in enumerate(events) if isinstance(event, RunStarted)]
    return TrainingView(config=run.config()).after(events[starts[-1] if starts else 0 :])  # it has the epochs so far


def facts_of_report(report: "Report") -> dict[str, Value]:
    """Return the facts on an evaluation; those that a report does not have yet are unknown."""
    evaluation, score = report.evaluation, report.evaluation.score
    facts: dict[str, Value] = {
        "model": report.model,
        "text": evaluation.corpus.name,
        "limit": _number(evaluation.corpus.limit),
        "split": evaluation.corpus.split_name,
        "sha256": evaluation.corpus.sha256,
        "part": evaluation.part,
        "characters": float(evaluation.characters),
        "loss": score.loss,
        "standard_error": score.standard_error,
        "bits": score.bits_per_character,
        "perplexity": score.perplexity,
        "accuracy": score.accuracy,
        "train_loss": report.loss_on("train"),
        "validation_loss": report.loss_on("validation"),
    }
    if report.baselines is not None:
        facts |= {name: report.baselines.named(name).loss for name in ("uniform", "unigram", "bigram")}
        facts |= {
            "best_ngram": report.baselines.best.loss,
            "best_ngram_order": float(report.baselines.best.order),
        }
    facts["notebook"] = notebook_loss(evaluation.corpus, evaluation.part)
    if report.copying is not None:
        facts["copies"] = report.copies
        facts["longest_copy"] = float(len(report.copying.sample.longest))
        if report.copying.held_out is not None:
            facts["natural_copy"] = float(len(report.copying.held_out.longest))
    if report.fine_tuning is not None:
        new, old = report.fine_tuning.new, report.fine_tuning.old
        facts["gained"] = -new.compared.difference if new is not None else None
        facts["forgotten"] = old.compared.difference if old is not None else None
    return _unknown("evaluation", without=("page", "count", "surprisal", "probability")) | _named("evaluation", facts)


def facts_of_memory(report: "MemoryReport") -> dict[str, Value]:
    """Return the facts on a comparison of memories: of each kind of cell, the first model."""
    facts: dict[str, Value] = {"models": float(len(report.models))}
    for model in reversed(report.models):
        facts[model.cell] = float(model.vanished_at if model.vanished_at is not None else len(model.hidden) - 1)
        if model.cell != "gru":
            facts[f"{model.cell}_context"] = float(model.used_context.context)
            facts[f"{model.cell}_loss"] = model.contexts[-1].loss
    return _unknown("memory", without=("count",)) | _named("memory", facts)


def _unknown(group: str, *, without: tuple[str, ...] = ()) -> dict[str, Value]:
    """Return all facts of a group as unknown, except some."""
    names = (name for name in FACTS if name.partition(".")[0] == group)
    return {name: None for name in names if name.partition(".")[2] not in without}


def _named(group: str, facts: Mapping[str, Value]) -> dict[str, Value]:
    return {f"{group}.{name}": value for name, value in facts.items()}


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


def _value(value: float | str) -> Value:
    return value if isinstance(value, str) else float(value)
