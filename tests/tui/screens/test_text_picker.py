import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, OptionList, ProgressBar, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs.training import Fetching
from charlstm_tui.screens.text_picker import Folders, TextPicker
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.training.fetch_bar import FetchBar
from charlstm_tui.widgets.training.settings_form import SettingsForm
from core.control import Control
from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE, PLAY
from core.errors import UserError
from tests.tui.conftest import until
from tests.tui.steps import set_up


def chosen(app: CharLSTMApp) -> str:
    return app.screen.query_one("#corpus", Input).value


def figures(app: CharLSTMApp) -> str:
    return str(app.screen.query_one("#figures", Static).content)


def offer(app: CharLSTMApp) -> FetchBar:
    return app.screen.query_one(FetchBar)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with texts of all kinds, in which the app is started."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("a.txt").write_bytes("Où était la chèvre? derrière la façade.\n".encode("cp1252") * 50)
    Path("b\x1b[31m.bin").write_bytes(b"\x7fELF" + bytes(100))
    Path(".hidden.txt").write_text("caché")
    return tmp_path / "here"


async def test_s_alone_trains_on_the_play(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert chosen(app) == PLAY.name
        assert "1.7 MB" in str(offer(app).query_one(Static).content)
        await pilot.press("s")
        await until(lambda: app.training.started is not None)
        assert app.training.config is not None
        assert app.training.config.corpus.name == PLAY.name
        assert app.training.config.corpus.sha256
        await pilot.press("x", "s")
        await until(lambda: not app.training.alive)


async def test_a_file_is_looked_into_and_chosen(app: CharLSTMApp, folder: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("o")
        await until(lambda: len(app.screen.query_one(Folders).root.children) == 2)
        await pilot.press("tab", "down")
        await until(lambda: "a.txt" in figures(app))
        assert "windows-1252" in figures(app)
        assert "2,000 characters" in figures(app)
        assert "tail: train 85.5%, validation 4.5%, test 10.0%" in figures(app)
        assert "interleaved: the text is too short" in figures(app)
        assert "Où était la chèvre" in str(app.screen.query_one("#beginning", Static).content)
        await pilot.press("down")
        await until(lambda: "is not text" in figures(app))
        assert "\x1b" not in figures(app) + app.export_screenshot()
        await pilot.press("up", "enter")
        await until(lambda: not isinstance(app.screen, TextPicker))
        assert chosen(app) == str(folder / "a.txt")


async def test_backspace_goes_to_the_folder_above_and_escape_chooses_nothing(app: CharLSTMApp, folder: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o", "backspace")
        await until(lambda: app.screen.query_one(Folders).path == folder.parent)
        await pilot.press("escape")
        await until(lambda: not isinstance(app.screen, TextPicker))
        assert chosen(app) == PLAY.name


async def test_a_known_text_is_chosen_by_its_name(app: CharLSTMApp, folder: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one("#corpus", Input).value = str(folder / "a.txt")
        await pilot.press("o")
        assert app.screen.query_one(OptionList).has_focus
        await until(lambda: MOLIERE.url in figures(app))
        await pilot.press("down")
        await until(lambda: "73 distinct" in figures(app))
        await pilot.press("enter")
        await until(lambda: not isinstance(app.screen, TextPicker))
        assert chosen(app) == PLAY.name


async def test_f_fetches_moliere_and_makes_it_the_text(
    app: CharLSTMApp, moliere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on: list[bool] = []

    def fetching(control: Control) -> Iterator[Fetching]:
        yield Fetching(0.25)
        while not go_on:
            control.wait(0.01)
        MOLIERE.path.parent.mkdir(parents=True)
        shutil.copy(moliere, MOLIERE.path)
        yield Fetching(1.0)

    monkeypatch.setattr("charlstm_tui.jobs.training.fetch_moliere", fetching)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f")
        await until(lambda: offer(app).query_one(ProgressBar).progress == 0.25)
        assert "f stops it" in str(offer(app).query_one(Static).content)
        go_on.append(True)
        await until(lambda: chosen(app) == MOLIERE.name)
        assert not offer(app).display
        assert app.screen.check_action("fetch", ()) is False


async def test_f_again_stops_the_fetching(app: CharLSTMApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(control: Control) -> Generator[Fetching, None, None]:
        while not control.stopped:
            yield Fetching(0.5)
            control.wait(0.01)

    monkeypatch.setattr("charlstm_tui.jobs.training.fetch_moliere", endless)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f")
        await until(lambda: offer(app).query_one(ProgressBar).progress == 0.5)
        await pilot.press("f")
        await until(lambda: offer(app).offering)
        assert chosen(app) == PLAY.name
        assert "f fetches" in str(offer(app).query_one(Static).content)


async def test_what_goes_wrong_in_fetching_is_a_notice(app: CharLSTMApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(control: Control) -> Iterator[Fetching]:
        yield Fetching(0.0)
        raise UserError("The server [b]fell[/b] silent.")

    monkeypatch.setattr("charlstm_tui.jobs.training.fetch_moliere", broken)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f")
        await until(lambda: offer(app).offering and len(app._notifications) == 1)
        (notice,) = app._notifications
        assert notice.message == "The server [b]fell[/b] silent."


async def test_a_text_in_another_encoding_is_named(app: CharLSTMApp, folder: Path) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        set_up(app, folder / "a.txt", epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: any("a was read as windows-1252" in notice.message for notice in app._notifications))
        await pilot.press("x", "s")
        await until(lambda: not app.training.alive)


async def test_the_look_is_of_what_is_highlighted_also_where_that_is_no_text(app: CharLSTMApp, folder: Path) -> None:
    os.mkfifo(folder / "b-pipe")
    Path("c-link.txt").symlink_to("nowhere.txt")
    Path("d-folder").mkdir()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("o")
        await until(lambda: len(app.screen.query_one(Folders).root.children) == 5)
        await pilot.press("tab", "down")
        await until(lambda: "a folder: Enter opens" in figures(app))
        await pilot.press("down")
        await until(lambda: "windows-1252" in figures(app))
        await pilot.press("down", "down")
        await until(lambda: "is a device or a pipe" in figures(app))
        assert str(app.screen.query_one("#beginning", Static).content) == ""
        await pilot.press("down")
        await until(lambda: "There is no file" in figures(app))


async def test_a_text_that_cannot_be_read_is_looked_at_anew_in_the_encoding_that_is_typed(
    app: CharLSTMApp, folder: Path
) -> None:
    Path("a.txt").write_bytes("Où était la chèvre? ".encode() * 30 + b"\xe9\xff\xfe" * 20)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await until(lambda: isinstance(app.screen, TextPicker))
        app.screen.query_one(Folders).focus()
        await pilot.press("down")
        await until(lambda: "a.txt" in figures(app) or "damaged" in figures(app) or "line" in figures(app))
        before = figures(app)
        box = app.screen.query_one("#setting-encoding", SettingInput)
        box.box.focus()
        await pilot.press(*"latin-1")
        await until(lambda: "iso-8859-1" in figures(app))
        assert before != figures(app)
        await pilot.press("enter")
        await until(lambda: not isinstance(app.screen, TextPicker))
        config = app.screen.query_one(SettingsForm).read()
        assert config.corpus.source == str(folder / "a.txt")
        assert config.corpus.encoding == "iso8859-1"


async def test_an_encoding_typed_among_the_settings_is_what_the_text_is_read_in(app: CharLSTMApp, folder: Path) -> None:
    Path("mac.txt").write_bytes("Мельник жил у реки.\n".encode("mac-cyrillic") * 60)
    async with app.run_test(size=(120, 40)) as pilot:
        app.screen.query_one("#corpus", Input).value = str(folder / "mac.txt")
        await pilot.press("a")
        await until(lambda: len(app.screen.query("#setting-encoding")) == 1)
        box = app.screen.query_one("#setting-encoding", SettingInput)
        box.input.value = "mac-cirillic"
        await until(lambda: "Did you mean mac-cyrillic?" in str(box.query_one(".reason", Static).content))
        assert not box.is_valid
        box.input.value = "mac-cyrillic"
        app.screen.query_one("#setting-encoding_errors Select", Select).value = "replace"
        await pilot.pause()
        config = app.screen.query_one(SettingsForm).read()
        assert (config.corpus.encoding, config.corpus.encoding_errors) == ("mac-cyrillic", "replace")
        app.screen.query_one(SettingsForm).show(msgspec.structs.replace(config, corpus=CorpusConfig.typed(PLAY.name)))
        await until(lambda: box.input.value == "")
