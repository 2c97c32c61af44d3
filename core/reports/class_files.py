"""Reads the reports of a class from a folder: files of `evaluate --save`, and pages of `lesson report`."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from core.errors import UserError
from core.reports.class_results import Basis, Result
from core.text import in_one_line, shortened

MAX_FILE = 4 << 20
"""Maximum size of a report in bytes; real ones have some thousand."""
MAX_FILES = 10_000
SUFFIXES = (".json", ".md")
DATA_BEGIN, DATA_END = "<!-- charlstm-tui lesson report", "-->"
"""Around the data of a page of `lesson report`: a comment at its end, with JSON."""
_DATA = re.compile(rf"{DATA_BEGIN}\n(.*?)\n{DATA_END}", re.DOTALL)


class _SavedReport(Struct):
    """The fields of a JSON report that are read here."""

    model: str
    corpus: str
    part: str
    loss: float
    limit: int | None = None
    split: str | None = None
    sha256: str = ""
    standard_error: float | None = None


class Evaluated(Struct, frozen=True, kw_only=True):
    """An evaluation in a lesson report."""

    model: str
    basis: Basis
    loss: float
    standard_error: float | None = None
    settings: str = ""


class LessonData(Struct, frozen=True, kw_only=True):
    """The data at the end of a lesson report."""

    evaluations: tuple[Evaluated, ...] = ()


class Skipped(Struct, frozen=True):
    """A file that is no report."""

    name: str
    why: str


def read_reports(folder: Path) -> Iterator[Result | Skipped]:
    """Yield the losses of all reports in a folder and its subfolders, and the files that could not be read.

    A student is named by the path of the file, without its suffix. Files with other suffixes are ignored.

    Raises:
        UserError: the folder does not exist, cannot be read, or has too many files.
    """
    shown = shortened(folder)
    if not folder.is_dir():
        what = f"{shown} is not a folder" if folder.exists() else f"There is no folder {shown}"
        raise UserError(f"{what}. Give the folder with the reports of the class.")
    try:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise UserError(f"{shown} cannot be read: {error.strerror or error}.") from None
    if len(files) > MAX_FILES:
        raise UserError(f"{shown} has {len(files):,} files. At most {MAX_FILES:,} reports can be gathered.")
    for path in files:
        name = path.relative_to(folder)
        try:
            for result in _results_in(path, in_one_line(name.with_suffix("").as_posix())):
                yield _safe_to_show(result)
        except UserError as error:
            yield Skipped(in_one_line(name.as_posix()), str(error))


def _safe_to_show(result: Result) -> Result:
    """Return the result with names that no terminal acts on: they come from a student's file."""
    basis = msgspec.structs.replace(result.basis, text=in_one_line(result.basis.text))
    return msgspec.structs.replace(
        result, model=in_one_line(result.model), settings=in_one_line(result.settings), basis=basis
    )


def _results_in(path: Path, student: str) -> Iterator[Result]:
    """Yield the losses of a file. Raises a `UserError` that says why it is no report."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise UserError("it is too large for a report")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"it cannot be read: {error.strerror or error}") from None
    try:
        if path.suffix.lower() == ".json":
            report = msgspec.json.decode(content, type=_SavedReport)
            basis = Basis(
                text=report.corpus, sha256=report.sha256, limit=report.limit, split=report.split, part=report.part
            )
            yield Result(
                student=student,
                model=report.model,
                basis=basis,
                loss=report.loss,
                standard_error=report.standard_error,
            )
            return
        found = _DATA.search(content.decode("utf-8"))
        if found is None:
            raise UserError("it is no lesson report")
        data = msgspec.json.decode(found[1], type=LessonData)
    except (ValueError, RecursionError) as error:  # msgspec's errors, and text that is not UTF-8, are ValueErrors
        raise UserError(f"it is no report ({shortened(error)})") from None
    for one in data.evaluations:
        yield Result(
            student=student,
            model=one.model,
            basis=one.basis,
            loss=one.loss,
            standard_error=one.standard_error,
            settings=one.settings,
        )
