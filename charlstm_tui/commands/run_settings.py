"""Options that set up a run, and the run's configuration that they make: for `train` and `sweep new`."""

from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import given
from charlstm_tui.commands.text_options import TEXTS, about_moliere, check_split_seed, read_text
from core.data.corpus import Corpus, CorpusConfig
from core.data.encodings import Errors
from core.data.known_texts import MOLIERE, default_name
from core.data.splits import Split
from core.errors import UserError
from core.files import user_path
from core.runs.run import Origin, RunConfig
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.settings.presets import DEFAULT_PRESET, FINE_TUNE, PRESETS, SMALL_TEXT, preset_for, preset_named
from core.settings.toml_file import Settings, read_settings
from core.text import in_one_line

corpus_option = click.option(
    "--corpus",
    metavar="TEXT",
    multiple=True,
    shell_complete=proposals.texts,
    help=f"Training text: {TEXTS}. Repeat the option for more. [default: moliere if downloaded]",
)
preset_option = click.option(
    "--preset",
    metavar="NAME",
    shell_complete=proposals.presets,
    help=f"Source of all settings that are not given: {', '.join(PRESETS)} (see charlstm-tui presets). "
    f"[default: {DEFAULT_PRESET}; small for a text under {SMALL_TEXT:,} characters; {FINE_TUNE.name} with --from]",
)
config_option = click.option(
    "--config",
    "settings_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML file of settings. Options on the command line override it.",
)


def configured_run(
    corpus: tuple[str, ...],
    limit: int | None,
    split: Split | None,
    encoding: str | None,
    encoding_errors: Errors | None,
    split_seed: int | None,
    skip_unreadable: bool,
    preset: str | None,
    settings_path: Path | None,
    start: tuple[Origin, ModelConfig] | None = None,
    **settings: Any,
) -> tuple[RunConfig, Corpus]:
    """Return the configuration from the options and the file of settings, and the corpus.

    With a `start`, the run begins with another model and has its network.

    Raises:
        UserError: a setting or the text is not possible.
    """
    said = read_settings(user_path(str(settings_path))) if settings_path is not None else Settings()
    name_of_preset = _first(preset, said.preset)
    model = said.model | given(settings, ModelConfig)
    training = said.training | given(settings, TrainingConfig)
    for config_class, changed in ((ModelConfig, model), (TrainingConfig, training)):
        configure(config_class(), changed)  # report errors before reading a large text
    base = preset_named(name_of_preset) if name_of_preset is not None else None
    if start is not None:
        base = replace(base or FINE_TUNE, model=start[1])
        _check_network(start[0].name, start[1], model)
    elif base is not None and base.name == FINE_TUNE.name:
        raise UserError(f"The preset {FINE_TUNE.name} trains a model further: give that with --from MODEL.")
    corpus = corpus or said.corpus
    cut = _first(split, said.split, "tail")
    check_split_seed(cut, split_seed)
    corpus_config = CorpusConfig.typed(
        corpus or default_name(),
        _first(limit, said.limit),
        cut,
        _first(encoding, said.encoding),
        _first(encoding_errors, said.encoding_errors, "strict"),
        split_seed=_first(split_seed, said.split_seed, 0),
        skip_unreadable=skip_unreadable or bool(said.skip_unreadable),
    )
    if not corpus and not MOLIERE.here:
        click.echo(f"Training on the bundled play. {about_moliere()}", err=True)
    text = read_text(corpus_config)
    base = base or preset_for(len(text))
    config = RunConfig(
        preset=base.name,
        corpus=text.config,
        model=configure(base.model, model),
        training=configure(base.training, training),
        origin=start[0] if start is not None else None,
    )
    return config, text


def _check_network(name: str, model: ModelConfig, changed: dict[str, Any]) -> None:
    """Raise a `UserError` for settings of the network that differ from those of the model that the run begins with."""
    wrong = [setting for setting, value in changed.items() if value != getattr(model, setting)]
    if wrong:
        settings = ", ".join(f"{setting.replace('_', ' ')} {getattr(model, setting)}" for setting in wrong)
        raise UserError(
            f"The network of {in_one_line(name)} has {settings}, and a run that begins with it keeps its network. "
            "Remove these settings, or --from."
        )


def _first(*values: Any) -> Any:
    """Return the first value that is not None; if there is none, the last one."""
    return next((value for value in values if value is not None), values[-1])
