"""What the boxes of the form say about reading and splitting the files of a text."""

from collections.abc import Iterable

from charlstm_tui.widgets.common.setting_input import SettingInput
from core.data.corpus import CorpusConfig
from core.data.encodings import Errors
from core.settings.reading_fields import ReadingField, value_in


class ReadingValues:
    """The settings in some boxes; those without a box are as in a text's configuration."""

    def __init__(self, boxes: Iterable[SettingInput], corpus: CorpusConfig) -> None:
        """Read the settings among `boxes`; `corpus` is the configuration that the form begins with."""
        self._boxes = {box.field.name: box for box in boxes if isinstance(box.field, ReadingField)}
        self._corpus = corpus

    def show(self, corpus: CorpusConfig, *, without: str = "") -> None:
        """Put the configuration of a text into the boxes, except for the setting called `without`."""
        for name, box in self._boxes.items():
            if name != without:
                box.show(value_in(corpus, name), usual=box.field.default)

    @property
    def decoding(self) -> tuple[str | None, Errors]:
        """Encoding as typed (None detects it), and the handling of bytes that are invalid in it.

        Raises:
            UserError: the encoding does not exist.
        """
        if not {"encoding", "encoding_errors"} <= self._boxes.keys():  # also while they are being made
            return self._corpus.encoding, self._corpus.encoding_errors
        encoding = str(self._boxes["encoding"].value).strip() or None
        return encoding, str(self._boxes["encoding_errors"].value)  # type: ignore[return-value]

    @property
    def split_seed(self) -> int:
        """Seed of the split by files.

        Raises:
            UserError: it is no valid seed.
        """
        box = self._boxes.get("split_seed")
        return self._corpus.split_seed if box is None else int(box.value)

    @property
    def skips_unreadable(self) -> bool:
        """Whether files that cannot be read are skipped."""
        box = self._boxes.get("unreadable_files")
        return self._corpus.skip_unreadable if box is None else box.typed == "skip"
