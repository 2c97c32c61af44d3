"""`charlstm-tui sweep`: set up, run and delete experiments; `sweep_show` prints them."""

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

import click

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import (
    GroupedCommand,
    json_option,
    runs_option,
    setting_options,
)
from charlstm_tui.commands.run_settings import config_option, configured_run, corpus_option, preset_option
from charlstm_tui.commands.stdio import is_terminal
from charlstm_tui.commands.sweep_renderer import SweepRenderer
from charlstm_tui.commands.sweep_show import best_command, list_command, print_outcome, show_command, size_in_words
from charlstm_tui.commands.text_options import read_text, reading_options
from charlstm_tui.formatting.numbers import size_in_bytes
from charlstm_tui.jobs.experiments import read_trials, worker_command
from charlstm_tui.terminal.signals import exit_code, handled
from core.control import Control
from core.errors import UserError
from core.experiments.budget import Budget
from core.experiments.experiment import PRUNING, Experiment, Pruning
from core.experiments.experiment_store import ExperimentStore
from core.experiments.results import TrialResult
from core.experiments.varied import parse_varied
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig, fields_of
from core.text import count_of, in_one_line

_FIXED = ("seconds", "threads", "sample_length", "sample_prompt")
"""Training settings that an experiment decides by itself."""
_storage_option = click.option(
    "--storage",
    metavar="URL",
    help="Database for the trials, which other machines can share: postgresql://…, mysql://…, sqlite:///FILE. "
    "[default: a file in the folder of the runs]",
)


@click.group("sweep", short_help="Experiments: vary settings, repeat seeds, compare.")
def sweep_commands() -> None:
    """Experiments: runs of one text that differ in chosen settings and in seeds, and what made a difference."""


class NewCommand(GroupedCommand):
    """The command `sweep new`, whose help lists its options in three groups."""

    groups: ClassVar = {
        "The experiment": (
            "varied", "seeds", "trials", "seconds", "pruning", "storage", "corpus", "limit", "split",
            "split_seed", "encoding", "encoding_errors", "skip_unreadable", "preset", "settings_path", "store", "help",
        ),
        "The network": [field.name for field in fields_of(ModelConfig)],
        "The training": [field.name for field in fields_of(TrainingConfig)],
    }  # fmt: skip


@sweep_commands.command("new", cls=NewCommand, short_help="Set up an experiment.")
@click.argument("name", metavar="NAME")
@click.option(
    "--vary",
    "varied",
    metavar="SETTING=VALUES",
    shell_complete=proposals.varied,
    multiple=True,
    help="Setting with its values, as in hidden_size=64,128; or with a range to search, as in output_dropout=0..0.6 "
    "or learning_rate=1e-4..1e-1:log. Repeat the option to vary several.",
)
@click.option(
    "--seeds", metavar="N", type=click.IntRange(1, 1000), default=1, help="Runs of each combination. [default: 1]"
)
@click.option(
    "--trials",
    metavar="N",
    type=click.IntRange(1, 10_000),
    help="Search: try N combinations, each chosen by what the ones before it reached (TPE). Without it, every "
    "combination of the listed values is tried.",
)
@click.option(
    "--seconds", metavar="X", type=click.FloatRange(0, 1e7), default=0.0,
    help="Time limit for the whole experiment. [default: none]",
)  # fmt: skip
@click.option(
    "--pruning",
    type=click.Choice([*PRUNING]),
    help="Stop hopeless trials early, by their validation loss after each epoch. [default: median for a search, none "
    "otherwise]",
)
@corpus_option
@reading_options
@preset_option
@config_option
@setting_options(TrainingConfig, show_defaults=False, without=_FIXED)
@setting_options(ModelConfig, show_defaults=False)
@_storage_option
@runs_option
def new_command(
    name: str,
    varied: tuple[str, ...],
    seeds: int,
    trials: int | None,
    seconds: float,
    pruning: Pruning | None,
    storage: str | None,
    store: RunStore,
    **options: Any,
) -> None:
    """Set up an experiment called NAME. Its runs have the settings of `train`, except for those that are varied.

    `charlstm-tui sweep run NAME` trains them.
    """
    parsed = tuple(parse_varied(each) for each in varied)
    config, _ = configured_run(**options)
    experiment = Experiment(
        name=name,
        preset=config.preset,
        corpus=config.corpus,
        model=config.model,
        training=config.training,
        varied=parsed,
        seeds=seeds,
        trials=trials,
        seconds=seconds,
        pruning=pruning or ("median" if trials is not None else "none"),
    )
    experiments = ExperimentStore(store)
    experiments.create(experiment)
    if storage is not None:
        from core.experiments.opening import open_experiment

        try:
            open_experiment(experiments, name, storage)
        except UserError:
            experiments.remove(name)
            raise
    click.echo(f"{in_one_line(name)}: {size_in_words(experiment)}")
    click.echo(f"`charlstm-tui sweep run {in_one_line(name)}` trains them.", err=True)


