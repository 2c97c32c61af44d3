"""Results of an evaluation on pages: baselines, loss by kind, passages, the text, copying, comparison of two models."""

import math
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Digits, OptionList, Static, TabbedContent, TabPane
from textual.widgets.option_list import Option

from charlstm_tui.formatting import report_content
from charlstm_tui.formatting.characters import in_a_row
from charlstm_tui.state.messages import FactsKnown
from charlstm_tui.widgets.evaluation.character_explanation import explained
from charlstm_tui.widgets.evaluation.surprisal_map import SurprisalMap
from core.reports.results import Comparison

if TYPE_CHECKING:
    from charlstm_tui.jobs.evaluation import Surprisals
    from core.reports.report import Report
    from core.reports.results import Estimate, Extract

PAGES = ("baselines", "breakdown", "passages", "text", "copying", "before", "comparison")


class ReportPages(Vertical):
    """Shows a report while it is computed, the evaluated text, and the comparison of two models."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self.report: Report | None = None
        self.surprisals: Surprisals | None = None
        self.comparison: Comparison | None = None
        self._compared = ("", "")  # the names of the models
        self._extracts: list[Extract] = []
        self._over = False  # whether the report is final

    def compose(self) -> ComposeResult:
        """Lay out the headline and the pages."""
        with Horizontal(id="headline"):
            yield Digits(id="loss")
            with Vertical():
                yield Static(id="figures")
                yield Static(id="meaning")
        with TabbedContent(id="pages"):
            with TabPane("Baselines", id="baselines"), VerticalScroll():
                with Horizontal(id="sides"):
                    yield Static(id="bars")
                    yield Static(id="parts")
                yield Static(id="failures")
            with TabPane("By kind", id="breakdown"), VerticalScroll():
                yield Static(id="groups")
            with TabPane("Passages", id="passages"):
                yield OptionList(id="extracts")
            with TabPane("Text", id="text"), Horizontal(id="reading"):
                yield SurprisalMap(id="map")
                yield Static(id="explained")
            with TabPane("Copying", id="copying"), VerticalScroll():
                yield Static(id="copied")
            with TabPane("Before/after", id="before"), VerticalScroll():
                yield Static(id="effects")
            with TabPane("Compare", id="comparison"), VerticalScroll():
                yield Static(id="difference")

    def on_resize(self) -> None:
        """Redraw the bars for the new width."""
        self.call_after_refresh(self._draw)

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a report nor a comparison."""
        return self.report is None and self.comparison is None

    def forget_report(self) -> None:
        """Remove the report and its text; keep the comparison."""
        self.report = self.surprisals = None
        self.remove_class("-estimate")
        self._show_tabs()

    def show_text(self, surprisals: "Surprisals") -> None:
        """Show the surprisal of each character of a text."""
        self.surprisals = surprisals
        self.query_one(SurprisalMap).show(surprisals)

    def show_estimate(self, estimate: "Estimate") -> None:
        """Show an estimate of the loss in the headline, until there is a report."""
        self.add_class("-estimate")
        self.query_one("#loss", Digits).update(f"{estimate.loss:.2f}")
        self.query_one("#figures", Static).update(f"about {estimate.loss:.2f} nats/char, {estimate.basis}")
        self.query_one("#meaning", Static).update("The exact loss comes next.")

    def show_report(self, report: "Report") -> None:
        """Show a report, which may be incomplete."""
        self.report, self._over = report, False
        self.query_one("#loss", Digits).update(f"{report.evaluation.score.loss:.3f}")
        self._show_extracts(report)
        self._show_tabs()
        self.call_after_refresh(self._draw)

    def finish(self) -> None:
        """Mark missing results as absent, not pending, and focus the page if no widget has the focus."""
        self._over = True
        if self.report is None:
            self.query_one("#meaning", Static).update("")
        self._draw()
        if self.screen.focused is None and not self.is_empty:
            self._take_keys()

    def show_comparison(self, names: tuple[str, str], comparison: Comparison) -> None:
        """Show the comparison of two models with these names."""
        self._compared, self.comparison = names, comparison
        self._show_tabs()
        self.query_one(TabbedContent).active = "comparison"
        self._draw()

    def turn(self, by: int) -> None:
        """Turn the pages forwards or backwards, past the last one to the first."""
        pages = self.query_one(TabbedContent)
        there = [page for page in PAGES if self._has(page)]
        if pages.active in there:
            pages.active = there[(there.index(pages.active) + by) % len(there)]

    def go_to_text(self) -> None:
        """Turn to the page with the text and focus the text."""
        self.query_one(TabbedContent).active = "text"
        self._take_keys()

    @on(TabbedContent.TabActivated)
    def _turn_to(self) -> None:
        """Draw the page, whose size is known only once it is visible, and focus it."""
        self.set_class(self.query_one(TabbedContent).active != next(iter(PAGES)), "-further")
        self.call_after_refresh(self._draw)
        self.app.post_message(FactsKnown({"evaluation.page": self.query_one(TabbedContent).active}))
        if self.screen.focused is None or self in self.screen.focused.ancestors:
            self._take_keys()

    def _take_keys(self) -> None:
        """Focus the widget that takes this page's keys: the text, the list of passages, or the scrolling page."""
        pane = self.query_one(TabbedContent).active_pane
        if pane is not None:
            pane.query("SurprisalMap, OptionList, VerticalScroll").first().focus(scroll_visible=False)

    def _has(self, page: str) -> bool:
        if page == "before":
            return self.report is not None and self.report.fine_tuning is not None
        return (self.comparison if page == "comparison" else self.report) is not None

    def _show_tabs(self) -> None:
        """Show the tabs of the pages that have content; hide the others."""
        self.set_class(self.report is not None, "-report")
        self.set_class(not self.is_empty, "-pages")
        pages = self.query_one(TabbedContent)
        for page in PAGES:
            (pages.show_tab if self._has(page) else pages.hide_tab)(page)

    def _draw(self) -> None:
        """Write the pages whose content depends on the window's size."""
        width = self.query_one("#pages").size.width - 6
        wide = self.screen.has_class("-wide")
        if self.report is not None:
            side = width // 2 - 2 if wide else width
            self.query_one("#figures", Static).update(report_content.headline(self.report, self.size.width - 18))
            # In a small window the verdict is at the end of a scrolled page, so its short form stands in the headline.
            roomy = wide and self.screen.has_class("-tall")
            meaning = [self.report.meaning, "" if roomy else self.report.verdict_in_short]
            self.query_one("#meaning", Static).update(Content("\n".join(filter(None, meaning))))
            self.query_one("#bars", Static).update(report_content.baselines(self.report, side, over=self._over))
            self.query_one("#parts", Static).update(report_content.side_by_side(self.report, side))
            failures = report_content.where(self.report, width)
            self.query_one("#groups", Static).update(failures)
            self.query_one("#failures", Static).update(failures)
            self.query_one("#copied", Static).update(report_content.copies(self.report, over=self._over))
            if self.report.fine_tuning is not None:
                self.query_one("#effects", Static).update(
                    report_content.before_and_after(self.report.fine_tuning, width)
                )
        if self.comparison is not None:
            content = report_content.compared(self._compared, self.comparison)
            self.query_one("#difference", Static).update(content)
        self._explain(self.query_one(SurprisalMap).cursor)

    def _explain(self, place: int) -> None:
        if self.surprisals is not None:
            panel = self.query_one("#explained", Static)
            wide = self.screen.has_class("-wide")
            loss = self.surprisals.at(place)
            likely = math.exp(-loss.loss) if loss.loss is not None else None
            self.app.post_message(FactsKnown({"evaluation.surprisal": loss.loss, "evaluation.probability": likely}))
            panel.update(explained(loss, panel.size.width, in_a_line=not wide))

    @on(SurprisalMap.Moved)
    def _follow(self, message: SurprisalMap.Moved) -> None:
        self._explain(message.place)

    def _show_extracts(self, report: "Report") -> None:
        extracts = [*report.least_expected, *report.most_expected]
        if extracts == self._extracts:
            return
        self._extracts = extracts
        shown = self.query_one("#extracts", OptionList)
        shown.clear_options()
        for which, some in (("least", report.least_expected), ("most", report.most_expected)):
            if not some:  # in a short text, the passages above may be the only ones
                continue
            title = Content.styled(f"the {which} expected passages, nats/char", "$text-muted")
            shown.add_option(Option(title, disabled=True))
            for one in some:
                shown.add_option(Option(_extract(one), id=f"{which}-{one.begin}"))
        shown.highlighted = 1 if extracts else None

    @on(OptionList.OptionSelected, "#extracts")
    def _go_to_extract(self, event: OptionList.OptionSelected) -> None:
        """Show the selected passage within the text."""
        self.go_to_text()
        begin = int(str(event.option_id).partition("-")[2])
        surprisal_map = self.query_one(SurprisalMap)
        surprisal_map.call_after_refresh(surprisal_map.action_move_to, begin)


def _extract(extract: "Extract") -> Table:
    """Return a row with a passage's loss and its text; wrapped lines of the text align."""
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_column(width=6, justify="right")
    row.add_column(ratio=1)
    row.add_row(Text(f"{extract.loss:.3f}", style="bold"), Text(in_a_row(extract.text)))
    return row
