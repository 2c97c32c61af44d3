"""What the settings of a run begin with, when nothing is remembered."""

import contextlib

from core.data.corpus import CorpusConfig
from core.data.known_texts import default_name
from core.errors import UserError
from core.runs.run import RunConfig
from core.settings.presets import PRESETS, Preset, preset_for


def usual_run() -> RunConfig:
    """Return a run on the default text with the preset that suits it."""
    name = default_name()
    preset = preset_for(size_of(name) or 0)
    return RunConfig(preset=preset.name, corpus=CorpusConfig.typed(name), model=preset.model, training=preset.training)


def preset_or_default(name: str) -> Preset:
    """Return the preset of that name; the one to begin with where there is none of that name any more."""
    return PRESETS.get(name) or preset_for(0)


def size_of(source: str) -> int | None:
    """Return about how many characters a text has; None for one that cannot be read."""
    with contextlib.suppress(UserError, OSError, ValueError):
        return CorpusConfig.typed(source).path.stat().st_size
    return None
