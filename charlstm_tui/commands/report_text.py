"""The report of an evaluation as plain text for a shell: columns of figures, bars, and sentences that explain them."""

from typing import TYPE_CHECKING

from charlstm_tui.commands.stdio import is_plain
from core.text import in_one_line, shortened

if TYPE_CHECKING:
    from core.reports.report import Bar, Report
    from core.reports.results import FineTuning


def as_text(report: "Report") -> str:
    """Return the report as text: one section for each kind of figure, separated by empty lines."""
    score = report.evaluation.score
    error = f" ± {score.standard_error:.4f}" if score.standard_error is not None else ""
    shown = [
        in_one_line(report.title),
        "",
        f"loss                  {score.loss:8.4f}{error}  nats per character",
        f"bits per character    {score.bits_per_character:8.4f}",
        f"perplexity            {score.perplexity:8.2f}",
        f"top-1 accuracy        {score.accuracy:8.1%}",
        f"top-5 accuracy        {score.accuracy_of_five:8.1%}",
    ]
    if unknown := report.evaluation.unknown_characters:
        shown.append(f"unknown               {unknown:8,}  characters that are not in the vocabulary, not scored")
    shown += ["", report.meaning]
    if len(report.bars) > 1:
        longest = report.bars[0].loss
        shown += ["", "baselines", *(_bar_as_text(bar, longest) for bar in report.bars)]
    if report.parts:
        rows = [f"  {part.part:18}{part.loss:8.4f}  {part.characters:12,} characters" for part in report.parts]
        shown += ["", "by part", *rows, *([f"  {report.parts_note}"] if report.parts_note else [])]
    if report.verdict:
        shown += [*([] if report.parts else [""]), f"  {report.verdict}"]
    if report.fine_tuning is not None:
        shown += _fine_tuning_as_text(report.fine_tuning)
    for title, groups in (("speaker", score.roles), ("kind of character", score.kinds)):
        if groups:
            shown += ["", f"{title:20}{'loss':>8}  {'of the loss':>12}  {'characters':>12}"]
            shown += [
                f"  {group.name:18}{group.loss:8.4f}  {group.share:12.1%}  {group.characters:12,}" for group in groups
            ]
    shown += _copying_as_text(report)
    for title, extracts in (("least expected", report.least_expected), ("most expected", report.most_expected)):
        if extracts:
            shown += ["", title, *(f"  {extract.loss:6.3f}  {in_one_line(extract.text)}" for extract in extracts[:3])]
    return "\n".join(shown)


def _bar_as_text(bar: "Bar", longest: float) -> str:
    """Return a loss with a bar; plain output, which a screen reader reads aloud, says it in words."""
    figure = f"  {bar.name:18}{bar.loss:8.4f}"
    if is_plain():
        return f"{figure}{'  (this model)' if bar.ours else ''}"
    return f"{figure}  {'█' * round(40 * bar.loss / longest)}{'  ◂' if bar.ours else ''}"


def _fine_tuning_as_text(fine_tuning: "FineTuning") -> list[str]:
    shown = ["", f"{'before and after fine-tuning':30}{'before':>9}{'after':>9}  {'characters':>12}"]
    for effect in fine_tuning.effects:
        compared = effect.compared
        figures = f"{compared.other_loss:9.4f}{compared.loss:9.4f}  {compared.characters:12,}"
        shown.append(f"  {shortened(effect.text, 27):28}{figures}")
    return [*shown, f"  {in_one_line(fine_tuning.meaning)}"]


def _copying_as_text(report: "Report") -> list[str]:
    if report.copying is None:
        return []
    names, rows = report.copying.table
    shown = ["", f"{'found in training text':30}" + "".join(f"{name:>15}" for name in names)]
    shown += [f"  {name:28}" + "".join(f"{value:>15}" for value in values) for name, values in rows]
    return [*shown, f"  {report.copying_meaning}"]
