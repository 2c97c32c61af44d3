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
from charlstm_tui.commands.stdio import bar
from core.errors import UserError
from core.runs.store import RunStore
from core.settings.config import SamplingConfig, configure
from core.text import count_of, sanitise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.checkpoints.checkpoint import Checkpoint
    from core.sampling.batch_sampling import Text
    from core.sampling.prompt import Prompt as FittedPrompt
    from core.sampling.sampler import Prefilled

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
    help="Characters to generate.",
)
@click.option(
    "--count", metavar="N", type=WholeNumberRange(1, 10**6), default=1, show_default=True,
    help="Number of texts, generated together, each with the next seed.",
)  # fmt: skip
@setting_options(SamplingConfig)
@runs_option
@json_option
def generate_command(
    checkpoint: str, prompt: str, length: int, count: int, store: RunStore, as_json: bool, **settings: Any
) -> None:
    """Generate text with CHECKPOINT.

    CHECKPOINT is the name of a run, a file, or `moliere`, the bundled model. The default is the newest run, or the
    bundled model.
    """
    config = configure(SamplingConfig(), given(settings, SamplingConfig))
    # A last seed that is out of range is refused now, not after an hour.
    configure(config, {"seed": config.seed + count - 1})
    path = store.checkpoint_path(checkpoint)
    if prompt == "-":
        prompt = _from_stdin()
    from core.checkpoints.checkpoint import load_checkpoint
    from core.sampling.prompt import fit

    model = load_checkpoint(path)
    fitted = fit(prompt, model.vocabulary)
    if fitted.notice:
        click.echo(sanitise(fitted.notice), err=True)
    if count == 1 and not as_json:
        _stream(model, config, prompt, fitted, length)
        return
    for number, text in enumerate(_texts(model, config, prompt, length, count)):
        if as_json:
            result = {"prompt": prompt, "text": text.text, "seed": text.seed}
            click.echo(json.dumps(result | {"characters_per_second": text.characters_per_second}))
        else:
            click.echo(f"{'' if number == 0 else chr(10)}--- seed {text.seed} ---")
            click.echo(sanitise(prompt + text.text))


def _stream(model: "Checkpoint", config: SamplingConfig, prompt: str, fitted: "FittedPrompt", length: int) -> None:
    """Generate one text and print it character by character."""
    from core.sampling.sampler import Sampler

    if sys.stdout is None:  # closed before the program started
        raise UserError("There is no standard output to write to.")
    prefilled = _read(model, fitted) if len(fitted.read) > LONG_PROMPT else None
    sampler = Sampler(model.model, model.vocabulary, config, fitted, prefilled)
    sys.stdout.write(sanitise(prompt))
    sys.stdout.flush()
    flushed = time.perf_counter()
    for drawn in islice(sampler, length):
        sys.stdout.write(sanitise(drawn.character))
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


def _texts(model: "Checkpoint", config: SamplingConfig, prompt: str, length: int, count: int) -> "Iterator[Text]":
    """Yield texts generated in batches; show a progress bar meanwhile."""
    from core.sampling.batch_sampling import Writing, write_texts

    with bar(f"{count:,} × {count_of(length, 'character')}") as progress:
        task = progress.add_task("", total=count * length)
        for event in write_texts(model.model, model.vocabulary, config, prompt, length=length, count=count):
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
