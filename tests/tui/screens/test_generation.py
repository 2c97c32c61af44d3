import re
import shutil
from itertools import islice
from pathlib import Path

import msgspec
import pyperclip
import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.formatting.text_statistics import TextFigures
from charlstm_tui.screens.dialogs import AskFile
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.state.modes import MODES
from charlstm_tui.state.preferences import load_preferences
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.next_char_bars import NextCharBars
from charlstm_tui.widgets.common.prompt_input import PromptInput
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.common.stream_pane import StreamPane
from charlstm_tui.widgets.common.top_bar import TopBar
from core.checkpoints.checkpoint import load_checkpoint
from core.data.corpus import load_corpus
from core.evaluation.memorization import WordCount, words
from core.runs.run import Run
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig
from tests.tui.conftest import until
from tests.tui.states import STATES
from tests.tui.steps import reason

pytestmark = pytest.mark.opens("generate")


def set_up(app: CharLSTMApp, **settings: float) -> None:
    for name, value in settings.items():
        app.screen.query_one(f"#setting-{name}", SettingInput).input.value = str(value)


async def write(app: CharLSTMApp, pilot: Pilot[None]) -> None:
    """Have a short text written to its end."""
    set_up(app, length=20, pace=0)
    await pilot.press("enter")
    await until(lambda: "20 characters" in str(app.screen.query_one("#status", Static).content))
    await until(lambda: app.screen.check_action("write", ()) is True)


def pane(app: CharLSTMApp) -> StreamPane:
    return app.screen.query(StreamPane).first()


async def test_a_prompt_is_continued_character_by_character(app: CharLSTMApp, trained: Run) -> None:
    checkpoint = load_checkpoint(trained.best_path)
    sampler = Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(seed=7), "3 mou\n")
    expected = "".join(drawn.character for drawn in islice(sampler, 200))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4", *"3 mou\\n")
        set_up(app, length=200, pace=10, seed=7)
        await pilot.press("enter")
        lengths = set()

        def has_grown_before_the_reader_s_eyes() -> bool:
            lengths.add(len(pane(app).text))
            return len(lengths) > 5

        await until(has_grown_before_the_reader_s_eyes)
        assert max(lengths) < len("3 mou\n") + 200
        set_up(app, pace=0)
        await until(lambda: "200 characters" in str(app.screen.query_one("#status", Static).content))
        assert pane(app).text == "3 mou\n" + expected


