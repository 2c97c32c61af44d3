"""The words of the program: plain technical English, with the field's terms.

Docstrings, comments, messages and pages are read by this test; names in the code are not.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTEAD = {
    r"\b(go|goes|going|gone|went) on\b": "continue, or resume",
    r"\bastray\b": "diverge",
    r"\bpatience runs out\b": "early stopping",
    r"\bha(ve|s|d) it write\b|\bwhat it writes\b": "generate; the generated text",
    r"\binsides\b": "activations",
    r"\bthe processor\b": "the CPU",
    r"\bbeside\b": "next to, compared with, together with",
    r"\banew\b": "again, or new",
    r"\bleft out\b|\bleaves? out\b": "skipped, dropped, omitted",
    r"\bwill not do\b": "is not allowed, is wrong",
    r"\bof the past\b": "earlier",
}
"""Words that were the makers' own, and what to write instead."""

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "checkpoints/README.md", "tests/benchmarks/README.md"]


def pieces_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the prose of a file: of Python its strings and comments, of anything else each line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        # A string of one word is a name: of a widget, a class of its style, a key of a table.
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and " " in token.string):
            yield from enumerate(token.string.splitlines(), token.start[0])


def documents() -> list[Path]:
    """Return what people read: the code, the help pages, the documents."""
    code = [path for folder in ("core", "charlstm_tui", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
    code.remove(Path(__file__))
    pages = sorted((ROOT / "charlstm_tui" / "help").glob("*.md"))
    return [
        *code,
        *pages,
        *(
            ROOT / name
            for name in (
                "README.md",
                "CONTRIBUTING.md",
                "CHANGELOG.md",
                "checkpoints/README.md",
                "tests/benchmarks/README.md",
            )
        ),
    ]


@cache
def lines() -> tuple[tuple[str, str], ...]:
    """Return each line of prose with its place. To take the code apart takes a second."""
    return tuple(
        (f"{path.relative_to(ROOT)}:{number}", line) for path in documents() for number, line in pieces_of(path)
    )


@pytest.mark.parametrize("pattern", INSTEAD)
def test_words_are_those_of_the_field(pattern: str) -> None:
    found = [f"{place}: {line.strip()}" for place, line in lines() if re.search(pattern, line, re.IGNORECASE)]
    assert not found, f"write instead: {INSTEAD[pattern]}\n" + "\n".join(found)
