"""`charlstm-tui import`: make a run of a model that was trained elsewhere, such as in the course's notebook."""

from contextlib import closing
from typing import TYPE_CHECKING

import click
import msgspec

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import json_option, runs_option
from charlstm_tui.commands.stdio import bar
from charlstm_tui.commands.text_options import TEXTS, check_split_seed, read_text, reading_options
from core.data.corpus import Corpus, CorpusConfig
from core.data.encodings import Errors
from core.data.splits import Split
from core.files import user_path
from core.runs.run import Run
from core.runs.store import RunStore, check_name
from core.text import count_of, in_one_line, sanitise

if TYPE_CHECKING:
    from core.interchange.import_run import ImportedFile
    from core.settings.config import ModelConfig


@click.command("import", short_help="Open a model that was trained in the course's notebook.")
@click.argument("file", shell_complete=proposals.files)
@click.option(
    "--corpus", metavar="TEXT", multiple=True, shell_complete=proposals.texts,
    help=f"Text of the notebook: {TEXTS}. Repeat the option for more.",
)  # fmt: skip
@reading_options
@click.option(
    "--vocabulary",
    metavar="CHARACTERS|FILE",
    shell_complete=proposals.files,
    help=r"All characters that the model knows, in the order of their ids, or a file of them; \n is a new line. "
    "[default: those of the text, sorted]",
)
@click.option("--name", metavar="RUN", help="Name of the run. [default: imported and a number]")
@runs_option
@json_option
def import_command(
    file: str,
    corpus: tuple[str, ...],
    limit: int | None,
    split: Split | None,
    split_seed: int | None,
    skip_unreadable: bool,
    encoding: str | None,
    encoding_errors: Errors | None,
    vocabulary: str | None,
    name: str | None,
    store: RunStore,
    as_json: bool,
) -> None:
    """Make a run of the model in FILE, which another program trained, to evaluate it and to generate with it.

    FILE is a .safetensors file of the model's state_dict, or a .pt file, made by torch.save(model.state_dict(), …).
    The model is an embedding, one nn.LSTM, nn.GRU or nn.RNN, and a linear layer, as in the course's notebook, whatever
    its parts are called.

    FILE does not contain the characters of the model. They are those of the text with --corpus and --limit, or those of
    --vocabulary.
    """
    if not corpus and vocabulary is None:
        raise click.UsageError(
            "Which characters does the model know? Give the notebook's text with --corpus and --limit, or the "
            "characters with --vocabulary."
        )
    of_text = (limit, split, split_seed, encoding, encoding_errors, skip_unreadable or None)
    if not corpus and any(value is not None for value in of_text):
        raise click.UsageError("--limit, --split, --encoding and other options of the text need one: add --corpus.")
    if name is not None:
        check_name(name)
    typed = None
    if corpus:
        check_split_seed(split or "tail", split_seed)
        typed = CorpusConfig.typed(
            corpus, limit, split or "tail", encoding, encoding_errors or "strict",
            split_seed=split_seed or 0, skip_unreadable=skip_unreadable,
        )  # fmt: skip
    imported = _opened(file)
    from core.interchange.import_run import UNKNOWN_TEXT, store_model

    text = read_text(typed) if typed is not None else None
    characters = _characters(imported, text, vocabulary)
    run = store_model(store, imported, characters, text.config if text is not None else UNKNOWN_TEXT, name)
    _print(run, imported, as_json=as_json)


def _characters(imported: "ImportedFile", text: Corpus | None, vocabulary: str | None) -> str:
    """Return the characters of the model, in the order of its ids: the given ones, or those of the text.

    Raises:
        UserError: there are more or fewer than the model has.
    """
    from core.interchange.notebook_vocabulary import check_given, check_text, read_vocabulary

    size = imported.model.vocabulary_size
    if vocabulary is not None:
        characters = read_vocabulary(vocabulary)
        check_given(characters, size, imported.shown)
        return characters
    assert text is not None
    check_text(text, size, imported.shown)
    return text.characters


def _opened(file: str) -> "ImportedFile":
    """Read a file of weights; show a bar meanwhile, since another process reads a .pt file."""
    with bar("{task.description}") as progress:
        task = progress.add_task("loading PyTorch", total=None)
        from core.interchange.import_run import open_model

        progress.update(task, description="reading the model")
        with closing(open_model(user_path(file))) as reading:
            while True:
                try:
                    next(reading)
                except StopIteration as end:
                    imported: ImportedFile = end.value
                    return imported


def _print(run: Run, imported: "ImportedFile", *, as_json: bool) -> None:
    """Print what was imported, and the next commands."""
    config, size = run.config(), imported.model.vocabulary_size
    parameters = sum(weight.numel() for weight in imported.model.weights.values())
    if config.model.cell == "rnn":
        click.echo("The weights of an nn.RNN do not tell its nonlinearity: tanh, its default, is used.", err=True)
    if as_json:
        found = {
            "run": run.name,
            "file": str(imported.path),
            "model": config.model,
            "vocabulary": size,
            "parameters": parameters,
            "corpus": None if config.corpus.is_unknown else config.corpus,
            "checkpoint": str(run.best_path),
        }
        click.echo(sanitise(msgspec.json.encode(found).decode()))
        return
    click.echo(in_one_line(f"{run.name}: imported from {imported.path.name}"))
    click.echo(f"model     {_described(config.model)}, {count_of(parameters, 'parameter')}")
    click.echo(in_one_line(f"text      {config.corpus.title}; {count_of(size, 'character')} in the vocabulary"))
    click.echo(in_one_line(f"file      {run.best_path}"))
    named = " --corpus FILE" if config.corpus.is_unknown else ""
    click.echo(f"next      charlstm-tui evaluate {run.name}{named}")
    click.echo(f"          charlstm-tui generate {run.name}")
    click.echo(f"          charlstm-tui train --from {run.name} --corpus FILE")


def _described(model: "ModelConfig") -> str:
    return (
        f"{model.cell}, {count_of(model.num_layers, 'layer')} of {count_of(model.hidden_size, 'cell')}, embedding "
        f"dimension {model.embedding_size:,}"
    )
