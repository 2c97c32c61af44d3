"""`charlstm-tui sweep`: experiments, which vary settings and repeat seeds."""

import csv
import io
import shutil
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import click
import msgspec

from charlstm_tui.commands.options import (
    GroupedCommand,
    json_option,
    runs_option,
    setting_options,
)
from charlstm_tui.commands.run_settings import config_option, configured_run, corpus_option, preset_option
from charlstm_tui.commands.stdio import bar, is_terminal
from charlstm_tui.commands.sweep_renderer import SweepRenderer
from charlstm_tui.commands.table import print_columns
from charlstm_tui.commands.text_options import (
    encoding_errors_option,
    encoding_option,
    limit_option,
    read_text,
    split_option,
)
from charlstm_tui.formatting.effect_plot import effect_lines
from charlstm_tui.formatting.numbers import loss_shown, size_in_bytes
from charlstm_tui.jobs.experiments import read_trials, worker_command
from charlstm_tui.terminal.signals import exit_code, handled
from core.control import Control
from core.errors import UserError
from core.experiments.budget import Budget, read_used
from core.experiments.experiment import PRUNING, Experiment, Pruning
from core.experiments.experiment_store import ExperimentStore
from core.experiments.findings import Findings, find, importance_sentence, with_deviation
from core.experiments.results import TrialResult
from core.experiments.varied import Params, field_named, parse_varied, shown
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig, fields_of
from core.settings.toml_file import as_toml
from core.text import count_of, in_one_line, sanitise

if TYPE_CHECKING:
    from core.experiments.trial_book import TrialBook

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
            "varied", "seeds", "trials", "seconds", "pruning", "storage", "corpus", "limit", "split", "encoding",
            "encoding_errors", "preset", "settings_path", "store", "help",
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
@limit_option
@split_option
@encoding_option
@encoding_errors_option
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
    click.echo(f"{in_one_line(name)}: {_size(experiment)}")
    click.echo(f"`charlstm-tui sweep run {in_one_line(name)}` trains them.", err=True)


