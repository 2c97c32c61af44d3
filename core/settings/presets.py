"""The presets: combinations of settings that worked well in experiments, each with the loss that it reached.

`python -m tests.benchmarks.presets` measures the losses.
"""

from msgspec import Struct, structs

from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE, PLAY
from core.errors import UserError
from core.settings.config import ModelConfig, TrainingConfig


class Measured(Struct, frozen=True, kw_only=True):
    """The result of a preset on Molière's plays, tail split, on two cores without a GPU."""

    corpus: str = MOLIERE.name
    """Name of the text."""
    limit: int | None
    """Number of characters of the text that were used; None for all."""
    test_loss: str
    """Loss on the test part, in nats per character."""
    took: str
    """Duration of the run."""

    @property
    def text(self) -> str:
        """Description of the text."""
        name = "Molière" if self.corpus == MOLIERE.name else "the bundled play"
        return f"all of {name}" if self.limit is None else f"the first {self.limit:,} characters of {name}"

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        return f"Measured on two cores, on {self.text}: {self.took}, test loss {self.test_loss}."


class Preset(Struct, frozen=True, kw_only=True):
    """A named combination of a model and a training configuration."""

    name: str
    purpose: str
    """One sentence on when to use it."""
    measured: Measured
    model: ModelConfig
    training: TrainingConfig


_ANNEALED = TrainingConfig(
    warmup=0.05, final_rate=0.02, beta2=0.99, decay="matrices", gradient_clip=1.0, forget_bias=1.0
)
"""The settings that all presets except the notebook's share."""

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
            measured=Measured(limit=100_000, took="6 s, a tenth of the notebook's time", test_loss="1.45"),
            model=ModelConfig(embedding_size=64, hidden_size=192),
            training=structs.replace(
                _ANNEALED, optimizer="muon", epochs=3, streams=16, window=40, learning_rate=2.5e-2, validation=0.05
            ),
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
            measured=Measured(limit=None, took="5 min", test_loss="1.25"),
            model=ModelConfig(embedding_size=128, hidden_size=512),
            training=structs.replace(
                _ANNEALED,
                optimizer="muon", epochs=5, streams=32, window=60, learning_rate=1e-2, weight_decay=0.1,
                validation=0.02, output_dropout=0.1, averaging=0.99, state_reset=0.001,
            ),
        ),
        Preset(
            name="best",
            purpose="As good as this program can, for a text of about a million characters.",
            measured=Measured(limit=None, took="2.6 h, partly while other programs ran", test_loss="1.18"),
            model=ModelConfig(embedding_size=128, hidden_size=1024),
            training=structs.replace(
                _ANNEALED,
                epochs=24, streams=12, window=180, learning_rate=5e-3, weight_decay=0.1, validation=0.02,
                output_dropout=0.4, weight_drop=0.4, averaging=0.998, state_reset=0.003, rename_speakers=1.0,
            ),
        ),
    )
}  # fmt: skip
FINE_TUNE = Preset(
    name="fine-tune",
    purpose="To train a model further on another text.",
    measured=Measured(corpus=PLAY.name, limit=None, took="3 min", test_loss="1.10"),
    model=PRESETS["best"].model,
    training=structs.replace(
        _ANNEALED,
        epochs=8, streams=16, window=60, learning_rate=1e-3, warmup=0.1, weight_decay=0.1, validation=0.05,
        output_dropout=0.5, weight_drop=0.5, averaging=0.99,
    ),
)  # fmt: skip
"""The preset for a run that begins with another model, whose network it keeps: the bundled one's if none is chosen."""
ALL_PRESETS = PRESETS | {FINE_TUNE.name: FINE_TUNE}
DEFAULT_PRESET = "standard"
SMALL_TEXT = 300_000
"""Number of characters below which the preset for small texts is recommended."""


def preset_for(characters: int) -> Preset:
    """Return the recommended preset for a text of `characters` characters."""
    return PRESETS["small" if characters < SMALL_TEXT else DEFAULT_PRESET]


def preset_named(name: str) -> Preset:
    """Return the preset with this name.

    Raises:
        UserError: there is no such preset; the message lists all presets.
    """
    if name not in ALL_PRESETS:
        raise UserError(f"There is no preset called {name}. The presets are: {', '.join(ALL_PRESETS)}.")
    return ALL_PRESETS[name]


_WITHOUT_EFFECT = ("device", "precision", "threads", "seed", "sample_length", "sample_prompt")
"""The training settings whose effect on the expected loss is no larger than chance."""


def expected_of(name: str, corpus: CorpusConfig, model: ModelConfig, training: TrainingConfig) -> Measured | None:
    """Return the result of a preset if a run can be expected to reach it; None otherwise.

    That is the case if the run has the same text and the same settings, apart from those without effect.
    """
    preset = PRESETS.get(name)
    if preset is None:
        return None
    without = {setting: getattr(preset.training, setting) for setting in _WITHOUT_EFFECT}
    same_settings = (model, structs.replace(training, **without)) == (preset.model, preset.training)
    is_moliere = corpus.sources == (MOLIERE.name,) or (bool(MOLIERE.sha256) and corpus.sha256 == MOLIERE.sha256)
    same_text = is_moliere and corpus.split == "tail" and corpus.limit == preset.measured.limit
    return preset.measured if same_settings and same_text else None
