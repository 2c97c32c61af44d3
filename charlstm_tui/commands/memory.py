"""`charlstm-tui memory`: how far back networks remember, for one model or several compared on the same text."""

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import click
import msgspec

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import checkpoint_argument, json_option, runs_option
from charlstm_tui.commands.stdio import bar, is_plain, require_output
from charlstm_tui.commands.text_options import TEXTS, named_or_own, read_text, reading_options
from charlstm_tui.formatting.memory_content import as_text, notes_of
from core.data.encodings import Errors
from core.data.splits import PARTS, Part, Split
from core.errors import UserError
from core.reports.memory import MAX_MODELS, MemoryReport
from core.runs.store import RunStore
from core.text import sanitise

if TYPE_CHECKING:
    from core.data.corpus import Corpus
    from core.inspection.memory import Subject


@click.command("memory", short_help="Measure how far back a model remembers.")
@checkpoint_argument
@click.argument("others", nargs=-1, shell_complete=proposals.checkpoints)
@click.option(
    "--corpus",
    metavar="TEXT",
    multiple=True,
    shell_complete=proposals.texts,
    help=f"{TEXTS}. Repeat the option for more. [default: the first model's training text]",
)
@reading_options
@click.option("--part", type=click.Choice(PARTS), default="test", show_default=True, help="Part of the text.")
@runs_option
@json_option
def memory_command(
    checkpoint: str,
    others: tuple[str, ...],
    corpus: tuple[str, ...],
    limit: int | None,
    split: Split | None,
    split_seed: int | None,
    encoding: str | None,
    encoding_errors: Errors | None,
    skip_unreadable: bool,
    part: Part,
    store: RunStore,
    as_json: bool,
) -> None:
    """Measure how far back CHECKPOINT remembers, and up to three OTHERS on the same text.

    Printed are the gradient of a loss by distance, the loss by length of context, and the time constants of an LSTM's
    forget gates. A CHECKPOINT is the name of a run, a file, or `moliere`, the bundled model. The default is the newest
    run, or the bundled model.
    """
    require_output()
    names = [checkpoint, *others]
    if len(names) > MAX_MODELS:
        raise UserError(f"At most {MAX_MODELS} models can be compared, not {len(names)}.")
    paths = [store.checkpoint_path(name) for name in names]
    from core.checkpoints.checkpoint import load_checkpoint
    from core.inspection.memory import Subject

    subjects = [Subject(name, load_checkpoint(path)) for name, path in zip(names, paths, strict=True)]
    own = subjects[0].checkpoint.corpus
    config = named_or_own(
        own, corpus, limit, split, encoding, encoding_errors, split_seed=split_seed, skip_unreadable=skip_unreadable
    )
    read = read_text(config)
    report = _measured(subjects, read, part)
    for note in notes_of(report):
        click.echo(f"{note}.", err=True)
    if as_json:
        click.echo(sanitise(msgspec.json.encode(report).decode()))
    else:
        click.echo(as_text(report, shutil.get_terminal_size().columns, drawn=not is_plain()))


def _measured(subjects: "list[Subject]", corpus: "Corpus", part: Part) -> MemoryReport:
    from core.inspection.memory import measure_memory

    with bar("{task.description}") as progress, closing(measure_memory(subjects, corpus, part)) as events:
        task = progress.add_task("measuring", total=1.0)
        for event in events:
            if isinstance(event, MemoryReport):
                return event
            progress.update(task, description=event.doing, completed=event.done)
    raise AssertionError("the measurement ended without a report")
