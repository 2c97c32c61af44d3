"""Conditions on facts, such as "run.state == 'finished' and run.epochs >= 3", and sentences that show facts.

A lesson may come from anyone, so a condition is no Python code: simpleeval evaluates comparisons, arithmetic, and, or,
not and in, and nothing else.
"""

import ast
import difflib
import re
from collections.abc import Mapping

from simpleeval import InvalidExpression, SimpleEval

from charlstm_tui.lessons.facts import FACTS, Value, nested
from core.errors import UserError
from core.text import in_one_line

MAX_LENGTH = 300
"""Maximum number of characters of a condition."""
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
    ast.Attribute, ast.Name, ast.Load, ast.Constant, ast.Tuple,
)  # fmt: skip
"""No powers, whose results can be huge."""
_DOES_NOT_FIT = (TypeError, ArithmeticError, ValueError, LookupError)
"""Raised where only the values do not fit, such as a division by a fact that is 0."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FORMATS = re.compile(r"|,|\.[0-4]f|\.[0-2]%|,\.0f")
_FRENCH = str.maketrans({",": "\u00a0", ".": ",", "%": "\u00a0%"})
"""Decimal commas, and no-break spaces between thousands and before the percent sign."""
UNKNOWN = "–"
"""Shown in the place of a fact that is not known."""


def check_condition(condition: str) -> None:
    """Check a condition.

    Raises:
        UserError: it is too long, no condition, or names a fact that does not exist.
    """
    if len(condition) > MAX_LENGTH:
        raise UserError(f"The condition {condition[:40]}… is longer than {MAX_LENGTH} characters.")
    try:
        tree = ast.parse(condition.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UserError(f"{condition!r} is not a condition. Write one like run.epochs >= 3.") from None
    if not all(isinstance(node, _ALLOWED) for node in ast.walk(tree)):
        raise UserError(f"The condition {condition!r} is not allowed: use comparisons, + - * /, and, or, not, in.")
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            _check_fact(ast.unparse(node))
        elif isinstance(node, ast.Name) and id(node) not in inner and node.id not in ("true", "false"):
            _check_fact(node.id)
    try:
        _evaluator({name: 1.0 if fact.kind is float else fact.kind() for name, fact in FACTS.items()}).eval(condition)
    except (InvalidExpression, SyntaxError) as error:
        why = str(error).strip().rstrip(".")
        raise UserError(f"The condition {condition!r} is not allowed ({why}).") from None
    except _DOES_NOT_FIT:
        pass


def holds(condition: str, known: Mapping[str, Value]) -> bool:
    """Return whether a checked condition holds; it does not if it needs a fact that is not known."""
    try:
        return bool(_evaluator(known).eval(condition))
    except (InvalidExpression, *_DOES_NOT_FIT):
        return False


def check_sentence(text: str) -> None:
    """Check the placeholders of a sentence, such as {run.last_train_loss:.2f}.

    Raises:
        UserError: one names a fact that does not exist, or has a format that does not, or a brace stands alone.
    """
    if {"{", "}"} & set(_PLACEHOLDER.sub("", text)):
        raise UserError(f"A brace stands alone in {text[:60]!r}. Write a fact as {{run.epochs}}.")
    for inside in _PLACEHOLDER.findall(text):
        name, _, form = inside.partition(":")
        _check_fact(name)
        if not _FORMATS.fullmatch(form) or (form and FACTS[name].kind is not float):
            raise UserError(
                f"The format of {{{inside}}} is unknown. Use , or .2f or .1% for a number, none for a text."
            )


def placeholders_of(text: str) -> list[str]:
    """Return the placeholders of a sentence, without their braces."""
    return _PLACEHOLDER.findall(text)


def filled(text: str, known: Mapping[str, Value], language: str = "en") -> str:
    """Return a checked sentence with the values of its facts; numbers are written as in the language, "en" or "fr"."""

    def value_of(match: re.Match[str]) -> str:
        name, _, form = match[1].partition(":")
        value = known.get(name)
        if value is None or value == "":
            return UNKNOWN
        if isinstance(value, float) and form in ("", ","):
            form = ",.0f" if value.is_integer() else ",g"
        if not isinstance(value, float):
            return in_one_line(format(value, form))
        shown = format(value, form).replace("-", "−")
        return shown.translate(_FRENCH) if language == "fr" else shown

    return _PLACEHOLDER.sub(value_of, text)


def _evaluator(known: Mapping[str, Value]) -> SimpleEval:
    evaluator = SimpleEval(names={**nested(known), "true": True, "false": False}, functions={})
    evaluator.nodes[ast.Tuple] = lambda node: tuple(evaluator._eval(part) for part in node.elts)
    return evaluator


def _check_fact(name: str) -> None:
    if name not in FACTS:
        near = difflib.get_close_matches(name, FACTS, 1)
        hint = f"Did you mean {near[0]}?" if near else "charlstm-tui lesson facts lists them."
        raise UserError(f"There is no fact called {name[:60]}. {hint}")
