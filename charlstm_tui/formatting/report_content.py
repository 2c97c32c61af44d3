"""The pages of an evaluation report on the Evaluate screen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from charlstm_tui.formatting.bars import bar
from charlstm_tui.formatting.characters import fitting, in_a_row, shorten_middle
from core.text import count_of, in_one_line

if TYPE_CHECKING:
    from core.reports.report import Report
    from core.reports.results import Comparison, FineTuning, Group

_NAME = 19
"""Width in cells of the names in front of bars."""
_QUIET = "$text-muted"


def about(report: "Report", room: int, *, stopped: bool = False) -> str:
    """Return the model, text, part and size of the evaluation, sanitised, in at most `room` cells."""
    unknown = report.evaluation.unknown_characters
    end = " · stopped" if stopped else ""
    whole = in_one_line(report.title)
    without_count = whole.rpartition(" · ")[0]
    versions = [whole + (f", {unknown:,} unknown" if unknown else ""), whole, without_count]
    return fitting(room, *(version + end for version in versions)) or shorten_middle(without_count + end, room)


def headline(report: "Report", room: int) -> Content:
    """Return the figures next to the large digits of the loss, in one row if it fits into `room` cells, or in two."""
    score = report.evaluation.score
    figures = [
        (f"{score.bits_per_character:.3f}", "bits/char"),
        (f"{score.perplexity:.2f}", "perplexity"),
        (f"{score.accuracy:.1%}", "top-1"),
        (f"{score.accuracy_of_five:.1%}", "top-5"),
    ]
    if score.standard_error is not None:
        figures.insert(0, (f"± {score.standard_error:.3f}", "nats/char"))
    shown = [Content.assemble((value, "bold"), " ", (unit, _QUIET)) for value, unit in figures]
    row = Content("   ").join(shown)
    if row.cell_length <= room:
        return row
    return Content("\n").join(Content("   ").join(half) for half in (shown[:-2], shown[-2:]))


def baselines(report: "Report", width: int, *, over: bool) -> Content:
    """Return the model's loss and the baselines as bars; `over` says that the evaluation has ended."""
    bars = report.bars
    room = max(width - _NAME - 9, 8)
    lines = [_title("baselines", "nats/char")]
    for entry in bars:
        style = "bold $text-accent" if entry.ours else ""
        length = entry.loss / bars[0].loss if bars[0].loss else 0
        colour = "$accent" if entry.ours else "$foreground 45%"
        lines.append(
            Content.assemble(
                (f"{entry.name:{_NAME}}", style), (f"{entry.loss:7.4f}  ", style), (bar(length, room), colour)
            )
        )
    if report.baselines is None:
        why = "n-grams are counted in the training text, which was not found" if over else "n-grams: being counted"
        lines.append(Content.styled(why, _QUIET))
    return Content("\n").join(lines)


def side_by_side(report: "Report", width: int) -> Content:
    """Return the losses on the parts of the model's own text, and the diagnosis."""
    if not report.parts:
        return Content(report.verdict)
    room = max(width - _NAME - 9, 8)
    longest = max(part.loss for part in report.parts)
    lines = [_title("by part", "nats/char")]
    for part in report.parts:
        length = part.loss / longest if longest else 0
        lines.append(Content.assemble(f"{part.part:{_NAME}}{part.loss:7.4f}  ", (bar(length, room), "$foreground 45%")))
    if report.parts_note:
        lines.append(Content.styled(report.parts_note, _QUIET))
    if report.verdict:
        lines += [Content(""), Content(report.verdict)]
    return Content("\n").join(lines)


def where(report: "Report", width: int) -> Content:
    """Return the loss by speaker and by kind of character."""
    score = report.evaluation.score
    tables = [("speaker", score.roles), ("kind of character", score.kinds)]
    return Content("\n\n").join(_groups(title, groups, width) for title, groups in tables if groups)


