"""The settings of generation: sampling settings, length and pace."""

import contextlib
from collections.abc import Mapping

from msgspec import Struct
from textual.app import ComposeResult
from textual.containers import ItemGrid

from charlstm_tui.jobs.generation import WritingConfig
from charlstm_tui.widgets.common.setting_input import SettingInput
from core.errors import UserError
from core.settings.config import SamplingConfig, Value, configure, fields_of

WARMER = 0.1
"""A step of the temperature."""


class GenerationSettings(ItemGrid):
    """One box per setting; changes are posted by the boxes as `SettingInput.Changed`."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(min_column_width=24, id=id)

    def compose(self) -> ComposeResult:
        """Lay out the boxes."""
        for config in (SamplingConfig, WritingConfig):
            for field in fields_of(config):
                yield SettingInput(field)

    @property
    def sampling(self) -> SamplingConfig:
        """The sampling settings.

        Raises:
            UserError: an input is invalid.
        """
        return configure(SamplingConfig(), self._values(SamplingConfig))

    @property
    def writing(self) -> WritingConfig:
        """The length and the pace.

        Raises:
            UserError: an input is invalid.
        """
        return configure(WritingConfig(), self._values(WritingConfig))

    @property
    def explanation(self) -> str:
        """The explanation of the focused setting; empty if none has the focus."""
        return next((one.explanation for one in self.query(SettingInput) if one.has_focus_within), "")

    def take_next_seed(self) -> None:
        """Put the next seed into its box."""
        with contextlib.suppress(UserError):
            seed = self.query_one("#setting-seed", SettingInput)
            seed.show((int(seed.value) + 1) % 2**32, usual=0)

    def warm(self, by: int) -> None:
        """Change the temperature by this number of steps."""
        box = self.query_one("#setting-temperature", SettingInput)
        with contextlib.suppress(UserError):
            box.show(round(min(max(float(box.value) + by * WARMER, 0), 100), 2), usual=box.field.default)

    def _values(self, config: type[Struct]) -> Mapping[str, Value]:
        boxes = {box.field.name: box for box in self.query(SettingInput)}
        return {field.name: boxes[field.name].value for field in fields_of(config)}
