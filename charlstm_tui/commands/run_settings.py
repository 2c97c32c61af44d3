"""Options that set up a run, and the run's configuration that they make: for `train` and `sweep new`."""

from pathlib import Path
from typing import Any

import click

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import given
from charlstm_tui.commands.text_options import TEXTS, about_moliere, read_text
from core.data.corpus import Corpus, CorpusConfig
from core.data.encodings import Errors
from core.data.known_texts import MOLIERE, default_name
from core.data.splits import Split
from core.files import user_path
from core.runs.run import RunConfig
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.settings.presets import DEFAULT_PRESET, PRESETS, SMALL_TEXT, preset_for, preset_named
from core.settings.toml_file import Settings, read_settings

corpus_option = click.option(
    "--corpus",
    metavar="TEXT",
    shell_complete=proposals.texts,
    help=f"Training text: {TEXTS}. [default: moliere if downloaded]",
)
preset_option = click.option(
    "--preset",
    metavar="NAME",
    shell_complete=proposals.presets,
    help=f"Source of all settings that are not given: {', '.join(PRESETS)} (see charlstm-tui presets). "
    f"[default: {DEFAULT_PRESET}; small for a text under {SMALL_TEXT:,} characters]",
)
config_option = click.option(
    "--config",
    "settings_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML file of settings. Options on the command line override it.",
)


def configured_run(
    corpus: str | None,
    limit: int | None,
    split: Split | None,
    encoding: str | None,
    encoding_errors: Errors | None,
    preset: str | None,
    settings_path: Path | None,
    **settings: Any,
) -> tuple[RunConfig, Corpus]:
    """Return the configuration from the options and the file of settings, and the corpus.

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
    corpus = _first(corpus, said.corpus)
    corpus_config = CorpusConfig.typed(
        _first(corpus, default_name()),
        _first(limit, said.limit),
        _first(split, said.split, "tail"),
        _first(encoding, said.encoding),
        _first(encoding_errors, said.encoding_errors, "strict"),
    )
    if corpus is None and not MOLIERE.here:
        click.echo(f"Training on the bundled play. {about_moliere()}", err=True)
    text = read_text(corpus_config)
    base = base or preset_for(len(text))
    config = RunConfig(
        preset=base.name,
        corpus=text.config,
        model=configure(base.model, model),
        training=configure(base.training, training),
    )
    return config, text


def _first(*values: Any) -> Any:
    """Return the first value that is not None; if there is none, the last one."""
    return next((value for value in values if value is not None), values[-1])
