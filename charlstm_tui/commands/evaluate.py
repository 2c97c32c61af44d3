"""`charlstm-tui evaluate`: the loss of a model on a part of a text."""

import json
import math
from typing import TYPE_CHECKING

import click
import msgspec

from charlstm_tui.commands.options import json_option, runs_option
from charlstm_tui.commands.streams import bar
from charlstm_tui.commands.texts import TEXTS, limit_option, read_text, split_option
from core.corpus import PARTS, CorpusConfig, Part, Split
from core.runs import RunStore
from core.scores import Evaluation, EvaluationProgress
from core.text import in_one_line

if TYPE_CHECKING:
    from core.checkpoint import Checkpoint
    from core.corpus import Corpus


@click.command("evaluate", short_help="Measure a model on a text.")
@click.argument("checkpoint")
@click.option("--corpus", metavar="TEXT", help=f"{TEXTS} [else the text that the model was trained on].")
@limit_option
@split_option
@click.option("--part", type=click.Choice(PARTS), default="test", show_default=True, help="Which part of the text.")
@runs_option
@json_option
def evaluate_command(
    checkpoint: str,
    corpus: str | None,
    limit: int | None,
    split: Split | None,
    part: Part,
    store: RunStore,
    as_json: bool,
) -> None:
    """Measure CHECKPOINT, a run's name or a file, on a part of a text: by default the one kept from its training."""
    path = store.checkpoint_path(checkpoint)
    from core.checkpoint import load_checkpoint

    model = load_checkpoint(path)
    text = read_text(_chosen(model.corpus, corpus, limit, split))
    if corpus is None and model.corpus.sha256 not in ("", text.config.sha256):
        click.echo(f"{in_one_line(str(text.config.path))} has changed since the model was trained on it.", err=True)
    evaluation = _evaluate_showing_progress(model, text, part)
    if part != "train" and evaluation.learnt_characters:
        click.echo(
            f"{evaluation.learnt_characters:,} of these characters were among those that the model was trained on: "
            "it was trained on another cut of this text.",
            err=True,
        )
    click.echo(json.dumps(_as_json(evaluation)) if as_json else _as_text(evaluation))


def _chosen(trained_on: CorpusConfig, named: str | None, limit: int | None, split: Split | None) -> CorpusConfig:
    """Return the model's own text, or another one; a limit goes with the text it was given for."""
    split = split or trained_on.split
    if named is not None:
        return CorpusConfig.typed(named, limit, split)
    return msgspec.structs.replace(trained_on, limit=limit or trained_on.limit, split=split)


def _evaluate_showing_progress(checkpoint: "Checkpoint", corpus: "Corpus", part: Part) -> Evaluation:
    from core.evaluation import evaluate

    with bar("evaluating") as progress:
        task = progress.add_task("", total=None)
        for event in evaluate(checkpoint, corpus, part):
            if isinstance(event, EvaluationProgress):
                progress.update(task, completed=event.scored, total=event.characters)
            else:
                evaluation = event
    return evaluation


def _as_json(evaluation: Evaluation) -> dict[str, object]:
    score = evaluation.score
    return {
        "corpus": evaluation.corpus.name,
        "limit": evaluation.corpus.limit,
        "split": evaluation.corpus.split,
        "part": evaluation.part,
        "characters": evaluation.characters,
        "unknown_characters": evaluation.unknown_characters,
        "learnt_characters": evaluation.learnt_characters,
        "loss": score.loss,
        "standard_error": score.standard_error,
        "bits_per_character": score.bits_per_character,
        "perplexity": score.perplexity if math.isfinite(score.perplexity) else None,
        "accuracy": score.accuracy,
    }


def _as_text(evaluation: Evaluation) -> str:
    score = evaluation.score
    error = f" ± {score.standard_error:.4f}" if score.standard_error is not None else ""
    lines = [
        f"{evaluation.corpus.name} · {evaluation.corpus.split} · {evaluation.part} · "
        f"{evaluation.characters:,} characters",
        "",
        f"loss                {score.loss:8.4f}{error}  nats per character",
        f"bits per character  {score.bits_per_character:8.4f}",
        f"perplexity          {score.perplexity:8.2f}",
        f"right first time    {score.accuracy:8.1%}",
    ]
    if evaluation.unknown_characters:
        lines.append(f"left out            {evaluation.unknown_characters:8,}  characters that the model does not know")
    return "\n".join(lines)
