"""`charlstm-tui lesson`: the lessons and what a student did in them, without the app."""

from pathlib import Path

import click

from charlstm_tui.commands.options import json_option, runs_option
from charlstm_tui.commands.table import print_columns
from charlstm_tui.formatting.versions import version_line
from charlstm_tui.lessons.course import course
from charlstm_tui.lessons.facts import FACTS
from charlstm_tui.lessons.languages import LANGUAGES, language_of_user
from charlstm_tui.lessons.places import PLACES
from charlstm_tui.lessons.progress import load_progress
from charlstm_tui.lessons.report import report_page
from charlstm_tui.state.preferences import load_preferences
from core.files import new_file, write_atomically
from core.runs.store import RunStore
from core.text import in_one_line

_KINDS = {float: "number", str: "text", bool: "yes or no"}

language_option = click.option(
    "--language", type=click.Choice(list(LANGUAGES)), help="Language of the lessons. [default: the system's]"
)


@click.group("lesson", short_help="List the lessons, write a report on them.")
def lesson_commands() -> None:
    """List the lessons, write a report on what was done in them, or list what a lesson of your own can ask for.

    `charlstm-tui --lesson N` opens lesson N in the app, `--lesson FILE` a lesson of your own.
    """


@lesson_commands.command("list", short_help="List the lessons and your progress.")
@language_option
def list_command(language: str | None) -> None:
    """List the lessons and how far you have come."""
    progress = load_progress()
    headers = (("", True), ("lesson", False), ("minutes", True), ("done", True))
    rows = []
    for lesson in course(_chosen(language)):
        done = progress.steps_over(lesson)
        rows.append((str(lesson.number), lesson.title, str(lesson.minutes), f"{done} of {len(lesson.steps)}"))
    print_columns(headers, rows)


@lesson_commands.command("report", short_help="Write a page on what you did.")
@click.option(
    "--output", metavar="FILE.md", type=click.Path(path_type=Path), help="File to write. [default: print the page]"
)
@language_option
@runs_option
def report_command(output: Path | None, language: str | None, store: RunStore) -> None:
    """Write a Markdown page: steps and answers of the lessons, the runs with their settings and losses, the machine.

    `charlstm-tui class FOLDER` gathers such pages.
    """
    path = new_file(str(output)) if output is not None else None
    page = report_page(load_progress(), course(_chosen(language)), store, version_line())
    if path is None:
        click.echo(page, nl=False)
        return
    write_atomically(path, page.encode("utf-8", "replace"))
    click.echo(in_one_line(str(path)))


@lesson_commands.command("facts", short_help="List what a lesson can ask for and point at.")
@json_option
def facts_command(as_json: bool) -> None:
    """List the facts and the places for a lesson of your own: a condition such as `run.epochs >= 3` uses facts."""
    if as_json:
        import msgspec

        facts = {name: {"kind": _KINDS[fact.kind], "meaning": fact.meaning} for name, fact in FACTS.items()}
        click.echo(msgspec.json.encode({"facts": facts, "places": list(PLACES)}).decode())
        return
    headers = (("fact", False), ("kind", False), ("meaning", False))
    print_columns(headers, [(name, _KINDS[fact.kind], fact.meaning) for name, fact in FACTS.items()])
    click.echo(f"\nPlaces: {', '.join(PLACES)}")


def _chosen(language: str | None) -> str:
    return language_of_user(language or load_preferences().language)
