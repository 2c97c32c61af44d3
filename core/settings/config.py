"""Every setting, described once: its type, its bounds, its default and a sentence about it.

The command line's options and the form on screen are made from these descriptions; `core/settings/presets.py` has
instances.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from core.errors import UserError
from core.events import ComputePrecision
from core.settings.number_parsing import UnclearNumberError, read_number
from core.text import read_escapes, shortened, with_escapes

Cell = Literal["lstm", "gru", "rnn"]
Decay = Literal["all", "matrices"]
Precision = Literal["auto", ComputePrecision]
ComputeDevice = Literal["cpu", "cuda", "mps"]
Device = Literal["auto", ComputeDevice]


class ModelConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of the network."""

    cell: Annotated[Cell, Meta(description="Kind of recurrent layer; rnn is the plain one, for comparison.")] = "lstm"
    embedding_size: Annotated[
        int, Meta(ge=1, le=4096, description="Embedding dimension: numbers that a character enters as.")
    ] = 128
    hidden_size: Annotated[int, Meta(ge=1, le=8192, description="Cells in each layer.")] = 128
    num_layers: Annotated[int, Meta(ge=1, le=16, description="Layers, each reading the one below.")] = 1


class TrainingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the network is trained."""

    epochs: Annotated[int, Meta(ge=1, le=1_000_000, description="Passes through the training text.")] = 20
    seconds: Annotated[float, Meta(ge=0, le=1e7, description="Time limit in place of epochs; 0 sets none.")] = 0.0
    streams: Annotated[
        int, Meta(ge=1, le=65_536, description="Parts of the text that are read side by side (batch size).")
    ] = 1
    window: Annotated[int, Meta(ge=1, le=65_536, description="Characters between two steps of the optimizer.")] = 100
    learning_rate: Annotated[float, Meta(gt=0, le=10, description="Size of a step of AdamW, at its largest.")] = 1e-3
    warmup: Annotated[float, Meta(ge=0, le=0.5, description="Share of the run in which the rate rises to that.")] = 0.0
    final_rate: Annotated[
        float, Meta(ge=0, le=1, description="Share of the rate at the end, along a cosine; 1 keeps it constant.")
    ] = 1.0
    beta2: Annotated[float, Meta(ge=0, lt=1, description="Memory of AdamW for the size of gradients.")] = 0.999
    weight_decay: Annotated[float, Meta(ge=0, le=10, description="Weight decay of AdamW: keeps weights small.")] = 0.01
    decay: Annotated[Decay, Meta(description="Weights that decay; all, as in PyTorch, includes biases.")] = "all"
    gradient_clip: Annotated[float, Meta(ge=0, le=1e6, description="Largest norm of a gradient; 0 never clips.")] = 0.0
    forget_bias: Annotated[float, Meta(ge=-10, le=10, description="Added to the forget gates' first bias.")] = 0.0
    input_dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of inputs dropped, through a window.")] = 0.0
    layer_dropout: Annotated[float, Meta(ge=0, lt=1, description="The same between layers.")] = 0.0
    output_dropout: Annotated[float, Meta(ge=0, lt=1, description="The same before the output.")] = 0.0
    weight_drop: Annotated[float, Meta(ge=0, lt=1, description="Share of recurrent weights dropped, a window.")] = 0.0
    state_reset: Annotated[
        float, Meta(ge=0, le=1, description="Chance, a window, that a stream's state is set to zero.")
    ] = 0.0
    averaging: Annotated[
        float, Meta(ge=0, lt=1, description="Memory of the averaged weights that are kept; 0 averages none.")
    ] = 0.0
    patience: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Epochs without a better one that stop it early; 0 never.")
    ] = 0
    validation: Annotated[
        float, Meta(ge=0, le=0.5, description="Share of the training part kept to choose the best epoch by.")
    ] = 0.0
    sample_length: Annotated[
        int, Meta(ge=0, le=10_000, description="Characters of the sample after an epoch; 0 draws none.")
    ] = 300
    sample_prompt: Annotated[str, Meta(max_length=1_000, description="Prompt of the samples; may be empty.")] = ""
    precision: Annotated[
        Precision, Meta(description="Precision of the products; auto takes bf16 where it is faster.")
    ] = "auto"
    threads: Annotated[int, Meta(ge=0, le=1024, description="Threads of the CPU; 0 tries and chooses.")] = 0
    device: Annotated[Device, Meta(description="What to compute on; auto takes a GPU where there is one.")] = "auto"
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Same seed, same machine: the same losses.")] = 0

    @property
    def has_dropout(self) -> bool:
        """Whether inputs, outputs or recurrent weights are dropped while the network learns."""
        return bool(self.input_dropout or self.layer_dropout or self.output_dropout or self.weight_drop)


class SamplingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How characters are drawn from what the network expects."""

    temperature: Annotated[
        float, Meta(ge=0, le=100, description="Below 1 safer, above 1 bolder; 0 always takes the likeliest.")
    ] = 0.8
    top_k: Annotated[int, Meta(ge=0, le=1_000_000, description="Draw among the k likeliest only; 0 is off.")] = 0
    top_p: Annotated[float, Meta(gt=0, le=1, description="Draw among the likeliest that sum to p; 1 is off.")] = 1.0
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Same seed, same prompt: the same text.")] = 0


