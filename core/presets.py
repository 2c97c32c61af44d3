"""The presets: settings that were found by experiment to go well together, each with what to expect of it.

`python -m tests.benchmarks.presets` measures them.
"""

from msgspec import Struct, structs

from core.config import ModelConfig, TrainingConfig
from core.errors import UserError


class Preset(Struct, frozen=True, kw_only=True):
    """A named pair of configurations."""

    name: str
    purpose: str
    """One sentence: when to take it."""
    expect: str
    """About how long it takes, on two cores without a GPU, and what test loss it reached on which text."""
    model: ModelConfig
    training: TrainingConfig


_ANNEALED = TrainingConfig(
    warmup=0.05, final_rate=0.02, beta2=0.99, decay="matrices", gradient_clip=1.0, forget_bias=1.0
)
"""What all presets but the notebook's begin from."""

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="notebook",
            purpose="The course's recipe, exactly.",
            expect="half a minute for 100,000 characters of Molière, test loss 1.49 to 1.53",
            model=ModelConfig(),
            training=TrainingConfig(precision="fp32"),
        ),
        Preset(
            name="quick",
            purpose="A better model than the notebook's, much sooner.",
            expect="3 s for 100,000 characters of Molière, test loss 1.47",
            model=ModelConfig(embedding_size=128, hidden_size=256),
            training=structs.replace(_ANNEALED, epochs=4, streams=12, window=40, learning_rate=1e-2, validation=0.05),
        ),
        Preset(
            name="small",
            purpose="For a text under 300,000 characters.",
            expect="70 s for 100,000 characters of Molière, test loss 1.36",
            model=ModelConfig(embedding_size=128, hidden_size=512),
            training=structs.replace(
                _ANNEALED,
                epochs=40, streams=16, window=60, learning_rate=6e-3, weight_decay=0.1, validation=0.05,
                input_dropout=0.1, output_dropout=0.5, weight_drop=0.5, averaging=0.99,
            ),
        ),
        Preset(
            name="standard",
            purpose="For a text of about a million characters.",
            expect="5 min for all of Molière, test loss 1.27",
            model=ModelConfig(embedding_size=128, hidden_size=512),
            training=structs.replace(
                _ANNEALED,
                epochs=9, streams=32, window=60, learning_rate=8e-3, weight_decay=0.1, validation=0.02,
                output_dropout=0.2, weight_drop=0.1, averaging=0.99, state_reset=0.001,
            ),
        ),
        Preset(
            name="best",
            purpose="As good as this program can, for a text of about a million characters.",
            expect="50 min for all of Molière, test loss 1.22",
            model=ModelConfig(embedding_size=128, hidden_size=1024),
            training=structs.replace(
                _ANNEALED,
                epochs=28, streams=32, window=60, learning_rate=5e-3, weight_decay=0.1, validation=0.02,
                output_dropout=0.4, weight_drop=0.4, averaging=0.998, state_reset=0.001,
            ),
        ),
    )
}  # fmt: skip
DEFAULT_PRESET = "standard"
SMALL_TEXT = 300_000
"""Characters below which a text is better served by the preset for small ones."""


def preset_for(characters: int) -> Preset:
    """Return the preset to begin with for a text of that many characters."""
    return PRESETS["small" if characters < SMALL_TEXT else DEFAULT_PRESET]


def preset_named(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        UserError: there is none; the text lists those there are.
    """
    if name not in PRESETS:
        raise UserError(f"There is no preset called {name}. The presets are: {', '.join(PRESETS)}.")
    return PRESETS[name]
