"""A person and a model write one text, on the Generate screen."""

from collections.abc import Iterator
from itertools import islice

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.formatting.surprisal import PERSON
from charlstm_tui.jobs.generation import Written
from charlstm_tui.jobs.writing_together import AuthorFigures, Begun, Offered
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.state.keys import keys_of
from charlstm_tui.widgets.common.next_char_bars import TITLE_ROWS, NextCharBars
from charlstm_tui.widgets.common.prompt_input import PromptInput
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.common.stream_pane import StreamPane
from charlstm_tui.widgets.generation.together_panel import TogetherPanel
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.runs.run import Run
from core.sampling.sampler import Alternative, Sampler
from core.sampling.shared_text import Author, SharedText
from core.settings.config import SamplingConfig
from tests.tui.conftest import SIZES, SnapCompare, still, until

pytestmark = pytest.mark.opens("generate")


def screen_of(app: CharLSTMApp) -> GenerationScreen:
    assert isinstance(app.screen, GenerationScreen)
    return app.screen


def pane(app: CharLSTMApp) -> StreamPane:
    return app.screen.query(StreamPane).first()


def choices(app: CharLSTMApp) -> NextCharBars:
    return app.screen.query_one("#choices", NextCharBars)


def figures(app: CharLSTMApp) -> str:
    return str(app.screen.query_one("#together-figures", Static).content)


def set_up(app: CharLSTMApp, **settings: float) -> None:
    for name, value in settings.items():
        app.screen.query_one(f"#setting-{name}", SettingInput).input.value = str(value)


def by_hand(run: Run, prompt: str) -> SharedText:
    """The same text without a screen."""
    checkpoint = load_checkpoint(run.best_path)
    sampler = Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(), prompt)
    return SharedText(sampler, checkpoint.vocabulary)


async def begin(pilot: Pilot[None], prompt: str = "3 mou") -> GenerationScreen:
    """Write together from a prompt."""
    assert isinstance(pilot.app, CharLSTMApp)
    screen = screen_of(pilot.app)
    screen.query_one("#prompt", Input).value = prompt
    await screen.action_write_together()
    await until(lambda: choices(screen.app).count > 0)  # type: ignore[arg-type]
    return screen


async def left(screen: GenerationScreen) -> None:
    await until(lambda: not screen.together.is_active and not screen.has_class("-together"))


async def test_a_person_types_takes_a_choice_and_takes_both_back(app: CharLSTMApp, trained: Run) -> None:
    text = by_hand(trained, "3 mou")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await begin(pilot)
        await pilot.press("t", "o")
        await until(lambda: pane(app).text == "3 mouto")
        text.add("t"), text.add("o")
        second = text.alternatives(2)[1].character
        await pilot.press("down")
        assert choices(app).chosen == 1
        await pilot.press("right")
        await until(lambda: pane(app).text == "3 mouto" + second)
        assert choices(app).chosen == 0, "the most likely one is chosen first"
        text.add(second)
        mean = text.mean_of(Author.PERSON).surprise
        await until(lambda: "3 char." in figures(app))
        assert f"{mean:.2f}" in figures(app).splitlines()[1]
        assert "0 char." in figures(app).splitlines()[2], "the model has written nothing"
        await pilot.press("backspace", "backspace", "backspace", "backspace")
        await until(lambda: pane(app).text == "3 mo")
        assert pane(app)._prompt_length == 4
        await pilot.press("escape")
        await left(screen)
        assert pane(app).text == "3 mo"


