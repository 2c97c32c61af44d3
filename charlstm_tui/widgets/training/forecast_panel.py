"""The forecast of a run with the settings on screen: time, memory, and the loss to beat."""

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
from core.runs.run import RunConfig
from core.settings.forecast import Forecast, Span
from core.settings.presets import expected_of
from core.text import sanitise

if TYPE_CHECKING:
    from core.reports.results import Baselines

_NAME = 13
"""Cells of a name, where each number has a line."""
_PATIENCE = 0.3
"""Seconds without another change before a forecast."""


class ForecastPanel(Static):
    """Forecasts, in a thread, the run that `consider` is given; the latest only."""

    DEFAULT_CSS: ClassVar[str] = """
    ForecastPanel { height: auto; color: $text-muted; }
    """

    class Refused(Message):
        """The named text cannot be used; an empty reason: it can."""

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
        """Forecast another run, after a moment; None clears the panel."""
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
        """The settings that are forecast."""
        return self._config

    @property
    def told(self) -> Forecast | None:
        """The forecast so far."""
        return self._forecast

    @property
    def is_working(self) -> bool:
        """Whether there is more to come."""
        return self._job.running

    def stop(self) -> None:
        """Stop forecasting: a run begins, or the app ends."""
        self._job.drop()

    def on_unmount(self) -> None:
        """Leave no thread behind."""
        self.stop()

    def on_resize(self) -> None:
        """Write it for the new size."""
        self._show()

    def _look_at(self, config: RunConfig) -> None:
        if config is self._config:
            self._job.start(partial(forecast.estimate_run, config=config), name="forecast", interval=1 / 20)

    def _take(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, Forecast):
                self._forecast = item
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
        self.update(Content("  ·  ").join(words))

    @property
    def _is_tall(self) -> bool:
        """Whether there is room for a line a number."""
        return self.screen.has_class("-wide")

    def _lines(self) -> list[tuple[str, str, str]]:
        """Return names, values and units."""
        told, config = self._forecast, self._config
        if told is None or config is None:
            return [("", "", self._trouble or "The forecast appears once all settings are valid.")]
        training = config.training
        lines = [
            ("parameters", f"{told.parameters:,}", "parameters" if not self._is_tall else ""),
            ("an epoch", f"{told.steps_per_epoch:,}", "steps" if self._is_tall else "steps per epoch"),
        ]
        if not told.fits:
            needs = f"{size_in_bytes(told.memory_bytes)} of {size_in_bytes(told.available_bytes)}: it does not fit"
            return [*lines, ("memory", needs, "")]
        if told.trouble:
            return [*lines[:1], ("", told.trouble, "")]
        epoch, run = told.epoch(), told.run(training)
        if epoch is not None and run is not None:
            units = [] if self._is_tall else ["an epoch"]
            if told.speed is not None and not told.speed.settled:
                units.append("still measuring")
            lines.append(("", _span(epoch), ", ".join(units)))
            lines.append(("the run", _span(run), "in all" if not training.patience else "in all, at most"))
        elif not self._trouble:
            lines.append(("", "measuring", f"the speed: {self._doing}" if self._doing else "the speed"))
        lines.append(("memory", size_in_bytes(told.memory_bytes), "at most" if self._is_tall else "of memory at most"))
        lines += self._losses(config)
        if self._trouble:
            lines.append(("", self._trouble, ""))
        return lines

    def _losses(self, config: RunConfig) -> list[tuple[str, str, str]]:
        """Return the loss to beat and, where it is known, the loss to expect, each with its part of the text."""
        lines = []
        part = "validation" if "validation" in self._baselines else "test"
        to_beat = "" if self._is_tall else "to beat "
        if part in self._baselines:
            best = self._baselines[part].best
            lines.append(("to beat", f"{to_beat}{best.loss:.3f}", f"nats/char, a {best.name} on {part}"))
        expected = expected_of(config.preset, config.corpus, config.model, config.training)
        if expected is not None and self._is_tall:
            there = ""
            if "test" in self._baselines and part != "test":
                best = self._baselines["test"].best
                there = f" (a {best.name}: {best.loss:.3f})"
            lines.append(("to expect", expected.test_loss, f"nats/char on test{there}"))
        return lines


def _row(name: str, value: str, unit: str, *, width: int) -> Content:
    """Return a name, a value and its unit, wrapped below the value where there is no room in a line."""
    said = f"{value} {unit}".rstrip()
    wrapped = textwrap.wrap(said, max(width - _NAME, 16)) or [""]
    content = Content(f"\n{'':{_NAME}}".join(wrapped))
    return Content.assemble(f"{name:<{_NAME}}", content.stylize("$foreground", 0, len(value)))


def _cut(config: RunConfig) -> tuple[object, float]:
    return config.corpus, config.training.validation


def _span(span: Span) -> str:
    return duration(span.least) if span.is_exact else duration_between(span.least, span.most)
