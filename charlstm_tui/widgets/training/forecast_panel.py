"""Forecast for a run with the settings on screen: its size, time and memory, and the loss it has to beat."""

import textwrap
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from charlstm_tui.formatting.numbers import duration, duration_between, size_in_bytes
from charlstm_tui.jobs import forecast
from charlstm_tui.jobs.job import Ending, LatestJob
from charlstm_tui.state.job_events import Doing
from charlstm_tui.state.messages import FactsKnown
from core.runs.run import RunConfig
from core.settings.forecast import Forecast, Span
from core.settings.presets import expected_of
from core.text import sanitise

if TYPE_CHECKING:
    from core.reports.results import Baselines

_NAME = 13
"""Columns for a name, in the layout with one line per number."""
_MIN_VALUE = 10
"""Minimum columns for a value, in that layout: the panel has 26 columns in a window of 100."""
_PATIENCE = 0.3
"""Seconds without a change of the settings before a forecast starts."""


class ForecastPanel(Static):
    """Forecasts the run passed to `consider` in a worker thread; a new run replaces the one before."""

    DEFAULT_CSS: ClassVar[str] = """
    ForecastPanel { height: auto; color: $text-muted; }
    """

    class Refused(Message):
        """Sent with the reason why the text cannot be used, or with an empty reason if it can."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._config: RunConfig | None = None
        self._job = LatestJob(self, on_items=self._take, on_end=self._end)
        self._forecast: Forecast | None = None
        self._baselines: dict[str, Baselines] = {}
        self._doing = ""
        self._trouble = ""

    def consider(self, config: RunConfig | None) -> None:
        """Forecast another run after a short delay; None clears the panel."""
        if config == self._config:
            return
        self.stop()
        same_text = config is not None and self._config is not None and _cut(config) == _cut(self._config)
        self._config, self._forecast, self._trouble, self._doing = config, None, "", ""
        self._baselines = self._baselines if same_text else {}
        if config is not None:
            self.set_timer(_PATIENCE, partial(self._look_at, config))
        self._show()

    @property
    def config(self) -> RunConfig | None:
        """Settings of the run that is forecast."""
        return self._config

    @property
    def told(self) -> Forecast | None:
        """Latest forecast, which may be incomplete; None before the first one."""
        return self._forecast

    @property
    def is_working(self) -> bool:
        """Whether the forecast is still being computed."""
        return self._job.running

    def stop(self) -> None:
        """Stop the forecast, because a run begins or the app ends."""
        self._job.drop()

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self.stop()

    def on_resize(self) -> None:
        """Lay out the forecast for the new size."""
        self.call_after_refresh(self._show)  # what changes its size during a layout is not laid out again

    def _look_at(self, config: RunConfig) -> None:
        if config is self._config:
            self._job.start(partial(forecast.estimate_run, config=config), name="forecast", interval=1 / 20)

    def _take(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, Forecast):
                self._forecast = item
                facts = {"next.distinct": float(item.vocabulary), "next.parameters": float(item.parameters)}
                self.app.post_message(FactsKnown(facts))
            elif isinstance(item, Doing):
                self._doing = item.what
            else:
                self._take_baselines(item)  # type: ignore[arg-type]
        self.post_message(self.Refused(""))
        self._show()

    def _take_baselines(self, baselines: "Baselines") -> None:
        self._baselines = {**self._baselines, baselines.part: baselines}

    def _end(self, ending: Ending) -> None:
        if ending.error and self._forecast is None:
            self.post_message(self.Refused(ending.error))
        elif ending.error:
            self._trouble = ending.error
            self._show()

    def _show(self) -> None:
        lines = [(name, sanitise(value), unit) for name, value, unit in self._lines()]
        if self._is_tall:
            self.update(Content("\n").join(_row(*line, width=self.content_size.width) for line in lines))
            return
        words = [Content.assemble((value, "$foreground"), f" {unit}" if unit else "") for _, value, unit in lines]
        name = "forecast: " if self._forecast is not None else ""
        self.update(Content.assemble(name, Content("  ·  ").join(words)))

    @property
    def _is_tall(self) -> bool:
        """Whether there is room for one line per number."""
        return self.screen.has_class("-wide")

    def _lines(self) -> list[tuple[str, str, str]]:
        """Return the lines of the forecast, each with a name, a value and a unit."""
        estimate, config = self._forecast, self._config
        if estimate is None or config is None:
            return [("", "", self._trouble or "The forecast appears once all settings are valid.")]
        training = config.training
        lines = [
            ("parameters", f"{estimate.parameters:,}", "parameters" if not self._is_tall else ""),
            ("an epoch", f"{estimate.steps_per_epoch:,}", "steps" if self._is_tall else "steps per epoch"),
        ]
        if not estimate.fits:
            needs = f"{size_in_bytes(estimate.memory_bytes)} of {size_in_bytes(estimate.available_bytes)}"
            return [*lines, ("memory", f"{needs}: it does not fit", "")]
        if estimate.trouble:
            return [*lines[:1], ("", estimate.trouble, "")]
        epoch, run = estimate.epoch(), estimate.run(training)
        if epoch is not None and run is not None:
            units = [] if self._is_tall else ["per epoch"]
            if estimate.speed is not None and not estimate.speed.settled:
                units.append("still measuring")
            lines.append(("", _span(epoch), ", ".join(units)))
            lines.append(("the run", _span(run), "in all" if not training.patience else "in all, at most"))
        elif not self._trouble:
            lines.append(("", "measuring", f"the speed: {self._doing}" if self._doing else "the speed"))
        lines.append(
            ("memory", size_in_bytes(estimate.memory_bytes), "at most" if self._is_tall else "of memory at most")
        )
        lines += self._losses(config)
        if self._trouble:
            lines.append(("", self._trouble, ""))
        return lines

    def _losses(self, config: RunConfig) -> list[tuple[str, str, str]]:
        """Return the lines with the best n-gram model's loss, and with the expected loss if it is known."""
        lines = []
        part = "validation" if "validation" in self._baselines else "test"
        to_beat = "" if self._is_tall else "to beat "
        if part in self._baselines:
            best = self._baselines[part].best
            lines.append(("to beat", f"{to_beat}{best.loss:.3f}", f"nats/char, a {best.name} on {part}"))
        expected = expected_of(config.preset, config.corpus, config.model, config.training)
        if expected is not None and self._is_tall:
            on_test = ""
            if "test" in self._baselines and part != "test":
                best = self._baselines["test"].best
                on_test = f" (a {best.name}: {best.loss:.3f})"
            lines.append(("to expect", expected.test_loss, f"nats/char on test{on_test}"))
        return lines


def _row(name: str, value: str, unit: str, *, width: int) -> Content:
    """Return a name, a value and its unit; a long value continues below in the same column."""
    said = f"{value} {unit}".rstrip()
    wrapped = textwrap.wrap(said, max(width - _NAME, _MIN_VALUE)) or [""]
    content = Content(f"\n{'':{_NAME}}".join(wrapped))
    return Content.assemble(f"{name:<{_NAME}}", content.stylize("$foreground", 0, len(value)))


def _cut(config: RunConfig) -> tuple[object, float]:
    return config.corpus, config.training.validation


def _span(span: Span) -> str:
    return duration(span.least) if span.is_exact else duration_between(span.least, span.most)
