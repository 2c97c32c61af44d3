"""`charlstm-tui generate`: text to stdout, each character as it is drawn."""

import json
import time
from itertools import islice
from typing import Any

import click

from charlstm_tui.commands.options import given, json_option, runs_option, setting_options
from core.config import SamplingConfig, configure
from core.runs import RunStore
from core.text import sanitise


@click.command("generate", short_help="Have a model write.")
@click.argument("checkpoint")
@click.option("--prompt", default="", metavar="TEXT", help="What the text begins with; else it begins from nothing.")
@click.option("--length", type=click.IntRange(1, 10**9), default=500, show_default=True, help="Characters to write.")
@click.option(
    "--count", type=click.IntRange(1, 10**6), default=1, show_default=True, help="Texts, each from the next seed."
)
@setting_options(SamplingConfig)
@runs_option
@json_option
def generate_command(
    checkpoint: str, prompt: str, length: int, count: int, store: RunStore, as_json: bool, **settings: Any
) -> None:
    """Have CHECKPOINT, a run's name or a file, write a text."""
    config = configure(SamplingConfig(), given(settings, SamplingConfig))
    path = store.checkpoint_path(checkpoint)
    from core.checkpoint import load_checkpoint
    from core.sampling import Sampler

    model = load_checkpoint(path)
    samplers = [
        Sampler(model.model, model.vocabulary, configure(config, {"seed": config.seed + number}), prompt)
        for number in range(count)
    ]
    if samplers[0].notice:
        click.echo(sanitise(samplers[0].notice), err=True)
    for number, sampler in enumerate(samplers):
        characters = islice(sampler, length)
        seed = sampler.config.seed
        if as_json:
            started = time.perf_counter()
            text = "".join(characters)
            speed = length / (time.perf_counter() - started)
            click.echo(json.dumps({"prompt": prompt, "text": text, "seed": seed, "characters_per_second": speed}))
        else:
            if count > 1:
                click.echo(f"{'' if number == 0 else chr(10)}--- seed {seed} ---")
            click.echo(sanitise(prompt), nl=False)
            for character in characters:
                click.echo(sanitise(character), nl=False)
            click.echo()
