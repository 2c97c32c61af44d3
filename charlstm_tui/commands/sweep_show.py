"""`charlstm-tui sweep list`, `show` and `best`: the experiments, their trials, and what they found."""

import csv
import io
import shutil
from typing import TYPE_CHECKING

import click
import msgspec

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import json_option, runs_option
from charlstm_tui.commands.stdio import bar, is_plain
from charlstm_tui.commands.table import print_columns
from charlstm_tui.commands.text_options import read_text
from charlstm_tui.formatting.effect_plot import effect_lines, with_spread
from charlstm_tui.formatting.numbers import loss_shown
from charlstm_tui.jobs.experiments import read_trials
from core.control import Control
from core.errors import UserError
from core.experiments.budget import read_used
from core.experiments.experiment import Experiment
from core.experiments.experiment_store import ExperimentStore
from core.experiments.findings import Effect, Findings, find, importance_sentence, with_deviation
from core.experiments.results import TrialResult
from core.experiments.varied import Params, field_named, shown
from core.runs.store import RunStore
from core.settings.toml_file import as_toml
from core.text import count_of, in_one_line, sanitise

if TYPE_CHECKING:
    from core.experiments.trial_book import TrialBook


@click.command("list", short_help="List the experiments, newest first.")
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


@click.command("show", short_help="Show the trials of an experiment and what it found.")
@click.argument("name", metavar="NAME", shell_complete=proposals.experiments)
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
        click.echo(f"{in_one_line(name)}: {size_in_words(experiment)}")
        click.echo(in_one_line(f"text {experiment.corpus.title}, split {experiment.corpus.split_name}, "
                               f"preset {experiment.preset}"))  # fmt: skip
        print_outcome(experiment, results, book)


@click.command("best", short_help="The best combination: its settings, or its test loss.")
@click.argument("name", metavar="NAME", shell_complete=proposals.experiments)
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


def size_in_words(experiment: Experiment) -> str:
    """Return the number of runs of an experiment, in words."""
    if experiment.seeds == 1:
        return count_of(experiment.runs, "run")
    combinations = count_of(experiment.combinations, "combination")
    return f"{count_of(experiment.runs, 'run')}, {combinations} with {experiment.seeds} seeds each"


def print_outcome(experiment: Experiment, results: list[TrialResult], book: "TrialBook | None") -> None:
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
        drawn = effect_lines(found.effects, shutil.get_terminal_size().columns)
        for lines in map(_effect_in_words, found.effects) if is_plain() else drawn:
            click.echo("\n".join(lines))
        click.echo()
    for effect in found.effects:
        for sentence in effect.sentences:
            click.echo(sentence)
    click.echo(found.best_sentence)
    shares = book.importances() if book is not None else {}
    if sentence := importance_sentence(experiment.varied, found.finished, shares):
        click.echo(sentence)


def _effect_in_words(effect: Effect) -> list[str]:
    """Return the mean of each value of a setting, without the plot, which a screen reader would read dot by dot."""
    return [effect.title, *(f"  {point.label}: {with_spread(point)}" for point in effect.points)]


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