async def test_letters_digits_and_enter_are_typed(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await begin(pilot, "")
        await pilot.press("2", "space", "c", "h", "enter", "1", "s", "t")
        await until(lambda: pane(app).text == "2 ch\n1st")
        assert app.screen is screen, "1 is no key"
        await pilot.click(StreamPane)
        await until(lambda: isinstance(app.focused, TogetherPanel))
        await pilot.press("o")
        await until(lambda: pane(app).text == "2 ch\n1sto")


async def test_what_a_person_typed_is_underlined_until_the_tint_replaces_it(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await begin(pilot)
        await pilot.press("t")
        await until(lambda: pane(app).text == "3 mout")
        underlined = [segment.text for segment in pane(app).render_line(0) if segment.style and segment.style.underline]
        assert underlined == ["t"]
        assert "underlined: yours" in str(pane(app).border_subtitle)
        await pilot.press("backspace")
        await until(lambda: pane(app).text == "3 mou")
        assert "yours" not in str(pane(app).border_subtitle)
        await pilot.press("t", "escape")
        await left(screen)
        assert "underlined: yours" in str(pane(app).border_subtitle)
        await pilot.press("t")
        assert "nats" in str(pane(app).border_subtitle)


async def test_a_key_lets_the_model_write_a_line_and_any_other_stops_it(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, pace=0.5)
        await begin(pilot, "3 moutons, 8 chèvres.\\n")
        before = len(pane(app).text)
        await pilot.press("tab")
        await until(lambda: "any key stops it" in str(app.screen.query_one("#together-doing", Static).content))
        await pilot.press("4")
        await until(lambda: pane(app)._levels[-1] >= PERSON)
        stopped = pane(app).text
        await pilot.pause(0.2)
        assert pane(app).text == stopped
        await until(lambda: f"{len(stopped) - before - 1:,} char." in figures(app).splitlines()[2])
        marks = [level >= PERSON for level in pane(app)._levels]
        assert marks == [False] * (len(stopped) - 1) + [True]


async def test_the_text_continues_as_usual_after_the_mode(app: CharLSTMApp, trained: Run) -> None:
    text = by_hand(trained, "3 mou")
    for character in "tons":
        text.add(character)
    expected = text.text + "".join(text.draw().character for _ in range(30))
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, length=30, pace=0)
        screen = await begin(pilot)
        screen.together._type("tonsm")
        await pilot.press("backspace", "escape")
        await left(screen)
        assert app.focused is pane(app)
        assert "4 characters" in str(screen.query_one("#status", Static).content)
        await pilot.press("c")
        await until(lambda: "34 characters" in str(screen.query_one("#status", Static).content))
        assert pane(app).text == expected
        await pilot.press("w")
        await until(lambda: "30 char." in figures(app).splitlines()[2])
        assert "4 char." in figures(app).splitlines()[1], "the authors are remembered"
        for _ in range(len(expected)):
            screen.together.do("back")
        await until(lambda: pane(app).text == "")
        await pilot.press("backspace", "2")
        await until(lambda: pane(app).text == "2")


async def test_a_changed_prompt_begins_another_text(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await begin(pilot)
        await pilot.press("t", "escape")
        await left(screen)
        await pilot.press("w")
        await until(lambda: "1 char." in figures(app))
        assert pane(app).text == "3 mout"
        await pilot.press("escape")
        await left(screen)
        await begin(pilot, "5")
        assert pane(app).text == "5"


async def test_keys_before_the_model_is_loaded_wait_for_it(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = screen_of(app)
        screen.query_one("#prompt", Input).value = "3"
        await pilot.press("escape", "w", *" mou", "escape")
        await until(lambda: pane(app).text == "3 mou")
        await left(screen)


async def test_an_unknown_character_is_refused_and_one_of_the_prompt_disappears(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await begin(pilot, "3 [☃]mou")
        assert pane(app).text == "3 mou"
        await pilot.press("☃", "t")
        await until(lambda: pane(app).text == "3 mout")
        assert [notice.message for notice in app._notifications] == [
            "Dropped from the prompt, unknown to the model: [ ☃ ]",
            "Dropped from the text, unknown to the model: ☃",
        ]


async def test_lines_are_pasted_a_choice_is_clicked_and_typing_scrolls_to_the_end(
    app: CharLSTMApp, trained: Run
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot, "2")
        screen.together.post_message(events.Paste(" moutons\r\n3 mou"))
        await until(lambda: pane(app).text == "2 moutons\n3 mou")
        await until(lambda: "14 char." in figures(app))
        third = choices(app)._alternatives[2][0]
        await pilot.click(choices(app), offset=(3, TITLE_ROWS + 2))
        await until(lambda: pane(app).text == "2 moutons\n3 mou" + third)
        screen.together.post_message(events.Paste("\n3 mou" * 60))
        await until(lambda: pane(app).max_scroll_y > 20 and "375 char." in figures(app))
        await pilot.press("pageup")
        await until(lambda: not pane(app).following)
        await pilot.press("t")
        await until(lambda: pane(app).following and pane(app).text.endswith("out"))


async def test_without_a_model_it_says_what_to_do(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("escape", "w")
        (notice,) = app._notifications
        assert "Train one first" in notice.message
        assert not app.screen.has_class("-together")


async def test_a_model_that_cannot_be_loaded_ends_the_mode_with_a_notice(app: CharLSTMApp, trained: Run) -> None:
    trained.best_path.write_bytes(b"nothing")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("escape", "w")
        await until(lambda: len(app._notifications) == 1)
        await left(screen_of(app))
        assert pane(app).has_caret is False


async def test_the_keys_are_in_the_help_and_the_palette_and_leaving_the_app_ends_the_job(
    app: CharLSTMApp, trained: Run
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        assert "Write together" in [key.does for key in keys_of(app.screen, app)]
        screen = await begin(pilot)
        offered = {key.does: key.shown for key in keys_of(app.screen, app) if key.of_screen}
        assert offered["Model writes a line"] == "Tab"
        assert {"Leave", "Take", "Take back", "Choice above", "Choice below", "Type a new line"} <= set(offered)
        assert "Copy" not in offered
        command = next(one for one in app.get_system_commands(app.screen) if one.title == "Take back")
        await command.callback()
        await until(lambda: pane(app).text == "3 mo")
        job = screen.together._job._job
        assert job is not None
        await pilot.press("ctrl+q")
    await until(lambda: job.over)


async def test_a_text_ends_by_itself_and_is_continued_beyond(app: CharLSTMApp, trained: Run) -> None:
    checkpoint = load_checkpoint(trained.best_path)
    sampler = Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(temperature=2.0), "3\n")
    drawn = "".join(one.character for one in islice(sampler, 4_000))
    first = drawn.index("\n\n", 1) + 2  # the first character may be a newline, but no empty line then
    async with app.run_test(size=(80, 24)) as pilot:
        screen = screen_of(app)
        screen.query_one("#prompt", PromptInput).value = r"3\n"
        set_up(app, length=3_000, pace=0, temperature=2.0)
        screen.query_one("#setting-end Select", Select).value = "empty line"
        await pilot.pause()
        await pilot.press("escape", "enter")
        await until(lambda: screen._texts.shown > 0 and not screen._job.running)
        assert pane(app).text == "3\n" + drawn[:first]
        await pilot.press("c")
        await until(lambda: screen._texts.shown > first and not screen._job.running)
        assert pane(app).text.endswith("\n\n")
        assert pane(app).text == "3\n" + drawn[: screen._texts.shown]


TEXT = "Mon âne a bu la lune, et moi je bois l'eau du moulin.\n\nL'ÂNE.\n\n"
TYPED = "Hi han! Rends-moi ma lune"


def fixed(self: object, control: Control) -> Iterator[object]:
    """A job with the same text and figures everywhere."""
    likely = (("!", 0.41), (",", 0.22), (" ", 0.09), ("\n", 0.06), (".", 0.04), ("s", 0.02), ("é", 0.01))
    rare = tuple((character, 0.004) for character in "abcdefghijklmnopqrt")
    yield Begun("LE MEUNIER.\n\n")
    yield Written(0, TEXT, bytes(len(TEXT)))
    yield Written(0, TYPED, bytes([PERSON + 1] * len(TYPED)))
    choices = tuple(Alternative(*one) for one in (*likely, *rare))
    yield Offered(choices, AuthorFigures(len(TYPED), 2.31), AuthorFigures(len(TEXT), 0.97), model_writes=False)
    while not control.stopped:
        control.wait(0.01)


@pytest.mark.parametrize("size", SIZES)
def test_how_it_looks(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charlstm_tui.widgets.generation.together_panel.WritingTogether.work", fixed)

    async def before(pilot: Pilot[None]) -> None:
        await begin(pilot, "LE MEUNIER.\\n\\n")
        await until(lambda: "25 char." in figures(app))
        await pilot.press("down")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)
