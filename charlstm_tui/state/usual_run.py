"""The default settings of a run."""

import contextlib

from core.data.corpus import CorpusConfig
from core.data.known_texts import default_name
from core.errors import UserError
from core.runs.run import RunConfig
from core.settings.presets import ALL_PRESETS, Preset, preset_for


def usual_run() -> RunConfig:
    """Return the settings of a run on the default text, with the preset for its length."""
    name = default_name()
    preset = preset_for(size_of(name) or 0)
    return RunConfig(preset=preset.name, corpus=CorpusConfig.typed(name), model=preset.model, training=preset.training)


def preset_or_default(name: str) -> Preset:
    """Return the preset of that name; the one for short texts if it no longer exists."""
    return ALL_PRESETS.get(name) or preset_for(0)


def size_of(source: str) -> int | None:
    """Return the size of a text's file in bytes, about its number of characters.

    None if it cannot be read, or is not a single file.
    """
    with contextlib.suppress(UserError, OSError, ValueError):
        config = CorpusConfig.typed(source)
        return config.path.stat().st_size if config.is_single else None
    return None