async def test_a_key_stops_the_text(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        set_up(app, length=100_000, pace=200)
        await pilot.press("enter")
        await until(lambda: len(pane(app).text) > 20)
        await pilot.press("escape")
        await until(lambda: app.screen.check_action("write", ()) is True)
        written = pane(app).text
        await pilot.pause(0.3)
        assert pane(app).text == written
        await pilot.press("i", "3", "enter")
        await until(lambda: pane(app).text.startswith("3"))
        await pilot.press("escape")


async def test_what_the_model_does_not_know_is_said(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4", *"3 [☃]É")
        set_up(app, length=5, pace=1000)
        await pilot.press("enter")
        await until(lambda: len(app._notifications) == 1)
        (notice,) = app._notifications
        assert notice.message == (
            "Replaced in the prompt, unknown to the model: É by e. Dropped from the prompt, unknown to the model: [ ☃ ]"
        )
        assert pane(app).text.startswith("3 [☃]É")


async def test_a_wrong_setting_is_a_notice_and_the_frame_explains(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4")
        setting = app.screen.query_one("#setting-temperature", SettingInput)
        setting.input.focus()
        await pilot.press("x")
        assert "temperature must be a number from 0 to 100" in reason(app, "temperature")
        assert "Below 1 less varied" in str(pane(app).border_title)
        await pilot.press("enter")
        await pilot.pause()
        (notice,) = app._notifications
        assert "temperature must be a number" in notice.message
        assert pane(app).text == ""


async def test_without_a_run_it_says_what_to_do(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4", "enter")
        await pilot.pause()
        (notice,) = app._notifications
        assert "Train one first" in notice.message


async def test_leaving_while_it_writes_ends_at_once(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        set_up(app, length=100_000, pace=0.001)
        await pilot.press("enter")
        await until(lambda: len(pane(app).text) >= 1)
        screen = app.screen
        assert isinstance(screen, GenerationScreen)
        job = screen._job._job
        assert job is not None
        await pilot.press("ctrl+q")
    await until(lambda: job.over)  # its next character was due in a quarter of an hour


def status(app: CharLSTMApp) -> str:
    return str(app.screen.query_one("#status", Static).content)


async def test_a_text_goes_on_from_where_it_was_stopped_and_beyond_its_end(app: CharLSTMApp, trained: Run) -> None:
    checkpoint = load_checkpoint(trained.best_path)
    sampler = Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(), "3")
    whole = "3" + "".join(drawn.character for drawn in islice(sampler, 120))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4", "3")
        set_up(app, length=60, pace=0.5)
        await pilot.press("enter")
        await until(lambda: len(pane(app).text) > 2)
        await pilot.press("escape")
        await until(lambda: app.screen.check_action("continue", ()) is True)
        assert 2 < len(pane(app).text) < 61
        set_up(app, pace=0)
        await pilot.press("c")
        await until(lambda: "60 characters" in status(app) and app.screen.check_action("continue", ()) is True)
        assert pane(app).text == whole[:61]
        await pilot.press("c")
        await until(lambda: "120 characters" in status(app))
        assert pane(app).text == whole


async def test_another_temperature_takes_effect_at_once(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f4")
        set_up(app, length=0, pace=0, temperature=100)
        await pilot.press("enter")
        await until(lambda: len(pane(app).text) > 2_000)
        set_up(app, temperature=0)
        await until(lambda: len(set(pane(app).text[-300:])) < 12)  # greedy runs in a circle
        await pilot.press("escape")
        await until(lambda: app.screen.check_action("continue", ()) is True)
        (certain,) = [
            line for line in str(app.screen.query_one(NextCharBars).render()).splitlines() if "100.0 %" in line
        ]
        assert certain
        set_up(app, temperature=1)
        await pilot.press("right_square_bracket")
        assert app.screen.query_one("#setting-temperature", SettingInput).input.value == "1.1"
        await pilot.pause()
        assert "100.0 %" not in str(app.screen.query_one(NextCharBars).render()), "the bars say what it would be now"


async def test_the_same_prompt_at_three_temperatures(app: CharLSTMApp, trained: Run) -> None:
    checkpoint = load_checkpoint(trained.best_path)
    expected = []
    for temperature in (0.4, 0.8, 1.2):
        sampler = Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(temperature=temperature), "3")
        expected.append("3" + "".join(drawn.character for drawn in islice(sampler, 80)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f4", "3", "escape")
        set_up(app, length=80, pace=0)
        await pilot.press("h")
        await until(lambda: "80 characters" in status(app))
        panes = list(app.screen.query(StreamPane))
        assert [one.border_title for one in panes] == [f"temperature {one}" for one in (0.4, 0.8, 1.2)]
        assert [one.text for one in panes] == expected
        await until(lambda: app.screen.check_action("write", ()) is True)
        await pilot.press("n")
        await until(lambda: len(app.screen.query(StreamPane)) == 1 and "80 characters" in status(app))
        assert app.screen.query_one("#setting-seed", SettingInput).input.value == "1"


async def test_prompts_come_back_with_the_up_arrow_also_the_next_day(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        set_up(app, length=1)
        for prompt in ("3", "mou"):
            await until(lambda: app.screen.check_action("write", ()) is True)
            app.screen.query_one("#prompt", Input).focus().value = prompt
            await pilot.press("enter")
            await until(lambda: "1 character" in status(app))
        await pilot.press("i")
        app.screen.query_one("#prompt", Input).value = "dra"
        seen = []
        for key in ("up", "up", "up", "down", "down"):
            await pilot.press(key)
            seen.append(app.screen.query_one("#prompt", Input).value)
        assert seen == ["mou", "3", "3", "mou", "dra"]
    assert load_preferences().prompts == ("3", "mou")


async def test_the_text_is_saved_and_nothing_is_overwritten(
    app: CharLSTMApp, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4", "3")
        set_up(app, length=20, pace=0)
        await pilot.press("enter")
        await until(lambda: app.screen.check_action("save", ()) is True)
        await pilot.press("s", "enter")
        saved = tmp_path / "sheep-seed0.txt"
        await until(saved.exists)
        assert saved.read_text(encoding="utf-8") == pane(app).text + "\n"
        await pilot.press("s")
        box = app.screen.query_one(Input)
        assert box.value == "sheep-seed0-2.txt", "a name that is not taken"
        box.value = "sheep-seed0.txt"
        await pilot.press("enter")
        await until(lambda: any("exists already" in notice.message for notice in app._notifications))
        await pilot.press("s")
        app.screen.query_one(Input).value = "no/such/folder.txt"
        await pilot.press("enter")
        await until(lambda: any("There is no folder" in notice.message for notice in app._notifications))


async def test_copying_says_what_became_of_it(app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(text: str) -> None:
        raise pyperclip.PyperclipException("no clipboard here")

    copied: list[str] = []
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4", "3")
        set_up(app, length=20, pace=0)
        await pilot.press("enter")
        await until(lambda: app.screen.check_action("save", ()) is True)
        monkeypatch.setattr(pyperclip, "copy", none)
        await pilot.press("y")
        await until(lambda: any("does not confirm" in notice.message for notice in app._notifications))
        assert app.clipboard == pane(app).text
        monkeypatch.setattr(pyperclip, "copy", copied.append)
        await pilot.press("y")
        await until(lambda: any("Copied 21 characters" in notice.message for notice in app._notifications))
        assert copied == [pane(app).text]


async def test_the_last_epoch_can_be_chosen_instead_of_the_best(app: CharLSTMApp, trained: Run) -> None:
    shutil.copy(trained.best_path, trained.last_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        select = app.screen.query_one(CheckpointSelect)
        assert (select.checkpoint("best"), select.checkpoint("last")) == (trained.best_path, trained.last_path)
        trained.last_path.unlink()
        assert select.checkpoint("last") == trained.best_path, "there is no other"


async def test_a_file_that_cannot_be_is_a_notice_and_the_text_stays(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4")
        screen = app.screen
        assert isinstance(screen, GenerationScreen)
        await write(app, pilot)
        text = screen.panes.text
        for name in ("~nobody-is-called-so/x.txt", "", "x" * 300, "nowhere/at/all.txt"):
            screen._save(name)
        await pilot.pause()
        said = [notice.message for notice in app._notifications]
        assert "a user who is not there" in said[0]
        assert said[1] == "No file was named."
        assert "File name too long" in said[2]
        assert "There is no folder" in said[3]
        assert screen.panes.text == text


async def test_saving_works_where_the_working_folder_is_gone(
    app: CharLSTMApp, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4")
        await write(app, pilot)
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(app.screen, AskFile)
        app.screen.dismiss(str(tmp_path / "saved.txt"))
        await pilot.pause()
        assert (tmp_path / "saved.txt").is_file()


async def test_the_hint_is_no_part_of_a_text_that_begins_from_nothing(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4", "escape", "h")
        screen = app.screen
        assert isinstance(screen, GenerationScreen)
        await until(lambda: len(screen.query(StreamPane)) == 3)
        first = pane(app)
        first.rewrap()  # as a resize does, before the first character is there
        await until(lambda: len(first.text) > 3)
        await pilot.press("escape")
        await until(lambda: not screen._job.running)
        assert "".join(text for _, text in first._rows).replace(" ", "") == first.text.replace("\n", "").replace(
            " ", ""
        )


async def test_all_lines_of_what_is_pasted_are_taken(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        box = app.screen.query_one("#prompt", PromptInput)
        box.focus()
        box.post_message(events.Paste("LE MEUNIER.\r\n\r\nMon âne\nrit"))
        await pilot.pause()
        assert box.value == r"LE MEUNIER.\n\nMon âne\nrit"


async def test_a_long_prompt_can_be_stopped_while_it_is_read(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        screen = app.screen
        assert isinstance(screen, GenerationScreen)
        set_up(app, length=0)
        screen.query_one("#prompt", PromptInput).value = "3 moutons " * 40_000
        await pilot.press("enter")
        await until(lambda: "reading the prompt, " in str(screen.query_one("#status", Static).content))
        await pilot.press("escape")
        await until(lambda: not screen._job.running)
        assert screen._texts.shown == 0, "nothing was written"
        assert screen.query_one("#prompt", PromptInput).remembered == (), "too long to be kept"


async def test_another_length_counts_when_it_goes_on(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        screen = app.screen
        assert isinstance(screen, GenerationScreen)
        await write(app, pilot)
        assert screen._texts.shown == 20
        set_up(app, length=50)
        await pilot.pause()
        await pilot.press("c")
        await until(lambda: not screen._job.running)
        assert screen._texts.shown == 70


async def test_a_bad_length_does_not_keep_the_temperature_from_changing(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        screen = app.screen
        assert isinstance(screen, GenerationScreen)
        await write(app, pilot)
        screen.query_one("#setting-length", SettingInput).input.value = "abc"
        set_up(app, temperature=0)
        await pilot.pause()
        assert screen._writer is not None
        assert screen._writer.config.temperature == 0


def test_the_figures_of_a_text_are_told_as_there_is_room() -> None:
    figures = TextFigures()
    assert figures.line(80) == ""
    figures.add("loup et l'agnau ", 12.0)
    assert figures.line(80) == "mean surprisal 0.75 nats/char"
    figures.know(WordCount({"loup", "et", "l", "agneau"}, "Le "))
    assert figures.known_words == 0.75
    assert figures.line(80) == "75 % of its words are in the training text · mean surprisal 0.75 nats/char"
    assert figures.line(28) == "75 % known words · 0.75 nats"
    assert figures.line(27) == "words 75 % · 0.75 nats"
    assert figures.line(3) == ""


async def test_three_texts_side_by_side_say_how_many_of_their_words_are_real(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f4", "escape")
        await until(lambda: isinstance(app.screen, GenerationScreen) and app.focused is None)
        set_up(app, length=120, pace=0)
        await pilot.press("h")
        panes = list(app.screen.query(StreamPane))
        await until(
            lambda: len(panes) == 3 and all("known words" in pane.note for pane in app.screen.query(StreamPane))
        )
        screen = app.screen
        assert isinstance(screen, GenerationScreen)
        await until(lambda: not screen._job.running)
        known = set(words(trained_text(trained)))
        for pane in app.screen.query(StreamPane):
            whole = words(pane.text + "a")[:-1]  # the last one is not complete
            share = sum(word in known for word in whole) / len(whole)
            assert f"{100 * share:.0f} % known words" in pane.note


def trained_text(run: Run) -> str:
    corpus = load_corpus(run.config().corpus)
    return str(corpus.part("train", run.config().training.validation))


async def test_an_empty_box_gives_what_it_shows(app: CharLSTMApp, trained: Run) -> None:
    run_with_prompt(trained, "3\n4")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        box = app.screen.query_one("#prompt", PromptInput)
        await until(lambda: box.placeholder == r"3\n4")
        set_up(app, length=5, pace=0)
        box.focus()
        await pilot.press("enter")
        await until(lambda: len(pane(app).text) == len("3\n4") + 5)
        assert pane(app).text.startswith("3\n4")
        assert box.value == r"3\n4"
        await pilot.press("escape", "i", "ctrl+u")
        assert box.value == ""
        assert "empty" in box.placeholder
        await pilot.press("enter")
        await until(lambda: len(pane(app).text) == 5)


def run_with_prompt(run: Run, prompt: str) -> None:
    config = run.config()
    training = msgspec.structs.replace(config.training, sample_prompt=prompt)
    run.rewrite(msgspec.structs.replace(config, training=training))


@pytest.mark.parametrize("key", ["f4", "f5"])
async def test_while_one_types_the_footer_shows_the_ways_out(app: CharLSTMApp, trained: Run, key: str) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.focused, PromptInput)
        shown = {active.binding.key for active in app.screen.active_bindings.values() if active.binding.show}
        assert {"enter", "escape", "f1"} <= shown
        top = " ".join(str(part.render()) for part in app.screen.query_one(TopBar).children)
        assert all(f"F{number} {title}" in top for number, title in enumerate(MODES.values(), start=2))
        await pilot.press("f3")
        assert app.current_mode == "evaluate"
        await pilot.press(key)
        await pilot.press("escape")
        assert app.focused is None


async def test_the_figures_of_three_texts_are_worded_alike(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await STATES["three texts"](pilot)
        for width in (80, 79, 78):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            worded = {re.sub(r"[\d.]+", "", pane.note) for pane in app.screen.query(StreamPane)}
            assert len(worded) == 1
            assert worded != {""}


async def test_a_text_of_another_model_than_the_chosen_one_is_named(app: CharLSTMApp, trained: Run) -> None:
    other = trained.path.with_name("goats")
    shutil.copytree(trained.path, other)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        models, epochs = app.screen.query_one(CheckpointSelect), app.screen.query_one("#which", Select)
        models.value = trained.path
        await write(app, pilot)
        assert status(app).startswith("20 characters")
        assert " by " not in status(app)
        models.value = other
        await until(lambda: f"20 characters by {trained.name}" in status(app))
        models.value = trained.path
        await until(lambda: " by " not in status(app))
        epochs.value = "last"
        await until(lambda: "20 characters by its best epoch" in status(app))
