"""`charlstm-tui evaluate`: evaluate a model on a text, or compare two models."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import checkpoint_argument, json_option, runs_option
from charlstm_tui.commands.stdio import bar, require_output
from charlstm_tui.commands.text_options import TEXTS, about_change, named_or_own, read_text, reading_options
from core.data.corpus import CorpusConfig
from core.data.encodings import Errors
from core.data.splits import PARTS, Part, Split
from core.errors import UserError
from core.files import new_file, write_atomically
from core.reports.results import Comparison, Estimate, Stage
from core.runs.store import RunStore
from core.text import count_of, in_one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.checkpoints.checkpoint import Checkpoint
    from core.data.corpus import Corpus
    from core.events import EpochCompleted
    from core.reports.report import Report


@click.command("evaluate", short_help="Evaluate a model on a text.")
@checkpoint_argument
@click.option(
    "--corpus", metavar="TEXT", multiple=True, shell_complete=proposals.texts,
    help=f"{TEXTS}. Repeat the option for more. [default: the model's training text]",
)  # fmt: skip
@click.option("--text", metavar="FILE", shell_complete=proposals.files, help="Evaluate on a whole file, however short.")
@reading_options
@click.option("--part", type=click.Choice(PARTS), help="Part of the text. [default: test]")
@click.option(
    "--compare", "other", metavar="OTHER", shell_complete=proposals.checkpoints,
    help="Compare with another run or file on the same text.",
)  # fmt: skip
@click.option("--loss-only", is_flag=True, help="Compute only the loss.")
@click.option(
    "--save", "file", metavar="FILE", shell_complete=proposals.files,
    help="Write the report to a file: .json, .csv or .md.",
)  # fmt: skip
@runs_option
@json_option
def evaluate_command(
    checkpoint: str,
    corpus: tuple[str, ...],
    text: str | None,
    limit: int | None,
    split: Split | None,
    split_seed: int | None,
    encoding: str | None,
    encoding_errors: Errors | None,
    skip_unreadable: bool,
    part: Part | None,
    other: str | None,
    loss_only: bool,
    file: str | None,
    store: RunStore,
    as_json: bool,
) -> None:
    """Evaluate CHECKPOINT on a part of a text: by default, on the test part of its own text.

    CHECKPOINT is the name of a run, a file, or `moliere`, the bundled model. The default is the newest run, or the
    bundled model.
    """
    if file is None:
        require_output()
    if text is not None and (corpus or (split, split_seed, part) != (None, None, None)):
        raise click.UsageError(
            "--text is evaluated as a whole: it cannot be combined with --corpus, --split, --split-seed or --part."
        )
    part = "whole" if text is not None else part or "test"
    if other is not None and file is not None:
        raise click.UsageError("--save writes the report of one model: it cannot be combined with --compare.")
    target = _target(file) if file is not None else None
    path = store.checkpoint_path(checkpoint)
    other_path = store.checkpoint_path(other) if other is not None else None
    from core.checkpoints.checkpoint import load_checkpoint
    from core.checkpoints.history import history_of

    model = load_checkpoint(path)
    if text is not None:
        errors = encoding_errors or "strict"
        config = CorpusConfig.typed(text, limit, "tail", encoding, errors, skip_unreadable=skip_unreadable)
        read = read_text(config, whole=True)
    else:
        read = read_text(
            named_or_own(
                model.corpus, corpus, limit, split, encoding, encoding_errors,
                split_seed=split_seed, skip_unreadable=skip_unreadable,
            )
        )  # fmt: skip
        if not corpus and (change := about_change(model.corpus, read)) is not None:
            click.echo(change, err=True)
    if other_path is not None:
        assert other is not None
        _print_comparison((checkpoint, other), _compared(model, load_checkpoint(other_path), read, part), as_json)
        return
    history = history_of(path)
    report, interrupted = _assessed(checkpoint, model, read, part, history, loss_only=loss_only)
    if part != "train" and (learnt := report.evaluation.learnt_characters):
        click.echo(
            f"The model was trained on {learnt:,} of these characters: this is not a loss on new text.",
            err=True,
        )
    from charlstm_tui.commands.report_text import as_text
    from core.reports.formats import FORMATS
    from core.reports.formats import as_json as json_of

    if target is not None:
        write_atomically(target, FORMATS[target.suffix.lower()](report))
        click.echo(f"Saved: {shortened(target)}", err=True)
    click.echo(json_of(report).decode().rstrip() if as_json else as_text(report))
    if interrupted:  # a script must not take the exit code 0 for a complete report
        raise KeyboardInterrupt


def _target(name: str) -> Path:
    """Return the path of the file to write a report to; called before the evaluation, so that mistakes show at once.

    Raises:
        UserError: the file exists already, or its suffix is not a known format.
    """
    from core.reports.formats import FORMATS

    path = new_file(name)
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{shortened(name)} must end in one of: {', '.join(FORMATS)}.")
    return path


def _assessed(
    name: str,
    checkpoint: "Checkpoint",
    corpus: "Corpus",
    part: Part,
    history: "Sequence[EpochCompleted]",
    *,
    loss_only: bool,
) -> tuple["Report", bool]:
    """Return the report on a model, and whether ctrl-C interrupted it.

    Raises:
        KeyboardInterrupt: ctrl-C came before the first report; the estimate of the loss, if any, was printed.
    """
    from core.evaluation.report_builder import assess

    report: Report | None = None
    estimate: Estimate | None = None
    interrupted = False
    with (
        bar("{task.description}") as progress,
        closing(assess(name, checkpoint, corpus, part, history=history)) as events,
    ):
        task = progress.add_task("evaluating", total=1.0)
        try:
            for event in events:
                if isinstance(event, Stage):
                    about = f", the loss is about {estimate.loss:.2f}" if estimate and report is None else ""
                    progress.update(task, description=event.doing + about, completed=event.done)
                    continue
                if isinstance(event, Estimate):
                    estimate = event
                    continue
                report = event
                if loss_only:
                    break
        except KeyboardInterrupt:
            interrupted = True
    if interrupted and report is None:
        if estimate is not None:
            click.echo(f"The loss is about {estimate.loss:.2f}, estimated {estimate.basis}.", err=True)
        raise KeyboardInterrupt
    if interrupted:
        click.echo("The evaluation was interrupted: this report is incomplete.", err=True)
    assert report is not None
    return report, interrupted


def _compared(first: "Checkpoint", other: "Checkpoint", corpus: "Corpus", part: Part) -> Comparison:
    from core.evaluation.evaluator import part_of
    from core.evaluation.paired_comparison import compare

    with bar("evaluating both models") as progress:
        task = progress.add_task("", total=None)
        for event in compare(first, other, part_of(first, corpus, part)):
            if isinstance(event, Comparison):
                compared = event
            else:
                progress.update(task, completed=event.scored, total=event.characters)
    return compared


def _print_comparison(names: tuple[str, str], compared: Comparison, as_json: bool) -> None:
    if as_json:
        result = {
            "characters": compared.characters,
            "losses": {"first": compared.loss, "other": compared.other_loss},
            "difference": compared.difference,
            "standard_error": compared.standard_error,
        }
        click.echo(msgspec.json.encode(result))
        return
    width = max(len(in_one_line(name)) for name in names)
    for name, loss in zip(names, (compared.loss, compared.other_loss), strict=True):
        click.echo(f"{in_one_line(name):{width}}  {loss:.4f}  nats per character")
    click.echo(f"\nOn {count_of(compared.characters, 'character')}. {compared.sentence}")
