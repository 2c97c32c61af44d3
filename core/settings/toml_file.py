"""Settings in a TOML file: one per line, with the same names as on the command line.

preset = "small"
corpus = "letters.txt"  # in the same folder as this file; or a list of files, folders and globs
hidden_size = 384
epochs = 30
"""

import json
import tomllib
from pathlib import Path
from typing import Any, get_args

from msgspec import Struct

from core.data.encodings import ERRORS, Errors, encoding_named
from core.data.known_texts import KNOWN
from core.data.splits import SPLITS, Split
from core.errors import UserError
from core.files import user_path
from core.settings.config import ModelConfig, TrainingConfig, Value, configure, fields_of
from core.settings.presets import Preset, preset_named
from core.settings.reading_fields import MAX_SEED
from core.text import in_one_line

MAX_BYTES = 1_000_000
"""Maximum size of such a file; a larger one is a text that was given by mistake."""
_MODEL = {field.name: field for field in fields_of(ModelConfig)}
_TRAINING = {field.name: field for field in fields_of(TrainingConfig)}
_OTHERS = ("preset", "corpus", "limit", "split", "encoding", "encoding_errors", "split_seed", "skip_unreadable")


class Settings(Struct, frozen=True, kw_only=True):
    """The content of a settings file; None or empty for settings that it does not contain."""

    preset: str | None = None
    corpus: tuple[str, ...] = ()
    """Names of known texts, and paths of files, folders and globs."""
    limit: int | None = None
    split: Split | None = None
    encoding: str | None = None
    encoding_errors: Errors | None = None
    split_seed: int | None = None
    skip_unreadable: bool | None = None
    model: dict[str, Value] = {}
    training: dict[str, Value] = {}


def read_settings(path: Path) -> Settings:
    """Read a settings file and check each setting.

    Raises:
        UserError: the file cannot be read, is not TOML, or has a setting that is unknown or out of bounds.
    """
    shown = in_one_line(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UserError(f"{shown} is too large for a settings file.")
        values = tomllib.loads(content.decode("utf-8-sig"))  # some editors write a byte order mark
    except OSError as error:
        raise UserError(f"{shown} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{shown} is not TOML: it is not UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise UserError(f"{shown} is not TOML: {in_one_line(str(error) or 'it cannot be read')}.") from None
    try:
        return _checked({name.replace("-", "_"): value for name, value in values.items()}, path.parent)
    except UserError as error:
        raise UserError(f"{shown}: {error}") from None


def as_toml(preset: Preset) -> str:
    """Return the content of a settings file with all settings of a preset, each with its description, for editing."""
    lines = [f"# {preset.purpose}", f'preset = "{preset.name}"']
    for config in (preset.model, preset.training):
        lines.append("")
        for field in fields_of(type(config)):
            value = getattr(config, field.name)
            shown = json.dumps(value, ensure_ascii=False) if field.kind is str else repr(field.kind(value))
            lines.append(f"{f'{field.name} = {shown}':28}  # {field.description} [{field.bounds}]")
    return "\n".join(lines)


def _checked(values: dict[str, Any], folder: Path) -> Settings:
    """Return the settings of a file in `folder`; raise UserError if one is unknown or out of bounds."""
    known = (*_OTHERS, *_MODEL, *_TRAINING)
    for name in values:
        if name not in known:
            raise UserError(f"There is no setting called {in_one_line(name)}. The settings are: {', '.join(known)}.")
    preset, corpus, limit, split, encoding, errors, seed, skip = (values.get(name) for name in _OTHERS)
    if preset is not None:
        preset_named(str(preset))
    sources = [] if corpus is None else corpus if isinstance(corpus, list) and corpus else [corpus]
    for source in sources:
        if not isinstance(source, str) or not source.strip():
            raise UserError(
                f"corpus must be the path of a text file or a folder, or one of: {', '.join(KNOWN)}; or a list of them."
            )
    if limit is not None and (type(limit) is not int or limit < 1):
        raise UserError(f"limit must be a whole number of at least 1, not {limit}.")
    if split is not None and split not in get_args(Split):
        raise UserError(f"split must be {', '.join(SPLITS[:-1])} or {SPLITS[-1]}, not {split}.")
    if seed is not None and (type(seed) is not int or not 0 <= seed <= MAX_SEED):
        raise UserError(f"split_seed must be a whole number from 0 to {MAX_SEED}, not {seed}.")
    if skip is not None and type(skip) is not bool:
        raise UserError(f"skip_unreadable must be true or false, not {skip}.")
    if encoding is not None:
        encoding_named(str(encoding))
    if errors is not None and errors not in ERRORS:
        raise UserError(f"encoding_errors must be {' or '.join(ERRORS)}, not {errors}.")
    model = {name: value for name, value in values.items() if name in _MODEL}
    training = {name: value for name, value in values.items() if name in _TRAINING}
    configure(ModelConfig(), model)
    configure(TrainingConfig(), training)
    return Settings(
        preset=preset,
        corpus=tuple(source if source in KNOWN else str(folder / user_path(source)) for source in sources),
        limit=limit,
        split=split,
        encoding=encoding,
        encoding_errors=errors,
        split_seed=seed,
        skip_unreadable=skip,
        model=model,
        training=training,
    )
