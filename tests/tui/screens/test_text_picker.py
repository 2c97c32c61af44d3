import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, OptionList, ProgressBar, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs.texts import Fetching
from charlstm_tui.screens.text_picker import Folders, TextPicker
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.training.fetch_bar import FetchBar
from charlstm_tui.widgets.training.settings_form import SettingsForm
from core.control import Control
from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE, PLAY
from core.errors import UserError
from core.settings.reading_fields import ReadingField
from tests.tui.conftest import until
from tests.tui.steps import make_small, set_up, written


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

    monkeypatch.setattr("charlstm_tui.jobs.texts.fetch_moliere", fetching)
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

    monkeypatch.setattr("charlstm_tui.jobs.texts.fetch_moliere", endless)
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

    monkeypatch.setattr("charlstm_tui.jobs.texts.fetch_moliere", broken)
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


def listed(app: CharLSTMApp) -> list[str]:
    """The lines of the preview after the empty one: those of the files."""
    return [line.rstrip() for line in figures(app).partition("\n\n")[2].splitlines()]


@pytest.fixture
def letters(folder: Path) -> Path:
    """A folder of letters, one of which cannot be read."""
    letters = folder / "lettres"
    (letters / "vieilles").mkdir(parents=True)
    for number in (1, 2, 10):
        (letters / f"lettre {number}.txt").write_text(f"{number} chèvres et {number} moutons.\n" * 40, encoding="utf-8")
    (letters / "vieilles" / "a.txt").write_bytes("Où était la chèvre? derrière la façade.\n".encode("cp1252") * 50)
    (letters / "image.png").touch()
    (letters / "vide.txt").touch()
    return letters


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_folder_is_looked_into_taken_and_trained_on(
    app: CharLSTMApp, letters: Path, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size, notifications=True) as pilot:
        make_small(app, epochs=100_000)
        await pilot.press("escape", "o")
        await until(lambda: len(app.screen.query_one(Folders).root.children) == 3)
        assert app.screen.check_action("take_folder", ()) is False, "no folder is highlighted"
        await pilot.press("tab", "down")
        await until(lambda: "4 files" in figures(app))
        assert "utf-8 and windows-1252" in figures(app)
        assert "files: train" in figures(app)
        assert "vide.txt is empty." in figures(app)
        assert "image.png is not a .txt file." in figures(app)
        assert [line.split()[-1] for line in listed(app)] == ["utf-8", "utf-8", "utf-8", "windows-1252"]
        assert [line.split("  ")[0] for line in listed(app)] == [
            "lettre 1.txt", "lettre 2.txt", "lettre 10.txt", "vieilles/a.txt",
        ]  # fmt: skip
        await pilot.press("t")
        await until(lambda: not isinstance(app.screen, TextPicker))
        assert chosen(app) == str(letters)
        app.screen.query_one("#split", Select).value = "files"
        await pilot.press("escape", "s")
        await until(lambda: any("vide.txt is empty." in notice.message for notice in app._notifications))
        await until(lambda: app.training.started is not None)
        assert app.training.config is not None
        assert app.training.config.corpus.title == "lettres, 4 files"
        assert app.training.config.corpus.split == "files"
        await pilot.press("x", "s")
        await until(lambda: not app.training.alive)


async def test_an_unreadable_file_is_shown_and_skipped_only_with_the_setting(app: CharLSTMApp, letters: Path) -> None:
    (letters / "loup.txt").write_bytes(b"\0\1\2" * 9)
    async with app.run_test(size=(120, 40)) as pilot:
        set_up(app, letters, epochs=100_000)
        await pilot.press("escape", "o")
        await until(lambda: isinstance(app.screen, TextPicker))
        app.screen.query_one(Folders).focus()
        await until(lambda: "loup.txt cannot be read." in figures(app))
        assert "the setting unreadable files" in figures(app)
        assert app.screen.query_one("#unreadable").display
        await pilot.press("escape", "a")
        await until(lambda: len(app.screen.query("#setting-unreadable_files Select")) == 1)
        assert not app.screen.query_one(SettingsForm).read().corpus.skip_unreadable
        app.screen.query_one("#setting-unreadable_files Select", Select).value = "skip"
        app.screen.query_one("#setting-split_seed", SettingInput).input.value = "7"
        await until(lambda: app.screen.query_one(SettingsForm).read().corpus.skip_unreadable)
        assert app.screen.query_one(SettingsForm).read().corpus.split_seed == 7
        await pilot.press("escape", "s")
        await until(lambda: app.training.started is not None)
        assert app.training.config is not None
        assert len(app.training.config.corpus.files) == 4
        await pilot.press("x", "s")
        await until(lambda: not app.training.alive)


async def test_a_folder_is_taken_without_its_unreadable_files(app: CharLSTMApp, letters: Path) -> None:
    (letters / "loup.txt").write_bytes(b"\0\1\2" * 9)
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, letters, epochs=1)
        await pilot.press("escape", "o")
        await until(lambda: isinstance(app.screen, TextPicker))
        app.screen.query_one(Folders).focus()
        await until(lambda: "loup.txt cannot be read." in figures(app))
        app.screen.query_one("#setting-unreadable_files Select", Select).value = "skip"
        await pilot.press("t")
        await until(lambda: not isinstance(app.screen, TextPicker))
        assert app.screen.query_one(SettingsForm).read().corpus.skip_unreadable


async def test_the_preset_suits_the_size_of_all_files_of_a_folder(app: CharLSTMApp, letters: Path) -> None:
    async with app.run_test(size=(120, 40)):
        form = app.screen.query_one(SettingsForm)
        assert form.preset.name == "small"
        for number in range(4):
            (letters / f"longue {number}.txt").write_text("Une longue lettre.\n" * 5_000, encoding="utf-8")
        app.screen.query_one("#corpus", Input).value = str(letters)
        await until(lambda: form.preset.name == "standard")


async def test_a_folder_without_text_files_says_so(app: CharLSTMApp, folder: Path) -> None:
    (folder / "vide").mkdir()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await until(lambda: len(app.screen.query_one(Folders).root.children) == 3)
        await pilot.press("tab", "down")
        await until(lambda: "has no text files" in figures(app))
        assert "a folder: Enter opens it" in figures(app)


async def test_the_files_of_a_run_with_several_sources_are_kept_until_another_text_is_typed(
    app: CharLSTMApp, letters: Path, folder: Path
) -> None:
    corpus = CorpusConfig.typed([str(letters), str(folder / "a.txt"), PLAY.name], split="files")
    async with app.run_test(size=(80, 24)):
        form = app.screen.query_one(SettingsForm)
        form.show(msgspec.structs.replace(form.read(), corpus=corpus))
        line = app.screen.query_one("#more-sources", Static)
        await until(lambda: line.display and "a.txt and l-homme-aux-contrats" in str(line.content))
        assert form.read().corpus == corpus
        app.screen.query_one("#corpus", Input).value = PLAY.name
        await until(lambda: not line.display)
        assert form.read().corpus.sources == (PLAY.name,)


async def test_the_settings_of_files_and_encodings_are_explained(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("a")
        await until(lambda: len(app.screen.query("#setting-unreadable_files")) == 1)
        for setting in app.screen.query(SettingInput):
            if isinstance(setting.field, ReadingField):
                setting.box.focus()
                description = setting.field.description
                await until(lambda said=description: said in written(app, "#explanation Static"))  # type: ignore[misc]
