"""Formats of a report in a file: JSON for programs, CSV for spreadsheets, Markdown for people."""

import csv
import io
import math
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from core.reports.report import Report
from core.reports.results import COPIED_LENGTHS, Copying, TextEffect
from core.text import SIGNS, sanitise

_NEWLINE = f" {SIGNS[chr(10)]} "


class Line(NamedTuple):
    """One figure of the report."""

    section: str
    name: str
    value: float | int | str | None
    unit: str = ""
    characters: int | None = None


def lines(report: Report) -> Iterator[Line]:
    """Yield all figures, grouped by section."""
    evaluation, score = report.evaluation, report.evaluation.score
    yield Line("loss", "loss", score.loss, "nats/char", score.scored)
    yield Line("loss", "standard error", score.standard_error, "nats/char")
    yield Line("loss", "bits per character", score.bits_per_character, "bits/char")
    yield Line("loss", "perplexity", score.perplexity if math.isfinite(score.perplexity) else None)
    yield Line("loss", "top-1 accuracy", score.accuracy, "share")
    yield Line("loss", "top-5 accuracy", score.accuracy_of_five, "share")
    yield Line("loss", "unknown characters, not scored", evaluation.unknown_characters, "characters")
    yield Line("loss", "seen in training", evaluation.learnt_characters, "characters")
    for bar in report.bars:
        yield Line("baselines", bar.name, bar.loss, "nats/char")
    for part in report.parts:
        yield Line("by part", part.part, part.loss, "nats/char", part.characters)
    if report.fine_tuning is not None:
        for effect in report.fine_tuning.effects:
            compared, section = effect.compared, f"before and after, {effect.text}"
            yield Line(section, report.fine_tuning.origin, compared.other_loss, "nats/char", compared.characters)
            yield Line(section, "this model", compared.loss, "nats/char", compared.characters)
            yield Line(section, "standard error of the difference", compared.standard_error, "nats/char")
    for section, groups in (("by role", score.roles), ("by kind", score.kinds)):
        for group in groups:
            yield Line(section, group.name, group.loss, "nats/char", group.characters)
    if report.copying is not None:
        for name, copied in (("sample", report.copying.sample), ("held-out", report.copying.held_out)):
            if copied is not None:
                section = f"copying, {name}"
                yield Line(section, "longest passage", len(copied.longest), "characters")
                for length in COPIED_LENGTHS:
                    yield Line(section, f"{length}-character sequences", _number(copied.shares[length]), "share")
                yield Line(section, "words", _number(copied.words), "share")
    for section, extracts in (("least expected", report.least_expected), ("most expected", report.most_expected)):
        for extract in extracts:
            yield Line(section, extract.text, extract.loss, "nats/char", len(extract.text))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_json(report: Report) -> bytes:
    """Return the report as JSON, indented."""
    evaluation, score = report.evaluation, report.evaluation.score
    copying = report.copying
    content = {
        "model": report.model,
        "corpus": evaluation.corpus.name,
        "files": len(evaluation.corpus.files) or 1,
        "sha256": evaluation.corpus.sha256,
        "limit": evaluation.corpus.limit,
        "split": evaluation.corpus.split_name if evaluation.part != "whole" else None,
        "part": evaluation.part,
        "characters": evaluation.characters,
        "unknown_characters": evaluation.unknown_characters,
        "learnt_characters": evaluation.learnt_characters,
        "loss": score.loss,
        "standard_error": score.standard_error,
        "bits_per_character": score.bits_per_character,
        "perplexity": score.perplexity if math.isfinite(score.perplexity) else None,
        "accuracy": score.accuracy,
        "accuracy_of_five": score.accuracy_of_five,
        "kinds": score.kinds,
        "roles": score.roles,
        "meaning": report.meaning,
        "baselines": report.baselines.of if report.baselines is not None else (),
        "published": report.published,
        "parts": report.parts,
        "parts_note": report.parts_note,
        "verdict": report.verdict,
        "fine_tuning": report.fine_tuning
        and {
            "origin": report.fine_tuning.origin,
            "new": _effect(report.fine_tuning.new),
            "old": _effect(report.fine_tuning.old),
            "meaning": report.fine_tuning.meaning,
        },
        "copying": copying
        and {
            "characters": copying.characters,
            "temperature": copying.temperature,
            "seed": copying.seed,
            "sample": _copied(copying.sample),
            "held_out": copying.held_out and _copied(copying.held_out),
        },
        "least_expected": [extract._asdict() for extract in report.least_expected],
        "most_expected": [extract._asdict() for extract in report.most_expected],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _effect(effect: TextEffect | None) -> dict[str, object] | None:
    if effect is None:
        return None
    return {
        "text": effect.text,
        "characters": effect.compared.characters,
        "before": effect.compared.other_loss,
        "after": effect.compared.loss,
        "standard_error": effect.compared.standard_error,
        "learnt_before": effect.learnt,
    }


def _copied(copied: Copying) -> dict[str, object]:
    return {
        "longest": copied.longest,
        "shares": {str(length): _number(share) for length, share in copied.shares.items()},
        "words": _number(copied.words),
    }


def as_csv(report: Report) -> bytes:
    """Return the report as CSV, one row per figure: section, name, value, unit, characters."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(Line._fields)
    writer.writerow(Line("report", "title", report.title))
    writer.writerows(lines(report))
    return table.getvalue().encode("utf-8", "replace")


def as_markdown(report: Report) -> bytes:
    """Return the report as a Markdown page with one table per section."""
    page = [f"# {_plain(report.title)}", "", report.meaning, *_paragraph(report.verdict)]
    section = ""
    for line in lines(report):
        if line.section != section:
            section = line.section
            page += ["", f"## {section.capitalize()}"]
            if section == "by part":
                page += _paragraph(report.parts_note)
            if report.fine_tuning is not None and section.startswith("before and after"):
                page += _paragraph(report.fine_tuning.meaning) if line.name == report.fine_tuning.origin else []
            if section == "copying, sample":
                page += _paragraph(report.copying_meaning)
            page += ["", "| | | |", "| --- | ---: | --- |"]
        page.append(f"| {_plain(line.name)} | {figure(line)} | {_unit(line)} |")
    return ("\n".join(page) + "\n").encode("utf-8", "replace")


def _paragraph(text: str) -> list[str]:
    return ["", text] if text else []


def _plain(text: str) -> str:
    """Return text in one line, with Markdown's special characters escaped."""
    shown = sanitise(text).replace("\n", _NEWLINE).replace("&", "&amp;")
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|~" else character for character in shown)


def figure(line: Line) -> str:
    """Format the value of a figure."""
    match line.value:
        case None:
            return "–"
        case float() if line.unit == "share":
            return f"{line.value:.1%}"
        case float():
            return f"{line.value:.4f}"
        case int():
            return f"{line.value:,}"
    return str(line.value)


def _unit(line: Line) -> str:
    unit = "" if line.unit == "share" else line.unit
    return unit if line.characters is None else f"{unit}, {line.characters:,} characters".removeprefix(", ")


FORMATS = {".json": as_json, ".csv": as_csv, ".md": as_markdown}
"""Functions that format a report, by the extension of the file."""