def _groups(title: str, groups: Sequence["Group"], width: int) -> Content:
    room = max(min(width - _NAME - 32, 40), 4)
    longest = max(group.loss for group in groups)
    heading = f"{title:{_NAME}}{'nats/char':>9}  {'':{room}}{'of the loss':>11}{'characters':>11}"
    lines = [Content.styled(heading, _QUIET)]
    for group in groups:
        drawn = bar(group.loss / longest if longest else 0, room)
        lines.append(
            Content.assemble(
                f"{group.name:{_NAME}}{group.loss:9.4f}  ", (drawn, "$accent"), " " * (room - len(drawn)),
                f"{group.share:11.1%}{group.characters:11,}",
            )
        )  # fmt: skip
    return Content("\n").join(lines)


def copies(report: "Report", *, over: bool) -> Content:
    """Return how much of a sample occurs in the training text."""
    copying = report.copying
    if copying is None:
        why = "Not checked: the model's training text was not found, or the evaluation was stopped."
        return Content.styled(why if over else "Not checked yet.", _QUIET)
    lines = [Content(report.copying_meaning), Content("")]
    names, rows = copying.table
    lines.append(Content.styled(f"{'found in training text':30}" + "".join(f"{name:>15}" for name in names), _QUIET))
    lines += [Content(f"{name:30}" + "".join(f"{value:>15}" for value in values)) for name, values in rows]
    for name, found in copying.texts:
        lines += [
            Content(""),
            Content.styled(f"the longest passage of {name}", _QUIET),
            Content(in_a_row(found.longest)),
        ]
    characters = count_of(copying.characters, "character")
    how = f"A sample of {characters}, temperature {copying.temperature:g}, seed {copying.seed}."
    return Content("\n").join([*lines, Content(""), Content.styled(how, _QUIET)])


def before_and_after(fine_tuning: "FineTuning", width: int) -> Content:
    """Return the losses of the model that the training began with, and of this model, on the new and the old text."""
    lines = [Content(in_one_line(fine_tuning.meaning))]
    room = max(min(width - _NAME - 9, 60), 8)
    longest = max((max(one.compared.loss, one.compared.other_loss) for one in fine_tuning.effects), default=1.0)
    for which, effect in (("new text", fine_tuning.new), ("old text", fine_tuning.old)):
        if effect is None:
            continue
        compared = effect.compared
        of_all = f" of {effect.of:,}" if compared.characters < effect.of else ""
        title = f"{which}: {in_one_line(effect.text)} · {compared.characters:,}{of_all} test characters · nats/char"
        lines += [Content(""), Content.styled(title, _QUIET)]
        for name, loss in ((in_one_line(fine_tuning.origin), compared.other_loss), ("this model", compared.loss)):
            style, colour = ("bold $text-accent", "$accent") if name == "this model" else ("", "$foreground 45%")
            shown = shorten_middle(name, _NAME - 1)
            drawn = bar(loss / longest if longest else 0, room)
            lines.append(Content.assemble((f"{shown:{_NAME}}{loss:7.4f}  ", style), (drawn, colour)))
    return Content("\n").join(lines)


def compared(names: tuple[str, str], comparison: "Comparison") -> Content:
    """Return the comparison of two models."""
    width = max(len(name) for name in names)
    lines = [
        Content.styled(f"on {count_of(comparison.characters, 'character')} that both models know", _QUIET),
        Content(""),
    ]
    losses = (comparison.loss, comparison.other_loss)
    for name, loss in zip(names, losses, strict=True):
        style = "bold $text-accent" if loss == min(losses) else ""
        lines.append(
            Content.assemble((f"{in_one_line(name):{width}}  {loss:.4f}  ", style), ("nats/char  ", _QUIET),
                             (bar(loss / max(*losses, 1e-9), 40), "$accent" if style else "$foreground 45%"))
        )  # fmt: skip
    return Content("\n").join([*lines, Content(""), Content(comparison.sentence)])


def _title(text: str, unit: str) -> Content:
    return Content.styled(f"{text:{_NAME}}{unit:>9}"[: _NAME + 9], _QUIET)
