from itertools import islice

from textual.widgets import Input, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.widgets.setting_input import SettingInput
from charlstm_tui.widgets.stream_pane import StreamPane
from core.checkpoint import load_checkpoint
from core.config import SamplingConfig
from core.runs import Run
from core.sampling import Sampler
from tests.tui.conftest import until
from tests.tui.steps import reason


def set_up(app: CharLSTMApp, **settings: float) -> None:
    for name, value in settings.items():
        app.screen.query_one(f"#setting-{name}", SettingInput).input.value = str(value)


def pane(app: CharLSTMApp) -> StreamPane:
    return app.screen.query_one(StreamPane)


async def test_a_prompt_is_continued_character_by_character(app: CharLSTMApp, trained: Run) -> None:
    checkpoint = load_checkpoint(trained.best_path)
    sampler = Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(seed=7), "3 mou\n")
    expected = "".join(drawn.character for drawn in islice(sampler, 200))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4", *"3 mou\\n")
        set_up(app, length=200, pace=100, seed=7)
        await pilot.press("enter")
        lengths = set()

        def complete() -> bool:
            lengths.add(len(pane(app).text))
            return "200 characters" in str(app.screen.query_one("#status", Static).content)

        await until(complete)
        assert pane(app).text == "3 mou\n" + expected
        assert len(lengths) > 5, "it grew before the reader's eyes"


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
        assert app.focused is app.screen.query_one("#prompt", Input), "the prompt is ready for the next one"
        await pilot.press("3", "enter")
        await until(lambda: pane(app).text.startswith("3"))
        await pilot.press("escape")


async def test_what_the_model_does_not_know_is_said(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4", *"3 [b]ß")
        set_up(app, length=5, pace=1000)
        await pilot.press("enter")
        await until(lambda: len(app._notifications) == 1)
        (notice,) = app._notifications
        assert notice.message == "Left out of the prompt, unknown to the model: [ ] b ß"
        assert pane(app).text.startswith("3 [b]ß")


async def test_a_wrong_setting_is_a_notice_and_the_frame_explains(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4")
        setting = app.screen.query_one("#setting-temperature", SettingInput)
        setting.input.focus()
        await pilot.press("x")
        assert "temperature must be a number from 0 to 100" in reason(app, "temperature")
        assert "Below 1 safer" in str(pane(app).border_title)
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
        set_up(app, length=100_000, pace=0.1)
        await pilot.press("enter")
        await until(lambda: len(pane(app).text) >= 1)
        screen = app.screen
        assert isinstance(screen, GenerationScreen)
        job = screen._job
        assert job is not None
        await pilot.press("ctrl+q")
    await until(lambda: job._over, seconds=3)  # its next character was due in ten seconds
