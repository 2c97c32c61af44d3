"""What a shell proposes at TAB for the values of options and arguments. No PyTorch is imported for it.

Each function is a callback for click's `shell_complete`. An item of the type "file" stands for the files of a folder.
"""

import re
from collections.abc import Iterable
from typing import TypeAlias

import click
from click.shell_completion import CompletionItem

from core.data.known_texts import KNOWN
from core.runs import bundled_model
from core.runs.run import Run
from core.runs.store import RunStore, default_root
from core.settings.presets import ALL_PRESETS

Items: TypeAlias = "list[CompletionItem[str]]"


def _matching(values: Iterable[str], incomplete: str) -> Items:
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose files."""
    return [CompletionItem(incomplete, type="file")]


def presets(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose the presets, with what they are for."""
    return [
        CompletionItem(name, help=preset.purpose) for name, preset in ALL_PRESETS.items() if name.startswith(incomplete)
    ]


def texts(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose the known texts and files."""
    return [*_matching(KNOWN, incomplete), *files(ctx, param, incomplete)]


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose the runs, newest first, without those that are given already."""
    given = ctx.params.get(param.name or "")
    taken = given if isinstance(given, tuple) else ()
    return _matching((run.name for run in _named_runs(ctx) if run.name not in taken), incomplete)


def runs_and_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose the runs and files, to resume one."""
    return [*runs(ctx, param, incomplete), *files(ctx, param, incomplete)]


def checkpoints(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose the runs that have a checkpoint, the bundled model, and files."""
    names = [run.name for run in _named_runs(ctx) if run.checkpoint_path.is_file()]
    return [*_matching([*names, bundled_model.NAME], incomplete), *files(ctx, param, incomplete)]


def exportable(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose what can be exported: runs, and for a format of models also the bundled model and files."""
    of_models = ctx.params.get("kind") in ("pytorch", "onnx")
    return (checkpoints if of_models else runs)(ctx, param, incomplete)


def experiments(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose the experiments, newest first."""
    from core.experiments.experiment_store import ExperimentStore

    return _matching(filter(_is_typable, ExperimentStore(_store(ctx)).all()), incomplete)


def varied(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Propose the settings that an experiment can vary; after `cell=`, the values of a setting that has a few."""
    from core.experiments.varied import can_be_varied

    fields = {field.name: field for field in can_be_varied()}
    name, equals, typed = incomplete.partition("=")
    if not equals:
        return _matching((f"{name}=" for name in fields), incomplete)
    before, comma, last = typed.rpartition(",")
    field = fields.get(name.replace("-", "_"))
    used = before.split(",")
    values = [value for value in (field.choices if field else ()) if value.startswith(last) and value not in used]
    return [CompletionItem(f"{name}={before}{comma}{value}") for value in values]


def _store(ctx: click.Context) -> RunStore:
    """Return the store given by --runs or the environment, or the default one."""
    store: RunStore | None = ctx.params.get("store") or ctx.find_root().params.get("store")
    return store or RunStore(default_root())


def _named_runs(ctx: click.Context) -> list[Run]:
    return [run for run in _store(ctx).all() if _is_typable(run.name)]


def _is_typable(name: str) -> bool:
    """Return whether a shell takes a name as one word as it is. Those of folders made by hand may be anything."""
    return re.fullmatch(r"\w[\w.-]*", name) is not None
