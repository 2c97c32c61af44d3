"""What a run with the settings on screen would take, and what loss it has to beat."""

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from charlstm_tui import bridge
from charlstm_tui.job import Ending, LatestJob
from charlstm_tui.numbers import clock, size_in_bytes
from core.forecast import Forecast
from core.presets import PRESETS
from core.runs import RunConfig
from core.text import sanitise

if TYPE_CHECKING:
    from core.baselines import Baselines

_PATIENCE = 0.3
"""Seconds without another change before it is looked at."""


class ForecastPanel(Static):
    """Looks, in a thread, at what `consider` is given; the latest only."""

    DEFAULT_CSS: ClassVar[str] = """
    ForecastPanel { height: auto; color: $text-muted; }
    """

    class Refused(Message):
        """The text that was named will not do; an empty reason: it will."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._config: RunConfig | None = None
        self._job = LatestJob(self, on_items=self._take, on_end=self._end)
        self._forecast: Forecast | None = None
        self._baselines: Baselines | None = None
        self._trouble = ""

    def consider(self, config: RunConfig | None) -> None:
        """Look at another run, in a moment; None looks at nothing."""
        if config == self._config:
            return
        self.stop()
        same_text = config is not None and self._config is not None and _cut(config) == _cut(self._config)
        self._config, self._forecast, self._trouble = config, None, ""
        self._baselines = self._baselines if same_text else None
        if config is not None:
            self.set_timer(_PATIENCE, partial(self._look_at, config))
        self._show()

    @property
    def config(self) -> RunConfig | None:
        """The settings that it looks at."""
        return self._config

    @property
    def told(self) -> Forecast | None:
        """What was told of them so far."""
        return self._forecast

    @property
    def is_working(self) -> bool:
        """Whether there is more to come."""
        return self._job.running

    def stop(self) -> None:
        """Look no further: a run begins, or the app ends."""
        self._job.drop()

    def on_unmount(self) -> None:
        """Leave no thread behind."""
        self.stop()

    def on_resize(self) -> None:
        """Write it as the room is now."""
        self._show()

    def _look_at(self, config: RunConfig) -> None:
        if config is self._config:
            self._job.start(partial(bridge.foresee, config=config), name="forecast", interval=1 / 20)

    def _take(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, Forecast):
                self._forecast = item
            else:
                self._baselines = item  # type: ignore[assignment]
        self.post_message(self.Refused(""))
        self._show()

    def _end(self, ending: Ending) -> None:
        if ending.error and self._forecast is None:
            self.post_message(self.Refused(ending.error))
        elif ending.error:
            self._trouble = ending.error
            self._show()

    def _show(self) -> None:
        lines = self._lines()
        if self._is_tall:
            rows = [Content.assemble(f"{name:<13}", (value, "$foreground"), f" {unit}") for name, value, unit in lines]
            self.update(Content("\n").join(rows))
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
            return [("", "", sanitise(self._trouble) or "What it would take is told once the settings will do.")]
        training = config.training
        lines = [
            ("parameters", f"{told.parameters:,}", "parameters" if not self._is_tall else ""),
            ("an epoch", f"{told.steps_per_epoch:,}", "steps an epoch"),
        ]
        seconds = told.seconds_per_epoch(training)
        if not told.fits:
            needs = f"{size_in_bytes(told.memory_bytes)} of {size_in_bytes(told.available_bytes)}: it does not fit"
            return [*lines, ("memory", needs, "")]
        if not told.steps_per_epoch:
            return [*lines, ("", "too short a text for so many streams and so long a window", "")]
        if seconds is not None:
            lines.append(("", _duration(seconds), "an epoch here"))
            in_all = training.seconds or seconds * training.epochs
            lines.append(("the run", _duration(in_all), "in all"))
        elif not self._trouble:
            lines.append(("", "measuring", "the speed"))
        lines.append(("memory", size_in_bytes(told.memory_bytes), "of memory" if not self._is_tall else ""))
        if self._baselines is not None:
            best = self._baselines.best
            lines.append(("to beat", f"{best.loss:.3f}", f"nats/char, a {best.name} on {self._baselines.part}"))
        if self._trouble:
            lines.append(("", sanitise(self._trouble), ""))
        if self._is_tall and config.preset in PRESETS:
            lines.append(("", "", ""))
            lines.append(("to expect", PRESETS[config.preset].expect, ""))
        return lines


def _cut(config: RunConfig) -> tuple[object, float]:
    return config.corpus, config.training.validation


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
