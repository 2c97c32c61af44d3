"""The job of writing together, without a screen."""

from collections.abc import Iterator

import pytest

from charlstm_tui.formatting.surprisal import PERSON, level_of
from charlstm_tui.jobs import writing_together
from charlstm_tui.jobs.generation import Writer, WritingConfig, Written
from charlstm_tui.jobs.writing_together import Begun, Offered, TakenBack, WritingTogether
from charlstm_tui.state.job_events import Doing, Prompted
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.runs.run import Run
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig


def together_on(run: Run, prompt: str = "3 mou", *, pace: float = 0.0) -> WritingTogether:
    writing = WritingConfig(length=20, pace=pace)
    return WritingTogether(Writer(run.best_path, prompt, SamplingConfig(), (0.8,), writing=writing))


def text_of(items: list[object]) -> str:
    """The text that a screen shows after these items."""
    text = ""
    for item in items:
        match item:
            case Begun(prompt=prompt):
                text = prompt
            case Written():
                text += item.text
            case TakenBack(text=removed):
                assert text.endswith(removed)
                text = text[: -len(removed)]
    return text


def last_offer(items: list[object]) -> Offered:
    return [item for item in items if isinstance(item, Offered)][-1]


def until_offered(work: Iterator[object]) -> list[object]:
    """Items up to the next offer while the model does not write."""
    items = []
    for item in work:
        items.append(item)
        if isinstance(item, Offered) and not item.model_writes:
            return items
    raise AssertionError("the job has ended")


def test_keys_that_are_pressed_before_the_model_is_loaded_are_not_lost(trained: Run) -> None:
    together = together_on(trained)
    for character in "tons":
        together.type(character)
    together.take_back()
    together.escape()
    items = list(together.work(Control()))
    assert isinstance(items[0], Doing)
    assert text_of(items) == "3 mouton"
    assert together.writer.text.text == "3 mouton"
    typed = [item for item in items if isinstance(item, Written)]
    assert [item.levels[0] - PERSON for item in typed] == [level_of(item.surprise) for item in typed]


def test_the_choice_that_is_taken_is_the_one_at_that_moment(trained: Run) -> None:
    together = together_on(trained)
    work = together.work(Control())
    shown = last_offer(until_offered(work))
    together.take(0)
    together.take(1)
    items = until_offered(work)
    taken = text_of(items)
    checkpoint = load_checkpoint(trained.best_path)
    sampler = Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(), "3 mou")
    assert taken[0] == shown.choices[0].character == sampler.alternatives(1)[0].character
    sampler.feed(checkpoint.vocabulary.get(taken[0], -1))
    assert taken[1] == sampler.alternatives(2)[1].character
    person = last_offer(items).person
    assert (person.characters, last_offer(items).model.characters) == (2, 0)
    assert person.surprise == pytest.approx(sum(one.surprise for one in items if isinstance(one, Written)) / 2)
    together.escape()
    assert list(work) == []


def test_esc_stops_the_model_first_and_leaves_then(trained: Run) -> None:
    together = together_on(trained, pace=1000)
    work = together.work(Control())
    until_offered(work)
    together.let_model_write()
    for item in work:
        if isinstance(item, Offered):
            assert item.model_writes
            break
    together.escape()
    items = until_offered(work)
    assert not last_offer(items).model_writes
    together.type("3")
    assert text_of(until_offered(work)).endswith("3")
    together.escape()
    assert list(work) == []
    assert together.writer.is_complete, "continuing makes it longer by a length"


def test_the_model_writes_to_the_end_of_a_line_unless_a_key_is_pressed(trained: Run) -> None:
    together = together_on(trained)
    work = together.work(Control())
    until_offered(work)
    together.type("\n")
    until_offered(work)
    together.let_model_write()
    line = text_of(until_offered(work))
    assert line.endswith("\n")
    assert line.strip()
    assert "\n" not in line.strip()
    together.let_model_write()
    together.type("4")
    items = until_offered(work)
    assert text_of(items)[-1] == "4"
    assert len(text_of(items)) < 6, "the model stops for the key"


def test_what_the_model_does_not_know_is_replaced_or_refused_and_said(trained: Run) -> None:
    together = together_on(trained)
    for character in "É☃☃s☃":
        together.type(character)
    together.type("[É]")
    together.escape()
    items = list(together.work(Control()))
    assert text_of(items) == "3 mouese"
    assert [item.notice for item in items if isinstance(item, Prompted) and item.notice] == [
        "Replaced in the text, unknown to the model: É by e.",
        "Dropped from the text, unknown to the model: ☃",
        "Dropped from the text, unknown to the model: ☃",
        "Replaced in the text, unknown to the model: É by e. Dropped from the text, unknown to the model: [ ]",
    ]


def test_a_long_text_that_is_pasted_can_be_stopped(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing_together, "LOOK_SECONDS", 0.0)
    together = together_on(trained)
    work = together.work(Control())
    until_offered(work)
    together.type("3 moutons " * 100_000)
    items = []
    for item in work:
        items.append(item)
        if len(items) > 50:
            break
    together.escape()
    items += until_offered(work)
    assert 10 < len(text_of(items)) < 100
    assert any(isinstance(item, Doing) for item in items)
    together.escape()
    assert list(work) == []


def test_a_stop_ends_the_job_and_a_recomputation_continues_with_the_text(trained: Run) -> None:
    together, control = together_on(trained, "3 moutons, " * 40), Control()
    work = together.work(control)
    until_offered(work)
    together.take_back()
    for item in work:
        if isinstance(item, Doing):
            break
    control.stop()
    list(work)
    assert not together.writer.text.is_settled
    together.writer.go_on()
    written = [item for item in together.writer.write(Control()) if isinstance(item, Written)]
    assert sum(len(item.text) for item in written) == 20
    assert together.writer.text.text.startswith("3 moutons, 3 mou")
