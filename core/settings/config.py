"""All settings, each with its type, bounds, default and description.

The options of the command line and the form of the app are built from these classes. `core/settings/presets.py` has
instances of them.
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
OptimizerName = Literal["adamw", "muon"]
Precision = Literal["auto", ComputePrecision]
ComputeDevice = Literal["cpu", "cuda", "mps"]
Device = Literal["auto", ComputeDevice]
TextEnd = Literal["length", "empty line", "speech"]
"""What ends a generated text: its length alone, also an empty line, or also the end of a speech."""


class ModelConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Architecture of the network."""

    cell: Annotated[Cell, Meta(description="Kind of recurrent layer; rnn has no gates.")] = "lstm"
    embedding_size: Annotated[
        int, Meta(ge=1, le=4096, description="Embedding dimension: size of a character's vector.")
    ] = 128
    hidden_size: Annotated[int, Meta(ge=1, le=8192, description="Number of cells in each layer.")] = 128
    num_layers: Annotated[int, Meta(ge=1, le=16, description="Number of recurrent layers.")] = 1


class TrainingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hyperparameters of training."""

    epochs: Annotated[int, Meta(ge=1, le=1_000_000, description="Number of passes through the training text.")] = 20
    seconds: Annotated[
        float, Meta(ge=0, le=1e7, description="Time limit in seconds, instead of epochs; 0 sets none.")
    ] = 0.0
    streams: Annotated[int, Meta(ge=1, le=65_536, description="Batch size: parts of the text read in parallel.")] = 1
    window: Annotated[int, Meta(ge=1, le=65_536, description="Characters per stream in one optimizer step.")] = 100
    optimizer: Annotated[OptimizerName, Meta(description="Optimizer; muon is for the layers' matrices.")] = "adamw"
    learning_rate: Annotated[float, Meta(gt=0, le=10, description="Step size of the optimizer, at its maximum.")] = 1e-3
    warmup: Annotated[float, Meta(ge=0, le=0.5, description="Share of the run in which the learning rate rises.")] = 0.0
    final_rate: Annotated[
        float, Meta(ge=0, le=1, description="Learning rate at the end, as a share of its maximum.")
    ] = 1.0
    beta2: Annotated[float, Meta(ge=0, lt=1, description="Memory of AdamW for the size of the gradients.")] = 0.999
    weight_decay: Annotated[float, Meta(ge=0, le=10, description="Weight decay: keeps weights small.")] = 0.01
    decay: Annotated[Decay, Meta(description="Weights that decay; matrices excludes the biases.")] = "all"
    gradient_clip: Annotated[float, Meta(ge=0, le=1e6, description="Maximum norm of the gradient; 0 never clips.")] = (
        0.0
    )
    forget_bias: Annotated[float, Meta(ge=-10, le=10, description="Added to the initial bias of the forget gates.")] = (
        0.0
    )
    input_dropout: Annotated[float, Meta(ge=0, lt=1, description="Dropout of the embeddings: share set to zero.")] = 0.0
    layer_dropout: Annotated[float, Meta(ge=0, lt=1, description="Dropout between layers.")] = 0.0
    output_dropout: Annotated[float, Meta(ge=0, lt=1, description="Dropout before the output.")] = 0.0
    weight_drop: Annotated[float, Meta(ge=0, lt=1, description="Dropout of the recurrent weights.")] = 0.0
    state_reset: Annotated[
        float, Meta(ge=0, le=1, description="Probability, per window, that a stream's state is reset.")
    ] = 0.0
    rename_speakers: Annotated[
        float, Meta(ge=0, le=1, description="Share of a play's speakers who get a new name in each epoch.")
    ] = 0.0
    averaging: Annotated[float, Meta(ge=0, lt=1, description="Memory of the averaged weights; 0 does not average.")] = (
        0.0
    )
    patience: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Early stopping: epochs without improvement; 0 is off.")
    ] = 0
    validation: Annotated[float, Meta(ge=0, le=0.5, description="Share of the training part used for validation.")] = (
        0.0
    )
    sample_length: Annotated[
        int, Meta(ge=0, le=10_000, description="Characters of the sample after each epoch; 0 is off.")
    ] = 300
    sample_prompt: Annotated[str, Meta(max_length=1_000, description="Prompt of the samples; may be empty.")] = ""
    precision: Annotated[Precision, Meta(description="Precision of matrix products; auto uses bf16 if faster.")] = (
        "auto"
    )
    threads: Annotated[int, Meta(ge=0, le=1024, description="Number of CPU threads; 0 uses the fastest number.")] = 0
    device: Annotated[Device, Meta(description="Device to compute on; auto uses a GPU if there is one.")] = "auto"
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Random seed. Same seed, same machine: same losses.")] = 0

    @property
    def has_dropout(self) -> bool:
        """Whether any kind of dropout is used during training."""
        return bool(self.input_dropout or self.layer_dropout or self.output_dropout or self.weight_drop)


class SamplingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How characters are sampled from the network's predictions."""

    temperature: Annotated[
        float, Meta(ge=0, le=100, description="Below 1 less varied, above 1 more; 0 takes the most likely.")
    ] = 0.8
    top_k: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Sample among the k most likely characters; 0 is off.")
    ] = 0
    top_p: Annotated[float, Meta(gt=0, le=1, description="Sample among the most likely that sum to p; 1 is off.")] = 1.0
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Random seed. Same seed, same prompt: same text.")] = 0


