"""`charlstm-tui generate`: print one generated text as it is sampled, or many texts generated in a batch."""

import json
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from charlstm_tui.commands.number_types import WholeNumberRange
from charlstm_tui.commands.options import (
    Prompt,
    checkpoint_argument,
    given,
    json_option,
    runs_option,
    setting_options,
)
from charlstm_tui.commands.stdio import bar, require_output
from core.errors import UserError
from core.runs.store import RunStore
from core.settings.config import SamplingConfig, TextEnd, configure
from core.text import count_of, sanitise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.checkpoints.checkpoint import Checkpoint
    from core.sampling.batch_sampling import Text
    from core.sampling.ending import Ending
    from core.sampling.prompt import Prompt as FittedPrompt
    from core.sampling.sampler import Prefilled

UNTIL: dict[str | None, TextEnd] = {None: "length", "empty-line": "empty line", "speech": "speech"}
"""The values of --until."""
LONG_PROMPT = 5_000
"""Number of characters above which reading a prompt takes long enough for a progress bar."""
FLUSH_SECONDS = 1 / 60
"""Seconds between two flushes of stdout: flushing after every character would take longer than to sample it."""


@click.command("generate", short_help="Generate text with a model.")
@checkpoint_argument
@click.option(
    "--prompt", default="", metavar="TEXT", type=Prompt(),
    help=r"Beginning of the text; \n is a new line, \t a tab, \\ a backslash. - reads it from standard input, as it "
    "is. [default: empty]",
)  # fmt: skip
@click.option(
    "--length",
    metavar="N",
    type=WholeNumberRange(1, 10**9),
    default=500,
    show_default=True,
    help="Characters to generate, at most.",
)
@click.option(
    "--stop", "stops", metavar="TEXT", type=Prompt(), multiple=True,
    help=r"Text that ends the generated text; it is kept. \n is a new line, as in the prompt. Repeat the option for "
    "several texts: the first one to come ends it.",
)  # fmt: skip
@click.option(
    "--until", type=click.Choice(["empty-line", "speech"]),
    help="What else ends the text. empty-line: an empty line after visible text. speech: an empty line after a "
    "paragraph that is more than a speaker's name and stage directions; in a text that is no play, an empty line.",
)  # fmt: skip
@click.option(
    "--count", metavar="N", type=WholeNumberRange(1, 10**6), default=1, show_default=True,
    help="Number of texts, generated together, each with the next seed.",
)  # fmt: skip
@setting_options(SamplingConfig)
@runs_option
@json_option
def generate_command(
    checkpoint: str,
    prompt: str,
    length: int,
    stops: tuple[str, ...],
    until: str | None,
    count: int,
    store: RunStore,
    as_json: bool,
    **settings: Any,
) -> None:
    """Generate text with CHECKPOINT.

    CHECKPOINT is the name of a run, a file, or `moliere`, the bundled model. The default is the newest run, or the
    bundled model.

    A text ends after --length characters, or before with --stop and --until. The prompt ends nothing. With --json,
    ended_by says which it was: length or stop.
    """
    require_output()
    config = configure(SamplingConfig(), given(settings, SamplingConfig))
    # A last seed that is out of range is refused now, not after an hour.
    configure(config, {"seed": config.seed + count - 1})
    path = store.checkpoint_path(checkpoint)
    if prompt == "-":
        prompt = _from_stdin()
    from core.checkpoints.checkpoint import load_checkpoint
    from core.sampling.ending import Ending
    from core.sampling.prompt import fit

    model = load_checkpoint(path)
    fitted_stops = [fit(stop, model.vocabulary) for stop in stops]
    for stop in fitted_stops:
        if stop.replaced and not stop.left_out:
            click.echo(sanitise(stop.notice_of("stop text")), err=True)
    known_stops = tuple(stop.typed if stop.left_out else stop.read for stop in fitted_stops)
    ending = Ending(until=UNTIL[until], stops=known_stops)
    ending.check(model.vocabulary)
    fitted = fit(prompt, model.vocabulary)
    if fitted.notice:
        click.echo(sanitise(fitted.notice), err=True)
    if count == 1 and not as_json:
        _stream(model, config, prompt, fitted, length, ending)
        return
    for number, text in enumerate(_texts(model, config, prompt, length, count, ending)):
        if as_json:
            result = {"prompt": prompt, "text": text.text, "seed": text.seed, "ended_by": text.ended_by}
            click.echo(json.dumps(result | {"characters_per_second": text.characters_per_second}))
        else:
            click.echo(f"{'' if number == 0 else chr(10)}--- seed {text.seed} ---")
            click.echo(sanitise(prompt + text.text))


def _stream(
    model: "Checkpoint", config: SamplingConfig, prompt: str, fitted: "FittedPrompt", length: int, ending: "Ending"
) -> None:
    """Generate one text and print it character by character."""
    from core.sampling.ending import EndFinder
    from core.sampling.sampler import Sampler

    prefilled = _read(model, fitted) if len(fitted.read) > LONG_PROMPT else None
    sampler = Sampler(model.model, model.vocabulary, config, fitted, prefilled)
    finder = EndFinder(ending, fitted.read)
    sys.stdout.write(sanitise(prompt))
    sys.stdout.flush()
    flushed = time.perf_counter()
    for drawn in islice(sampler, length):
        sys.stdout.write(sanitise(drawn.character))
        if finder.add(drawn.character):
            break
        if (now := time.perf_counter()) - flushed > FLUSH_SECONDS:
            sys.stdout.flush()
            flushed = now
    click.echo()


def _read(model: "Checkpoint", prompt: "FittedPrompt") -> "Prefilled":
    """Return the model's state after a long prompt; show a progress bar meanwhile."""
    from core.sampling.sampler import prefill

    with bar("reading the prompt") as progress:
        task = progress.add_task("", total=1.0)
        for event in prefill(model.model, model.vocabulary, prompt):
            if isinstance(event, float):
                progress.update(task, completed=event)
            else:
                prefilled = event
    return prefilled


def _texts(
    model: "Checkpoint", config: SamplingConfig, prompt: str, length: int, count: int, ending: "Ending"
) -> "Iterator[Text]":
    """Yield texts generated in batches; show a progress bar meanwhile."""
    from core.sampling.batch_sampling import Writing, write_texts

    with bar(f"{count:,} × {count_of(length, 'character')}") as progress:
        task = progress.add_task("", total=count * length)
        for event in write_texts(
            model.model, model.vocabulary, config, prompt, length=length, count=count, ending=ending
        ):
            if isinstance(event, Writing):
                progress.update(task, completed=event.characters)
            else:
                yield event


def _from_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UserError("The prompt on standard input is not UTF-8.") from None
    except (AttributeError, ValueError):  # closed before the program started
        raise UserError("There is no standard input to read the prompt from.") from None