@sweep_commands.command("run", short_help="Train the trials of an experiment.")
@click.argument("name", metavar="NAME", shell_complete=proposals.experiments)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 256),
    help="Processes that train at the same time; the CPU's threads are shared out among them. [default: one for each "
    "core for which there is enough memory; one with a GPU]",
)
@click.option(
    "--corpus", metavar="FILE", multiple=True, shell_complete=proposals.files,
    help="New path of the text, if it is elsewhere on this machine. Repeat the option for each file or folder.",
)  # fmt: skip
@_storage_option
@runs_option
@json_option
@click.pass_context
def run_command(
    ctx: click.Context,
    name: str,
    workers: int | None,
    corpus: tuple[str, ...],
    storage: str | None,
    store: RunStore,
    as_json: bool,
) -> None:
    """Train the trials of the experiment NAME that are not finished. Ctrl-C stops and saves them."""
    from core.experiments.opening import database_errors, open_experiment
    from core.experiments.worker_count import share_threads, usual_workers
    from core.experiments.worker_processes import WorkerProcesses

    experiments = ExperimentStore(store)
    opened = open_experiment(experiments, name, storage, corpus)
    experiment = opened.experiment
    url = experiments.get(name).storage
    workers = workers or min(usual_workers(experiment.base), experiment.runs)
    command = worker_command(store, name, share_threads(experiment, workers))
    control = Control()
    budget = Budget(experiments.folder(name), experiment.seconds)
    renderer = SweepRenderer(experiment, workers, as_json=as_json)
    processes = WorkerProcesses(command, workers)
    ended: list[int] = []

    def end(number: int) -> None:
        if ended:  # the second ctrl-C
            processes.kill()
            raise SystemExit(exit_code(number))
        ended.append(number)
        control.stop()
        renderer.say("stopping")

    failed = False
    with handled(end), database_errors(url):
        results = opened.book.results()
        with renderer:
            renderer.begin(results, budget)
            if _left(experiment, results):  # otherwise no worker need load PyTorch
                for event in processes.run(control, budget.is_over):
                    failed |= renderer.show(event)
        budget.save()
        results = opened.book.results()
    if not as_json:
        print_outcome(experiment, results, opened.book)
    if ended:
        ctx.exit(exit_code(ended[0]))
    left = _left(experiment, results)
    if left and budget.left == 0.0:
        click.echo(
            f"The time limit of {experiment.seconds:g} seconds is over; {count_of(left, 'run')} of {experiment.runs} "
            "are not finished.",
            err=True,
        )
    ctx.exit(1 if failed else 0)


def _left(experiment: Experiment, results: Sequence[TrialResult]) -> int:
    """Return how many runs are not over."""
    return experiment.runs - sum(trial.is_over for trial in results)


@sweep_commands.command("work", hidden=True)
@click.argument("name")
@click.option("--threads", type=int, default=1)
@runs_option
@click.pass_context
def work_command(ctx: click.Context, name: str, threads: int, store: RunStore) -> None:
    """Train trials as one worker, and print its events."""
    from core.experiments.opening import database_errors, open_experiment
    from core.experiments.trial_events import to_json
    from core.experiments.worker import work

    experiments = ExperimentStore(store)
    control = Control()
    ended: list[int] = []

    def end(number: int) -> None:
        ended.append(number)
        control.stop()

    with handled(end), database_errors(experiments.get(name).storage):
        opened = open_experiment(experiments, name)
        text = read_text(opened.experiment.corpus)
        for event in work(opened.book, store, text, control, threads):
            try:
                click.echo(to_json(event))
            except OSError:  # the process that started this one is gone
                control.stop()
    ctx.exit(exit_code(ended[0]) if ended else 0)


@sweep_commands.command("delete", short_help="Delete an experiment.")
@click.argument("name", metavar="NAME", shell_complete=proposals.experiments)
@click.option("--yes", is_flag=True, help="Delete without the question.")
@click.option("--keep-runs", is_flag=True, help="Keep the runs of its trials.")
@runs_option
def delete_command(name: str, yes: bool, keep_runs: bool, store: RunStore) -> None:
    """Delete the experiment NAME and, unless --keep-runs is given, the runs of its trials on this machine."""
    from core.experiments.opening import delete_trials

    experiments = ExperimentStore(store)
    results, _, _ = read_trials(experiments, name)
    if any(trial.state == "running" and trial.is_here for trial in results):
        raise UserError(f"{name} is being trained by another process. Stop that one first.")
    runs = [] if keep_runs else [store.get(trial.run) for trial in results if trial.is_here and store.has(trial.run)]
    if not yes:
        if not is_terminal(sys.stdin):
            raise UserError(
                "Standard input is not a terminal, so you cannot be asked. Use --yes to delete without a question."
            )
        what = f" and its {count_of(len(runs), 'run')} ({size_in_bytes(sum(run.size for run in runs))})" if runs else ""
        if not click.confirm(f"Delete the experiment {in_one_line(name)}{what}, for good?", err=True):
            click.echo("Nothing was deleted.", err=True)
            return
    for run in runs:
        store.delete(run.name)
    delete_trials(experiments, name)
    click.echo(in_one_line(f"deleted {name}"))


for command in (list_command, show_command, best_command):
    sweep_commands.add_command(command)