Config = TypeVar("Config", bound=Struct)


Value = int | float | str


class Field(NamedTuple):
    """Description of one setting, for a form or a command line."""

    name: str
    kind: type[int] | type[float] | type[str]
    description: str
    default: Value
    bounds: str
    """Bounds in words: "from 1 to 16", "above 0 and at most 1", "at most 100 characters"."""
    annotation: Any
    """Type with its bounds, for msgspec."""
    choices: tuple[str, ...] = ()
    """Values that a text setting may have; empty if it may have any."""

    @property
    def title(self) -> str:
        """Name in words, for a sentence."""
        return self.name.replace("_", " ")

    def check(self, value: object) -> Value:
        """Return `value` if it is valid for this setting.

        Raises:
            UserError: the value has another type or is out of bounds; the message names the bounds.
        """
        try:
            checked: Value = msgspec.convert(value, self.annotation)
        except msgspec.ValidationError:
            right = {int: "a whole number ", float: "a number ", str: ""}[self.kind]
            raise UserError(f"{self.title} must be {right}{self.bounds}, not {shortened(str(value))}.") from None
        return checked

    def parse(self, text: str) -> Value:
        """Return the value that a user typed; `core.settings.number_parsing` parses numbers.

        Raises:
            UserError: as for `check`, or the number is ambiguous.
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
        """Format a value such that `parse` returns it."""
        if self.kind is not float:
            return with_escapes(str(value)) if not self.choices else str(value)
        short = f"{value:g}"
        return short if float(short) == value else repr(float(value))


def fields_of(config: type[Struct]) -> list[Field]:
    """Return the settings of a configuration class, in the order of declaration."""
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
        UserError: a setting is unknown, of the wrong type or out of bounds; the message names it and its bounds.
    """
    known = {field.name: field for field in fields_of(type(base))}
    checked = {}
    for name, value in settings.items():
        if name not in known:
            raise UserError(f"There is no setting called {name}. The settings are: {', '.join(known)}.")
        checked[name] = known[name].check(value)
    return msgspec.structs.replace(base, **checked)


def _bounds_in_words(meta: Meta) -> str:
    """Return the bounds in words. `parse` accepts the numbers as they are written here."""
    if meta.max_length is not None:
        return f"at most {_plain(meta.max_length)} characters"
    least, most = _plain(meta.ge if meta.ge is not None else meta.gt), _plain(meta.lt or meta.le)
    if meta.lt is not None:
        return f"from {least} to below {most}"
    return f"from {least} to {most}" if meta.ge is not None else f"above {least} and at most {most}"


def _plain(number: int | float | None) -> str:
    """Format a number, with spaces between thousands if it has five digits or more."""
    shown = f"{number or 0:,.10g}"
    return shown.replace(",", "" if len(shown) == len("1,000") else " ")
