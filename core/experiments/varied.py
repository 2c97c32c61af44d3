"""The settings that an experiment varies: each with a list of values, or with a range to search."""

import itertools
import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

from core.errors import UserError
from core.settings.config import Field, ModelConfig, TrainingConfig, Value, fields_of
from core.text import shortened

MAX_VALUES = 1_000
"""Maximum number of values of one setting."""
LOGARITHMIC = ":log"
"""Ending of a range that is searched on a logarithmic scale."""
_FIXED = {
    "seed": "Each combination is repeated with several seeds by itself: use --seeds.",
    "seconds": "Runs of different lengths in seconds cannot be compared; vary epochs.",
    "validation": "The validation part must be the same for all runs, or their losses cannot be compared.",
    "threads": "The threads are shared out among the workers.",
    "device": "It does not change what a network learns.",
    "sample_length": "It does not change what a network learns.",
    "sample_prompt": "It does not change what a network learns.",
}
"""The settings that cannot be varied, each with the reason."""


class Listed(Struct, frozen=True, kw_only=True, tag="values"):
    """A setting with the values to try."""

    name: str
    values: tuple[Value, ...]

    @property
    def shown(self) -> str:
        """The setting as it is typed."""
        return f"{self.name}={','.join(field_named(self.name).show(value) for value in self.values)}"


class Searched(Struct, frozen=True, kw_only=True, tag="range"):
    """A setting with a range of values to search."""

    name: str
    low: int | float
    high: int | float
    log: bool = False
    """Whether the range is searched on a logarithmic scale."""

    @property
    def shown(self) -> str:
        """The setting as it is typed."""
        field = field_named(self.name)
        return f"{self.name}={field.show(self.low)}..{field.show(self.high)}{LOGARITHMIC if self.log else ''}"


Varied = Listed | Searched
Params = dict[str, Value]
"""A value for each varied setting."""

_FIELDS = {field.name: field for config in (ModelConfig, TrainingConfig) for field in fields_of(config)}


def can_be_varied() -> list[Field]:
    """Return the settings that an experiment can vary."""
    return [field for field in _FIELDS.values() if field.name not in _FIXED]


def field_named(name: str) -> Field:
    """Return the setting with this name, in which a dash may stand for an underscore.

    Raises:
        UserError: there is no such setting, or it cannot be varied; the message says why.
    """
    name = name.strip().replace("-", "_")
    if name in _FIXED:
        raise UserError(f"{name.replace('_', ' ')} cannot be varied. {_FIXED[name]}")
    if name not in _FIELDS:
        known = ", ".join(field.name for field in can_be_varied())
        raise UserError(
            f"There is no setting called {shortened(name, 40) or 'nothing'}. The settings to vary are: {known}."
        )
    return _FIELDS[name]


def parse_varied(typed: str) -> Varied:
    """Return the setting and its values that a user typed: `hidden_size=64,128` or `learning_rate=1e-4..1e-1:log`.

    Raises:
        UserError: it cannot be read, or the setting or a value is not possible.
    """
    name, equals, values = typed.partition("=")
    if not equals:
        raise UserError(
            f"{shortened(typed, 40) or 'Nothing'} is not a setting with values. Write for example "
            "hidden_size=64,128,256, or output_dropout=0..0.6 for a range."
        )
    field = field_named(name)
    return _range_of(field, values) if ".." in values else _values_of(field, values)


def check_varied(varied: Iterable[Varied]) -> None:
    """Check that there is something to vary, and each setting only once.

    Raises:
        UserError: nothing is varied, or a setting is named twice.
    """
    names = [each.name for each in varied]
    if not names:
        raise UserError("Nothing is varied. Name at least one setting with its values, for example hidden_size=64,128.")
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name} is varied twice. Write all its values in one place.")


def combinations(varied: Iterable[Listed]) -> list[Params]:
    """Return every combination of the values, the last setting changing fastest."""
    listed = list(varied)
    names = [each.name for each in listed]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(each.values for each in listed))]


def count_combinations(varied: Iterable[Listed]) -> int:
    """Return the number of combinations."""
    return math.prod(len(each.values) for each in varied)


def shown(params: Mapping[str, Value]) -> str:
    """Return values in one line: `hidden size 64, num layers 2`."""
    return ", ".join(f"{_FIELDS[name].title} {_FIELDS[name].show(value)}" for name, value in params.items())


def _values_of(field: Field, typed: str) -> Listed:
    values = tuple(field.parse(each) for each in typed.split(","))
    if len(set(values)) < len(values):
        raise UserError(f"{field.title} has the same value twice: {shortened(typed, 60)}.")
    if len(values) > MAX_VALUES:
        raise UserError(f"{field.title} has {len(values):,} values; at most {MAX_VALUES:,} are possible.")
    return Listed(name=field.name, values=values)


def _range_of(field: Field, typed: str) -> Searched:
    bounds, log = typed.strip(), False
    if bounds.endswith(LOGARITHMIC):
        bounds, log = bounds.removesuffix(LOGARITHMIC), True
    if field.kind is str:
        raise UserError(f"{field.title} has no range: list its values, for example {_example(field)}.")
    low, high = (field.parse(each) for each in bounds.split("..", 1))
    assert not isinstance(low, str)
    assert not isinstance(high, str)
    if low >= high:
        raise UserError(
            f"{field.title}: {field.show(low)}..{field.show(high)} is empty. The first value must be the lower one."
        )
    if log and low <= 0:
        raise UserError(f"{field.title}: a logarithmic range must begin above 0, not at {field.show(low)}.")
    return Searched(name=field.name, low=low, high=high, log=log)


def _example(field: Field) -> str:
    return f"{field.name}={','.join(field.choices[:2])}"
