"""The presets: settings that were found by experiment to go well together, each with what it reached.

`python -m tests.benchmarks.presets` measures them.
"""

from msgspec import Struct, structs

from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE
from core.errors import UserError
from core.settings.config import ModelConfig, TrainingConfig


class Measured(Struct, frozen=True, kw_only=True):
    """What a preset reached on Molière's plays, tail split, on two cores without a GPU."""

    limit: int | None
    """Of the text, in characters; None is all of it."""
    test_loss: str
    """Nats per character."""
    took: str

    @property
    def text(self) -> str:
        """Which text it was."""
        return "all of Molière" if self.limit is None else f"the first {self.limit:,} characters of Molière"

    @property
    def sentence(self) -> str:
        """The figures, and what they are of."""
        return f"Measured on two cores, on {self.text}: {self.took}, test loss {self.test_loss}."


class Preset(Struct, frozen=True, kw_only=True):
    """A named pair of configurations."""

    name: str
    purpose: str
    """One sentence: when to take it."""
    measured: Measured
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
            measured=Measured(limit=100_000, took="half a minute", test_loss="1.49 to 1.53"),
            model=ModelConfig(),
            training=TrainingConfig(precision="fp32"),
        ),
        Preset(
            name="quick",
            purpose="A better model than the notebook's, much sooner.",
            measured=Measured(limit=100_000, took="3 s", test_loss="1.47"),
            model=ModelConfig(embedding_size=128, hidden_size=256),
            training=structs.replace(_ANNEALED, epochs=4, streams=12, window=40, learning_rate=1e-2, validation=0.05),
        ),
        Preset(
            name="small",
            purpose="For a text under 300,000 characters.",
            measured=Measured(limit=100_000, took="70 s", test_loss="1.36"),
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
            measured=Measured(limit=None, took="5 min", test_loss="1.27"),
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
            measured=Measured(limit=None, took="50 min", test_loss="1.22"),
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


_WITHOUT_EFFECT = ("device", "precision", "threads", "seed", "sample_length", "sample_prompt")
"""The settings of training that do not change the loss to expect by more than chance does."""


def expected_of(name: str, corpus: CorpusConfig, model: ModelConfig, training: TrainingConfig) -> Measured | None:
    """Return what a preset reached, if that can be expected of a run: on the same text, with the same settings."""
    preset = PRESETS.get(name)
    if preset is None:
        return None
    without = {setting: getattr(preset.training, setting) for setting in _WITHOUT_EFFECT}
    same_settings = (model, structs.replace(training, **without)) == (preset.model, preset.training)
    is_moliere = corpus.source == MOLIERE.name or (bool(MOLIERE.sha256) and corpus.sha256 == MOLIERE.sha256)
    same_text = is_moliere and corpus.split == "tail" and corpus.limit == preset.measured.limit
    return preset.measured if same_settings and same_text else None
