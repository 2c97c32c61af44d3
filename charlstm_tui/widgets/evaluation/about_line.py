"""The line above an evaluation's pages: the model and text evaluated, instructions, or that it was stopped."""

from typing import TYPE_CHECKING

from textual.content import Content

from charlstm_tui.formatting import report_content
from charlstm_tui.widgets.common.plain_text import PlainText

if TYPE_CHECKING:
    from core.reports.report import Report

EMPTY = """Choose a model and press e. The model reads the test part, which it was not trained on. You see

  · its loss, what the loss means, and the losses of n-gram models
  · where it fails: letters or capitals, names or speech
  · the passages expected least and most, the text as a map of surprise
  · whether its generated text is copied"""


class AboutLine(PlainText):
    """Names a report in one line that fits the width; without a report, shows instructions or nothing."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(EMPTY, id=id)
        self._report: Report | None = None
        self._stopped = False  # whether the report is incomplete because of a stop

    def begin(self) -> None:
        """Clear the line while an evaluation or comparison runs."""
        self._report = None
        self.update("")

    def name_report(self, report: "Report") -> None:
        """Name a report, which may still be incomplete."""
        self._report = report
        self.add_class("-title")
        self._fit()

    def end(self, report: "Report | None", *, is_empty: bool, stopped: bool | None = None) -> None:
        """Name the report; without one, say that it was stopped, or show the instructions if `is_empty` (no pages).

        `stopped` says whether the evaluation was stopped; None after any other job, which leaves the report unchanged.
        """
        self._report = report
        self.set_class(report is not None, "-title")
        if stopped is not None:
            self._stopped = stopped
        if report is not None:
            self._fit()
        elif stopped:
            self.update("Stopped before the exact loss was known.")
        else:
            self.update(EMPTY if is_empty else "")

    def on_resize(self) -> None:
        """Fit the name to the new width."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        if self._report is not None:
            room = self.content_size.width or self.screen.size.width - 4  # hidden so far: the width it will have
            self.update(Content(report_content.about(self._report, room, stopped=self._stopped)))
