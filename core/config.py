"""Every setting, described once: its type, its bounds, its default and a sentence about it.

The command line's options and the form on screen are made from these descriptions, and a preset is an instance of them.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from core.errors import UserError


class ModelConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of the network."""

    embedding_size: Annotated[
        int, Meta(ge=1, le=4096, description="Numbers that stand for a character on its way in.")
    ] = 128
    hidden_size: Annotated[int, Meta(ge=1, le=8192, description="Cells in each LSTM layer.")] = 128
    num_layers: Annotated[int, Meta(ge=1, le=16, description="LSTM layers, each reading the one below.")] = 1


class TrainingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the network is trained."""

    epochs: Annotated[int, Meta(ge=1, le=1_000_000, description="Walks through the training text.")] = 20
    seconds: Annotated[float, Meta(ge=0, le=1e7, description="Ends by then, whatever the epochs; 0 is no end.")] = 0.0
    streams: Annotated[int, Meta(ge=1, le=65_536, description="Places in the text that are read side by side.")] = 1
    window: Annotated[int, Meta(ge=1, le=65_536, description="Characters between two steps of the optimizer.")] = 100
    learning_rate: Annotated[float, Meta(gt=0, le=10, description="Size of a step of AdamW.")] = 1e-3
    gradient_clip: Annotated[float, Meta(ge=0, le=1e6, description="Largest norm of a gradient; 0 never clips.")] = 0.0
    validation: Annotated[
        float, Meta(ge=0, le=0.5, description="Share of the training part kept to choose the best epoch by.")
    ] = 0.0
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Same seed, same machine: the same losses.")] = 0


class SamplingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How characters are drawn from what the network expects."""

    temperature: Annotated[
        float, Meta(ge=0, le=100, description="Below 1 safer, above 1 bolder; 0 always takes the likeliest.")
    ] = 0.8
    top_k: Annotated[int, Meta(ge=0, le=1_000_000, description="Draw among the k likeliest only; 0 is off.")] = 0
    top_p: Annotated[float, Meta(gt=0, le=1, description="Draw among the likeliest that sum to p; 1 is off.")] = 1.0
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Same seed, same prompt: the same text.")] = 0


class Preset(Struct, frozen=True, kw_only=True):
    """A named pair of configurations with a sentence of purpose."""

    name: str
    purpose: str
    model: ModelConfig
    training: TrainingConfig


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="notebook",
            purpose="The course's recipe, exactly.",
            model=ModelConfig(),
            training=TrainingConfig(),
        ),
        Preset(
            name="quick",
            purpose="More cells, eight streams: better, sooner.",
            model=ModelConfig(embedding_size=128, hidden_size=256),
            training=TrainingConfig(
                epochs=6, streams=8, window=50, learning_rate=3e-3, gradient_clip=1.0, validation=0.05
            ),
        ),
    )
}
DEFAULT_PRESET = "quick"

Config = TypeVar("Config", bound=Struct)


class Field(NamedTuple):
    """One setting as a form or a command line needs to know it."""

    name: str
    kind: type[int] | type[float]
    description: str
    default: int | float
    bounds: str
    """In words: "from 1 to 16", "above 0 and at most 1"."""
    annotation: Any
    """The type with its bounds, as msgspec reads it."""

    def check(self, value: object) -> int | float:
        """Return `value` if this setting can have it.

        Raises:
            UserError: it is of another type or out of bounds; the text says which are right.
        """
        try:
            number: int | float = msgspec.convert(value, self.annotation)
        except msgspec.ValidationError:
            right = "a whole number" if self.kind is int else "a number"
            raise UserError(f"{self.name} must be {right} {self.bounds}, not {value}.") from None
        return number

    def parse(self, text: str) -> int | float:
        """Return the value that a person typed: `90,000`, `90 000` and `0,8` are numbers too.

        Raises:
            UserError: as for `check`.
        """
        try:
            text = text.strip()
            if re.fullmatch(r"[1-9][0-9]{0,2}([, ][0-9]{3})+", text):
                text = re.sub("[, ]", "", text)
            return self.check(int(text) if self.kind is int else float(text.replace(",", ".")))
        except ValueError:
            return self.check(text or "nothing")

    def show(self, value: float) -> str:
        """Return the value so that `parse` reads it back."""
        return str(value) if self.kind is int else f"{value:g}"


def fields_of(config: type[Struct]) -> list[Field]:
    """Describe the settings of a configuration class, in the order in which it declares them."""
    hints = get_type_hints(config, include_extras=True)
    defaults = {field.name: field.default for field in msgspec.structs.fields(config)}
    described = []
    for name, hint in hints.items():
        kind, meta = get_args(hint)
        described.append(Field(name, kind, meta.description, defaults[name], _bounds_in_words(meta), hint))
    return described


def configure(base: Config, settings: Mapping[str, Any]) -> Config:
    """Return `base` with some settings changed.

    Raises:
        UserError: a setting is unknown, of the wrong type or out of its bounds; the text names it and its bounds.
    """
    known = {field.name: field for field in fields_of(type(base))}
    for name, value in settings.items():
        if name not in known:
            raise UserError(f"There is no setting called {name}. The settings are: {', '.join(known)}.")
        known[name].check(value)
    return msgspec.structs.replace(base, **settings)


def preset_named(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        UserError: there is none; the text lists those there are.
    """
    if name not in PRESETS:
        raise UserError(f"There is no preset called {name}. The presets are: {', '.join(PRESETS)}.")
    return PRESETS[name]


def _bounds_in_words(meta: Meta) -> str:
    most = f"{meta.le:,.10g}"
    return f"from {meta.ge} to {most}" if meta.ge is not None else f"above {meta.gt} and at most {most}"
