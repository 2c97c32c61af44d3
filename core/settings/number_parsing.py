"""Parses numbers that people type, and refuses those that two readers would understand differently.

A French writer writes 1 000,5 and an English writer 1,000.5; both are accepted. A number that the two would read
differently, such as 1,000, is refused with a message that says how to write it. A single dot is a decimal point, as in
all numbers that the program shows. However, 1.000 and 1.500 are refused too, because the program would show the
fractions as 1 and 1.5.
"""

import math
import re
from decimal import Decimal
from typing import NamedTuple, overload

from core.errors import UserError
from core.text import shortened

MAX_LENGTH = 40
"""Maximum length of a number in characters; longer input is text that was pasted by mistake."""
_SAME_CHARACTERS = str.maketrans("０１２３４５６７８９．，＋－−ｅＥ", "0123456789.,+--eE")
"""Full-width characters and the minus sign, which have only one reading."""
_GROUP_MARKS = " \u00a0\u2007\u2009\u202f'\u2019_"
"""Separators of thousands that are never decimal marks: spaces of all widths, apostrophes, the underscore."""
_NUMBER = re.compile(
    rf"""
    (?P<sign>[+-]?)
    (?:
        (?P<plain>[0-9]*)
      | (?P<marked>[1-9][0-9]{{0,2}}(?P<mark>[{_GROUP_MARKS}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*)
      | (?P<by_comma>[1-9][0-9]{{0,2}}(?:(?:,[0-9]{{3}}){{2,}}|(?:,[0-9]{{3}})+(?=\.)))
      | (?P<by_dot>[1-9][0-9]{{0,2}}(?:(?:\.[0-9]{{3}}){{2,}}|(?:\.[0-9]{{3}})+(?=,)))
    )
    (?:(?P<decimal>[.,])(?P<decimals>[0-9]*))?
    (?:[eE](?P<exponent>[+-]?[0-9]{{1,3}}))?
    """,
    re.VERBOSE,
)


class UnclearNumberError(UserError):
    """The number is ambiguous, or is written in digits other than 0 to 9."""


class _Parts(NamedTuple):
    """The parts of a number, in plain digits."""

    sign: str
    whole: str
    decimals: str
    exponent: str

    @property
    def number(self) -> str:
        """The number in Python's notation."""
        return f"{self.sign}{self.whole or '0'}.{self.decimals or '0'}e{self.exponent or '0'}"


@overload
def read_number(typed: str, kind: type[int]) -> int: ...
@overload
def read_number(typed: str, kind: type[float]) -> float: ...
def read_number(typed: str, kind: type[int] | type[float]) -> int | float:
    """Return the number that was typed, as an `int` or a `float`.

    Raises:
        UnclearNumberError: the number is ambiguous.
        UserError: it is not a number, is too large or too small for a `float`, or is not whole although `kind` is
            `int`.
    """
    parts = _take_apart(typed, kind)
    exact = Decimal(parts.number)
    number = float(exact)
    if math.isinf(number) or (exact and not number):
        raise UserError(f"{shortened(typed)} is too large or too small for this program.")
    if kind is float:
        return number
    if (parts.decimals and not parts.exponent) or exact != exact.to_integral_value():
        raise UserError(f"{shortened(typed)} is not a whole number.")
    return int(exact)


def _take_apart(typed: str, kind: type[int] | type[float]) -> _Parts:
    text = typed.strip().translate(_SAME_CHARACTERS)
    if any(character.isdigit() and not character.isascii() for character in text):
        raise UnclearNumberError("Write numbers with the digits 0 to 9.")
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > MAX_LENGTH:
        raise UserError(f"{shortened(typed, MAX_LENGTH)} is not a number.")
    grouped = match["marked"] or match["by_comma"] or match["by_dot"] or ""
    decimal, decimals = match["decimal"], match["decimals"] or ""
    whole = re.sub("[^0-9]", "", grouped) or match["plain"] or ""
    is_grouped_by_its_decimal_mark = decimal is not None and decimal in grouped
    if not whole + decimals or (decimal == "," and not decimals) or is_grouped_by_its_decimal_mark:
        raise UserError(f"{shortened(typed) or 'Nothing'} is not a number.")
    parts = _Parts(match["sign"], whole, decimals, match["exponent"] or "")
    may_be_thousands = decimal == "," or (decimal == "." and (kind is int or decimals.endswith("0")))
    is_fraction = bool(whole) and not whole.strip("0")  # thousands do not follow a zero: 0,125 is a fraction
    if may_be_thousands and len(decimals) == 3 and not is_fraction and (not grouped or match["marked"]):
        raise UnclearNumberError(_two_readings(typed, parts, kind))
    return parts


def _two_readings(typed: str, parts: _Parts, kind: type[int] | type[float]) -> str:
    power = f"e{parts.exponent}" if parts.exponent else ""
    thousands = f"{parts.sign}{parts.whole}{parts.decimals}{power}"
    fraction = f"{parts.sign}{parts.whole or '0'}.{parts.decimals}".rstrip("0").rstrip(".") + power
    write = thousands if kind is int else f"{thousands} or {fraction}"
    return f"{shortened(typed)} is {thousands} to some readers and {fraction} to others: write {write}."