@sweep_commands.command("run", short_help="Train the trials of an experiment.")
@click.argument("name", metavar="NAME")
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 256),
    help="Processes that train at the same time; the CPU's threads are shared out among them. [default: one for each "
    "core for which there is enough memory; one with a GPU]",
)
@click.option("--corpus", metavar="FILE", help="New path of the text, if it is elsewhere on this machine.")
@_storage_option
@runs_option
@json_option
@click.pass_context
def run_command(
    ctx: click.Context,
    name: str,
    workers: int | None,
    corpus: str | None,
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
            for event in processes.run(control, budget.is_over):
                failed |= renderer.show(event)
        budget.save()
        results = opened.book.results()
    if not as_json:
        _print_outcome(experiment, results, opened.book)
    if ended:
        ctx.exit(exit_code(ended[0]))
    left = experiment.runs - sum(trial.is_over for trial in results)
    if left and budget.left == 0.0:
        click.echo(
            f"The time limit of {experiment.seconds:g} seconds is over; {count_of(left, 'run')} of {experiment.runs} "
            "are not finished.",
            err=True,
        )
    ctx.exit(1 if failed else 0)


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


@sweep_commands.command("list", short_help="List the experiments, newest first.")
@runs_option
@json_option
def list_command(store: RunStore, as_json: bool) -> None:
    """List the experiments, newest first."""
    experiments = ExperimentStore(store)
    rows = []
    for name in experiments.all():
        try:
            results, experiment, _ = read_trials(experiments, name)
        except UserError as error:
            click.echo(f"Skipped: {sanitise(str(error))}", err=True)
            continue
        over = sum(trial.is_over for trial in results)
        best = min((trial.loss for trial in results if trial.loss is not None), default=None)
        if as_json:
            click.echo(sanitise(msgspec.json.encode({
                "name": name, "experiment": experiment, "runs": experiment.runs, "over": over, "best_val_loss": best,
            }).decode()))  # fmt: skip
        rows.append((
            in_one_line(name),
            experiment.created.astimezone().strftime("%Y-%m-%d %H:%M") if experiment.created else "",
            in_one_line(experiment.corpus.name),
            in_one_line(", ".join(each.shown for each in experiment.varied)),
            f"{over} of {experiment.runs}",
            loss_shown(best),
        ))  # fmt: skip
    if as_json:
        return
    if not rows:
        click.echo("There are no experiments yet. `charlstm-tui sweep new` sets one up.", err=True)
        return
    headers = (
        ("name", False), ("when", False), ("text", False), ("varied", False), ("runs", True), ("best val.", True),
    )  # fmt: skip
    print_columns(headers, rows)


@sweep_commands.command("show", short_help="Show the trials of an experiment and what it found.")
@click.argument("name", metavar="NAME")
@click.option("--csv", "as_csv", is_flag=True, help="Print the trials as CSV.")
@runs_option
@json_option
def show_command(name: str, as_csv: bool, store: RunStore, as_json: bool) -> None:
    """Show the trials of the experiment NAME, best first, and what made a difference."""
    if as_csv and as_json:
        raise click.UsageError("Choose one of --json and --csv.")
    experiments = ExperimentStore(store)
    results, experiment, book = read_trials(experiments, name)
    found = find(experiment, results)
    if as_json:
        click.echo(sanitise(msgspec.json.encode({
            "experiment": experiment, "trials": results, "findings": found,
            "importances": book.importances() if book else {}, "used_seconds": read_used(experiments.folder(name)),
        }).decode()))  # fmt: skip
    elif as_csv:
        click.echo(_csv(experiment, results), nl=False)
    else:
        click.echo(f"{in_one_line(name)}: {_size(experiment)}")
        click.echo(in_one_line(f"text {experiment.corpus.title}, split {experiment.corpus.split}, "
                               f"preset {experiment.preset}"))  # fmt: skip
        _print_outcome(experiment, results, book)


@sweep_commands.command("best", short_help="The best combination: its settings, or its test loss.")
@click.argument("name", metavar="NAME")
@click.option("--toml", "as_toml_file", is_flag=True, help="Print its settings as a file for `train --config`.")
@click.option(
    "--test",
    is_flag=True,
    help="Evaluate its runs on the test part, which nothing was chosen by. Once: later calls print the same figure.",
)
@runs_option
def best_command(name: str, as_toml_file: bool, test: bool, store: RunStore) -> None:
    """Print the combination of the experiment NAME with the lowest validation loss.

    With --toml, print its settings; with --test, its test loss.
    """
    if as_toml_file and test:
        raise click.UsageError("Choose one of --toml and --test.")
    experiments = ExperimentStore(store)
    results, experiment, book = read_trials(experiments, name)
    found = find(experiment, results)
    if not found.combinations or book is None:
        raise UserError(f"No run of {name} is finished yet. `charlstm-tui sweep run {name}` trains them.")
    best = found.combinations[0]
    if as_toml_file:
        click.echo(as_toml(experiment.as_preset(best.params)))
    elif test:
        click.echo(_test_sentence(best.params, book, store))
    else:
        click.echo(found.best_sentence)


@sweep_commands.command("delete", short_help="Delete an experiment.")
@click.argument("name", metavar="NAME")
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


def _test_sentence(best: Params, book: "TrialBook", store: RunStore) -> str:
    """Return the test loss of the best combination, which is computed at the first call and then kept."""
    from core.experiments.test_loss import TestLoss, check_that_it_may_be_read, known_test_loss, read_test_loss

    if (known := known_test_loss(book)) is not None:
        return known.sentence(best)
    check_that_it_may_be_read(book)
    corpus = read_text(book.experiment.corpus)
    with bar("evaluating {task.description}") as progress:
        task = progress.add_task("", total=1.0)
        for event in read_test_loss(Control(), book, store, corpus):
            if isinstance(event, TestLoss):
                return event.sentence(best)
            progress.update(task, description=in_one_line(event.run), completed=event.done)
    raise AssertionError  # the last event is the test loss


def _size(experiment: Experiment) -> str:
    """Return the number of runs of an experiment, in words."""
    if experiment.seeds == 1:
        return count_of(experiment.runs, "run")
    combinations = count_of(experiment.combinations, "combination")
    return f"{count_of(experiment.runs, 'run')}, {combinations} with {experiment.seeds} seeds each"


def _print_outcome(experiment: Experiment, results: list[TrialResult], book: "TrialBook | None") -> None:
    """Print the trials, best first, and what was found."""
    found = find(experiment, results)
    over = sum(trial.is_over for trial in results)
    click.echo(f"{over} of {count_of(experiment.runs, 'run')} are over")
    if results:
        click.echo()
        _print_trials(experiment, results)
    if found.finished:
        click.echo()
        _print_findings(experiment, found, book)


def _print_trials(experiment: Experiment, results: list[TrialResult]) -> None:
    names = [each.name for each in experiment.varied]
    titles = [field_named(name).title for name in names]
    headers = [("run", False), *((title, True) for title in titles), ("seed", True), ("epochs", True),
               ("best val.", True), ("state", False)]  # fmt: skip

    ordered = sorted(results, key=lambda trial: (trial.best_so_far is None, trial.best_so_far or 0.0, trial.number))
    print_columns(headers, [
        (
            in_one_line(trial.run), *(field_named(name).show(trial.params[name]) for name in names), str(trial.seed),
            str(len(trial.losses)), loss_shown(trial.best_so_far),
            trial.state if not trial.why else in_one_line(f"{trial.state}: {trial.why}"),
        )
        for trial in ordered
    ])  # fmt: skip


def _print_findings(experiment: Experiment, found: Findings, book: "TrialBook | None") -> None:
    """Print the means of the combinations, the effects and the sentences."""
    if experiment.seeds > 1:
        headers = [("combination", False), ("validation loss: mean ± standard deviation", False)]
        print_columns(headers, [(shown(each.params), with_deviation(each.losses)) for each in found.combinations])
        click.echo()
    if len(found.combinations) > 1:
        for lines in effect_lines(found.effects, shutil.get_terminal_size().columns):
            click.echo("\n".join(lines))
        click.echo()
    for effect in found.effects:
        for sentence in effect.sentences:
            click.echo(sentence)
    click.echo(found.best_sentence)
    shares = book.importances() if book is not None else {}
    if sentence := importance_sentence(experiment.varied, found.finished, shares):
        click.echo(sentence)


def _csv(experiment: Experiment, results: list[TrialResult]) -> str:
    """Return one line for each trial, with its values and losses."""
    names = [each.name for each in experiment.varied]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["trial", "run", *names, "seed", "state", "epochs", "val_loss"])
    for trial in results:
        values = [trial.params[name] for name in names]
        loss = trial.best_so_far
        writer.writerow([
            trial.number, trial.run, *values, trial.seed, trial.state, len(trial.losses), "" if loss is None else loss,
        ])  # fmt: skip
    return file.getvalue()
