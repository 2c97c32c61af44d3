"""`charlstm-tui class`: gather the reports of a class into tables of comparable losses."""

import click
import msgspec

from charlstm_tui.commands.options import json_option
from charlstm_tui.commands.table import print_columns
from core.errors import UserError
from core.files import user_path
from core.reports.class_files import Skipped, read_reports
from core.reports.class_results import Result, Table, as_csv, tables_of
from core.text import count_of, in_one_line

MAX_NAMED = 5
"""Maximum number of skipped files that are named."""


@click.command("class", short_help="Gather the reports of a class into a table.")
@click.argument("folder", metavar="FOLDER")
@click.option("--csv", "wants_csv", is_flag=True, help="Print the results as CSV.")
@json_option
def class_command(folder: str, wants_csv: bool, as_json: bool) -> None:
    """Gather the reports in FOLDER and its subfolders: JSON files of `evaluate --save`, one or more for each student.

    Losses on the same part of the same text are ranked in one table. Losses on different texts, limits, splits or parts
    are never ranked together, because they cannot be compared.
    """
    if wants_csv and as_json:
        raise click.UsageError("Choose one of --json and --csv.")
    if not folder.strip():
        raise UserError("No folder was named. Give the folder with the reports of the class.")
    results: list[Result] = []
    skipped: list[Skipped] = []
    for found in read_reports(user_path(folder)):
        (results if isinstance(found, Result) else skipped).append(found)  # type: ignore[arg-type]
    for one in skipped[:MAX_NAMED]:
        click.echo(in_one_line(f"Skipped: {one.name}: {one.why}."), err=True)
    if len(skipped) > MAX_NAMED:
        click.echo(f"Skipped: {count_of(len(skipped) - MAX_NAMED, 'more file')}.", err=True)
    tables = tables_of(results)
    if as_json:
        click.echo(msgspec.json.encode([_as_dict(table) for table in tables]).decode())
    elif wants_csv:
        click.echo(as_csv(tables).decode(), nl=False)
    else:
        for number, table in enumerate(tables):
            if number:
                click.echo()
            _print_table(table)
        if len(tables) > 1:
            click.echo("Losses in different tables cannot be compared: their texts, splits or parts differ.", err=True)


def _print_table(table: Table) -> None:
    click.echo(in_one_line(table.title))
    headers = (("student", False), ("model", False), ("loss", True), ("±", True), ("", False))
    print_columns(headers, [
        (
            in_one_line(result.student),
            in_one_line(result.model),
            f"{result.loss:.4f}",
            f"{result.standard_error:.4f}" if result.standard_error is not None else "–",
            "far from the others" if result.student in table.outliers else "",
        )
        for result in table.results
    ])  # fmt: skip
    best, count = table.best, len(table.results)
    if count > 1:
        means = f"mean {table.mean:.4f}, median {table.median:.4f}"
        click.echo(f"{count_of(count, 'result')}: {means}, best {best.loss:.4f} ({in_one_line(best.student)})")


def _as_dict(table: Table) -> dict[str, object]:
    return {
        "title": table.title,
        "mean": table.mean,
        "median": table.median,
        "best": table.best.student,
        "outliers": sorted(table.outliers),
        "results": table.results,
    }
