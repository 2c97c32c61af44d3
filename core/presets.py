"""The presets: settings that were found by experiment to go well together, each with what to expect of it.

`python -m tests.benchmarks.presets` measures them.
"""

from msgspec import Struct

from core.config import ModelConfig, TrainingConfig
from core.errors import UserError


class Preset(Struct, frozen=True, kw_only=True):
    """A named pair of configurations."""

    name: str
    purpose: str
    """One sentence: when to take it."""
    expect: str
    """About how long, on two cores without a GPU, and what loss on which text."""
    model: ModelConfig
    training: TrainingConfig


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="notebook",
            purpose="The course's recipe, exactly.",
            expect="",
            model=ModelConfig(),
            training=TrainingConfig(precision="fp32"),
        ),
        Preset(
            name="quick",
            purpose="More cells, eight streams: better, sooner.",
            expect="",
            model=ModelConfig(embedding_size=128, hidden_size=256),
            training=TrainingConfig(
                epochs=6, streams=8, window=50, learning_rate=3e-3, gradient_clip=1.0, validation=0.05, precision="fp32"
            ),
        ),
    )
}
DEFAULT_PRESET = "quick"


def preset_named(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        UserError: there is none; the text lists those there are.
    """
    if name not in PRESETS:
        raise UserError(f"There is no preset called {name}. The presets are: {', '.join(PRESETS)}.")
    return PRESETS[name]