Config = TypeVar("Config", bound=Struct)


Value = int | float | str


class Field(NamedTuple):
    """One setting as a form or a command line needs to know it."""

    name: str
    kind: type[int] | type[float] | type[str]
    description: str
    default: Value
    bounds: str
    """In words: "from 1 to 16", "above 0 and at most 1", "at most 100 characters"."""
    annotation: Any
    """The type with its bounds, as msgspec reads it."""
    choices: tuple[str, ...] = ()
    """What a setting of text may be."""

    @property
    def title(self) -> str:
        """The name in words, for a sentence."""
        return self.name.replace("_", " ")

    def check(self, value: object) -> Value:
        """Return `value` if this setting can have it.

        Raises:
            UserError: it is of another type or out of bounds; the text says which are right.
        """
        try:
            checked: Value = msgspec.convert(value, self.annotation)
        except msgspec.ValidationError:
            right = {int: "a whole number ", float: "a number ", str: ""}[self.kind]
            raise UserError(f"{self.title} must be {right}{self.bounds}, not {shortened(str(value))}.") from None
        return checked

    def parse(self, text: str) -> Value:
        """Return the value that a person typed, numbers as `core.settings.number_parsing` reads them.

        Raises:
            UserError: as for `check`, or a number that can be read in two ways.
        """
        if self.kind is str and not self.choices:
            return self.check(read_escapes(text))
        text = text.strip()
        if self.kind is str:
            return self.check(text or "nothing")
        try:
            number: int | float = read_number(text, self.kind)  # type: ignore[arg-type]
        except UnclearNumberError as error:
            raise UserError(f"{self.title}: {error}") from None
        except UserError:
            return self.check(text or "nothing")
        return self.check(number)

    def show(self, value: Value) -> str:
        """Return the value so that `parse` reads it back."""
        if self.kind is not float:
            return with_escapes(str(value)) if not self.choices else str(value)
        short = f"{value:g}"
        return short if float(short) == value else repr(float(value))


def fields_of(config: type[Struct]) -> list[Field]:
    """Describe the settings of a configuration class, in the order in which it declares them."""
    hints = get_type_hints(config, include_extras=True)
    defaults = {field.name: field.default for field in msgspec.structs.fields(config)}
    described = []
    for name, hint in hints.items():
        kind, meta = get_args(hint)
        choices = get_args(kind)
        bounds = f"{', '.join(choices[:-1])} or {choices[-1]}" if choices else _bounds_in_words(meta)
        described.append(Field(name, str if choices else kind, meta.description, defaults[name], bounds, hint, choices))
    return described


def configure(base: Config, settings: Mapping[str, object]) -> Config:
    """Return `base` with some settings changed.

    Raises:
        UserError: a setting is unknown, of the wrong type or out of its bounds; the text names it and its bounds.
    """
    known = {field.name: field for field in fields_of(type(base))}
    checked = {}
    for name, value in settings.items():
        if name not in known:
            raise UserError(f"There is no setting called {name}. The settings are: {', '.join(known)}.")
        checked[name] = known[name].check(value)
    return msgspec.structs.replace(base, **checked)


def _bounds_in_words(meta: Meta) -> str:
    """Return the bounds, each number such that `parse` reads it where somebody types it as it stands here."""
    if meta.max_length is not None:
        return f"at most {_plain(meta.max_length)} characters"
    least, most = _plain(meta.ge if meta.ge is not None else meta.gt), _plain(meta.lt or meta.le)
    if meta.lt is not None:
        return f"from {least} to below {most}"
    return f"from {least} to {most}" if meta.ge is not None else f"above {least} and at most {most}"


def _plain(number: int | float | None) -> str:
    """Return a number with spaces between thousands where it has five digits or more."""
    shown = f"{number or 0:,.10g}"
    return shown.replace(",", "" if len(shown) == len("1,000") else " ")
