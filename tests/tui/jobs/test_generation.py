"""The job of generating texts that end by themselves, without a screen."""

from itertools import islice

import msgspec
import pytest

from charlstm_tui.jobs.generation import Writer, WritingConfig, Written
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.errors import UserError
from core.runs.run import Run
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig, TextEnd

TEMPERATURES = (0.8, 1.5, 2.0)


def writer_on(run: Run, length: int, end: TextEnd) -> Writer:
    writing = WritingConfig(length=length, end=end, pace=0)
    return Writer(run.best_path, "3 mou\n", SamplingConfig(), TEMPERATURES, writing=writing)


def written(writer: Writer) -> list[str]:
    texts = [""] * len(TEMPERATURES)
    for item in writer.write(Control()):
        if isinstance(item, Written):
            texts[item.lane] += item.text
    return texts


def without_end(run: Run, length: int) -> list[str]:
    checkpoint = load_checkpoint(run.best_path)
    samplers = [
        Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(temperature=temperature), "3 mou\n")
        for temperature in TEMPERATURES
    ]
    return ["".join(drawn.character for drawn in islice(sampler, length)) for sampler in samplers]


def test_each_text_side_by_side_ends_by_itself_and_continues_beyond(trained: Run) -> None:
    whole = without_end(trained, 6_000)
    writer = writer_on(trained, 3_000, "empty line")
    first = written(writer)
    assert writer.is_complete
    assert len({len(text) for text in first}) > 1
    assert any(text.endswith("\n\n") for text in first)
    for text, others in zip(first, whole, strict=True):
        assert others.startswith(text)
        assert "\n\n" not in text.strip("\n")
        assert text.endswith("\n\n") or len(text) == 3_000
    assert written(writer) == ["", "", ""], "it is complete"
    writer.go_on()
    second = written(writer)
    for before, text, others in zip(first, second, whole, strict=True):
        assert 0 < len(text) <= 3_000
        assert others.startswith((before + text)[: len(others)])
    assert writer.written == max(len(one) + len(two) for one, two in zip(first, second, strict=True))


def test_another_end_counts_from_the_next_character_on(trained: Run) -> None:
    writer = writer_on(trained, 40, "length")
    assert [len(text) for text in written(writer)] == [40, 40, 40]
    writer.writing = msgspec.structs.replace(writer.writing, end="empty line", length=4_000)
    writer.go_on()
    assert any(text.endswith("\n\n") and len(text) < 4_000 for text in written(writer))


def test_an_end_that_the_model_cannot_generate_is_an_error(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.vocabulary.Vocabulary.__contains__", lambda self, character: character != "\n")
    with pytest.raises(UserError, match="does not know the new line"):
        written(writer_on(trained, 10, "speech"))
