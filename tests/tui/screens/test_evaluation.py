import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Digits, OptionList, Select, Static, TabbedContent

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs.texts import Fetching
from charlstm_tui.screens.evaluation import EvaluationScreen
from charlstm_tui.screens.missing_text import AskForText
from charlstm_tui.screens.text_picker import TextPicker
from charlstm_tui.state.job_events import Doing
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.evaluation.surprisal_map import SurprisalMap
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig
from core.data.known_texts import MOLIERE
from core.evaluation.evaluator import evaluate
from core.reports.results import Evaluation, EvaluationProgress
from core.runs.run import Run
from tests.conftest import one_of_each_kind
from tests.tui.conftest import until

pytestmark = pytest.mark.opens("evaluate")


def screen_of(app: CharLSTMApp) -> EvaluationScreen:
    assert isinstance(app.screen, EvaluationScreen)
    return app.screen


def said(app: CharLSTMApp, name: str) -> str:
    return str(app.screen.query_one(f"#{name}", Static).content)


async def measured(app: CharLSTMApp) -> EvaluationScreen:
    screen = screen_of(app)
    await until(lambda: not screen._busy)
    return screen


def copy_of(run: Run, name: str) -> Run:
    newer = run.path.with_name(name)
    newer.mkdir()
    for file in run.path.iterdir():
        (newer / file.name).write_bytes(file.read_bytes())
    return Run(newer)


async def test_the_loss_on_screen_is_the_model_s_loss(app: CharLSTMApp, trained: Run, small_corpus: Corpus) -> None:
    *_, expected = evaluate(load_checkpoint(trained.best_path), small_corpus, "test")
    assert isinstance(expected, Evaluation)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "e")
        await measured(app)
        assert app.screen.query_one(Digits).value == f"{expected.score.loss:.3f}"
        assert f"{expected.score.bits_per_character:.3f} bits/char" in said(app, "figures")
        assert f"{expected.score.perplexity:.2f} perplexity" in said(app, "figures")
        assert said(app, "about") == f"sheep on moutons · tail · test · {expected.characters:,} characters"


async def test_every_page_says_what_was_found(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f3", "e")
        screen = await measured(app)
        await pilot.pause()
        assert all(name in said(app, "bars") for name in ("uniform", "unigram", "bigram", "5-gram", "this model"))
        assert "train" in said(app, "parts")
        assert "small letter" in said(app, "groups")
        assert "words" in said(app, "copied")
        pages = screen.query_one(TabbedContent)
        turned = []
        for _ in range(5):
            turned.append(pages.active)
            await pilot.press("right_square_bracket")
        assert turned == ["baselines", "breakdown", "passages", "text", "copying"]
        assert pages.active == "baselines"
        await pilot.press("left_square_bracket")
        assert pages.active == "copying"


async def test_the_cursor_in_the_text_asks_about_a_character(
    app: CharLSTMApp, trained: Run, small_corpus: Corpus
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f3", "e")
        screen = await measured(app)
        await pilot.press("t", "right", "right")
        await pilot.pause()
        surprise_map = screen.query_one(SurprisalMap)
        assert surprise_map.has_focus
        assert surprise_map.text == str(small_corpus.part("test"))
        assert screen.pages.surprisals is not None
        moment = screen.pages.surprisals.at(2)
        assert said(app, "explained").startswith(f"‘{moment.character}’ had ")
        assert f"{moment.loss:.2f} nats" in said(app, "explained")
        await pilot.press("down")
        assert surprise_map.cursor == surprise_map.text.index("\n") + 3
        await pilot.press("end", "right")
        assert surprise_map.cursor == len(surprise_map.text) - 1
        await pilot.press("home", "left", "up")
        assert surprise_map.cursor == 0
        await pilot.click(surprise_map, offset=(2 + 5, 1 + 1))
        assert surprise_map.cursor == surprise_map.text.index("\n") + 1 + 5


async def test_a_passage_is_shown_where_it_stands(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f3", "e")
        screen = await measured(app)
        screen.query_one(TabbedContent).active = "passages"
        await pilot.pause()
        screen.query_one("#extracts", OptionList).focus()
        await pilot.press("enter")
        await pilot.pause()
        assert screen.pages.report is not None
        assert screen.query_one(SurprisalMap).cursor == screen.pages.report.least_expected[0].begin


async def test_two_models_are_compared(app: CharLSTMApp, trained: Run) -> None:
    twin = copy_of(trained, "twin")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f3", "c")
        (notice,) = app._notifications
        assert notice.message == "Choose the other model in the box “compare with”."
        await pilot.press("escape")
        app.screen.query_one("#model", CheckpointSelect).value = trained.path
        app.screen.query_one("#other", CheckpointSelect).value = twin.path
        app.screen.set_focus(None)
        await pilot.press("c")
        await measured(app)
        await pilot.pause()
        assert "They predict it equally well" in said(app, "difference")
        assert app.screen.query_one(TabbedContent).active == "comparison"


async def test_the_report_is_saved(app: CharLSTMApp, trained: Run, tmp_path: Path) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f3", "e")
        screen = await measured(app)
        for name in ("report.json", "report.csv", "report.md"):
            screen._save(str(tmp_path / name))
            assert (tmp_path / name).stat().st_size > 500
        assert json.loads((tmp_path / "report.json").read_bytes())["model"] == "sheep"
        screen._save(str(tmp_path / "report.json"))
        screen._save(str(tmp_path / "report.docx"))
        await pilot.pause()
        *_, there, ending = [notice.message for notice in app._notifications]
        assert "exists already" in there
        assert ending == "The name must end in one of: .json, .csv, .md."


async def test_an_estimate_of_the_loss_is_shown_until_the_exact_one_is_known(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.reports.results import Estimate, Stage

    def slow(control: object, what: object) -> object:
        from core.control import Control

        assert isinstance(control, Control)
        yield Estimate(loss=1.4711, characters=1_000, of=4_000)
        yield Stage(doing="reading", done=0.25)
        while not control.stopped:
            control.wait(0.01)

    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        with monkeypatch.context() as patch:
            patch.setattr("charlstm_tui.screens.evaluation.assess_model", slow)
            await pilot.press("e")
            await until(lambda: "reading" in said(app, "doing"))
            assert app.screen.query_one(Digits).value == "1.47"
            assert app.screen.query_one("#headline").display
            assert said(app, "figures") == "about 1.47 nats/char, from 1,000 of 4,000 characters"
            assert said(app, "meaning") == "The exact loss comes next."
            await pilot.press("x")
            await measured(app)
            assert said(app, "about") == "Stopped before the exact loss was known."
            assert said(app, "meaning") == ""
            assert app.screen.query_one(Digits).value == "1.47"
            assert app.screen.check_action("evaluate", ())
        await pilot.press("e")
        screen = await measured(app)
        assert screen.pages.report is not None
        assert app.screen.query_one(Digits).value == f"{screen.pages.report.evaluation.score.loss:.3f}"
        assert "about" not in said(app, "figures")


async def test_a_comparison_that_is_stopped_leaves_the_report_before_it_complete(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(control: object, what: object, other: object) -> object:
        from core.control import Control

        assert isinstance(control, Control)
        while not control.stopped:
            control.wait(0.01)
            yield EvaluationProgress(scored=1, characters=100)

    monkeypatch.setattr("charlstm_tui.screens.evaluation.compare_models", endless)
    twin = copy_of(trained, "twin")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "e")
        await measured(app)
        complete = said(app, "about")
        app.screen.query_one("#other", CheckpointSelect).value = twin.path
        app.screen.set_focus(None)
        await pilot.press("c")
        await until(lambda: "both" in said(app, "doing"))
        await pilot.press("x")
        await measured(app)
        assert said(app, "about") == complete
        assert "stopped" not in complete


async def test_any_text_is_read_as_a_whole(app: CharLSTMApp, trained: Run, tmp_path: Path) -> None:
    other = tmp_path / "un.txt"
    other.write_text("3", encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        screen_of(app)._take_text(CorpusConfig.typed(str(other)))
        await pilot.press("e")
        screen = await measured(app)
        assert said(app, "about") == "sheep on un · all of it · 1 character"
        assert screen.query_one(SurprisalMap).text == "3"


async def test_a_folder_is_evaluated_without_its_unreadable_files(
    app: CharLSTMApp, trained: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "troupeaux"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.txt").write_text("3 moutons\n", encoding="utf-8")
    (folder / "loup.txt").write_bytes(b"\0\1\2" * 9)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "o")
        await until(lambda: isinstance(app.screen, TextPicker))
        app.screen.query_one("#setting-unreadable_files Select", Select).value = "skip"
        picker = app.screen
        assert isinstance(picker, TextPicker)
        picker._choose(str(folder))
        await until(lambda: not isinstance(app.screen, TextPicker))
        await pilot.press("e")
        screen = await measured(app)
        assert said(app, "about") == "sheep on troupeaux, 2 files · all of it · 21 characters"
        assert screen.query_one(SurprisalMap).text == "3 moutons\n\n3 moutons\n"


async def test_another_text_is_read_in_the_encoding_that_was_typed(
    app: CharLSTMApp, trained: Run, tmp_path: Path
) -> None:
    other = tmp_path / "mac.txt"
    other.write_bytes("éèàù\n".encode("mac-roman") * 30)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "o")
        await until(lambda: isinstance(app.screen, TextPicker))
        box = app.screen.query_one("#setting-encoding", SettingInput)
        box.input.value = "mac-romam"
        picker = app.screen
        assert isinstance(picker, TextPicker)
        picker._choose(str(other))  # nothing is chosen in an encoding that does not exist
        await until(lambda: box.box.has_focus)
        await until(lambda: "Did you mean mac-roman?" in str(box.query_one(".reason", Static).content))
        box.input.value = "mac-roman"
        picker._choose(str(other))
        await until(lambda: not isinstance(app.screen, TextPicker))
        await pilot.press("e")
        screen = await measured(app)
        assert screen.query_one(SurprisalMap).text.startswith("éèàù\n")
        await pilot.press("o")
        await until(lambda: isinstance(app.screen, TextPicker))
        assert app.screen.query_one("#setting-encoding", SettingInput).input.value == "mac-roman"  # remembered


async def test_moliere_chosen_for_evaluation_is_fetched(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(control: Control) -> Iterator[Fetching]:
        asked.append(True)
        yield Fetching(1.0)

    monkeypatch.setattr("charlstm_tui.jobs.texts.fetch_moliere", fetch)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        screen_of(app)._take_text(CorpusConfig.typed(MOLIERE.name))
        await until(lambda: asked == [True])
        await until(lambda: not screen_of(app)._busy)
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, AskForText))  # still not here: asked again, no error


async def test_another_part_can_be_chosen(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        app.screen.query_one("#part", Select).value = "train"
        await pilot.press("e")
        await measured(app)
        assert "· train ·" in said(app, "about")


async def test_without_a_run_it_says_what_to_do(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f3", "e")
        await pilot.pause()
        (notice,) = app._notifications
        assert notice.message == "There is no model yet. Train one first: F2."


async def test_a_text_that_is_gone_is_a_notice_and_the_screen_is_ready_again(app: CharLSTMApp, trained: Run) -> None:
    path = trained.config().corpus.path
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f3")
        with open(path, "w") as file:  # noqa: PTH123
            file.truncate()
        await pilot.press("e")
        await until(lambda: len(app._notifications) == 1)
        (notice,) = app._notifications
        assert "is empty" in notice.message
        assert not app.screen.has_class("-evaluating")
        assert app.screen.check_action("evaluate", ())


async def test_a_new_run_is_chosen_when_one_comes_back(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        select = app.screen.query_one("#model", CheckpointSelect)
        assert select.selection == trained.path
        newer = copy_of(trained, "goats").path
        await pilot.press("f2", "f3")
        await pilot.pause()
        assert select.selection == newer
        assert app.screen.query_one("#other", CheckpointSelect).selection is None, "that choice is the user's"
        select.value = trained.path
        await pilot.press("f2", "f3")
        await pilot.pause()
        assert select.selection == trained.path, "what a person chose stays chosen"


def without_its_text(run: Run) -> None:
    """Make a run one that learnt from Molière's plays, which are not here."""
    config = run.config()
    run.rewrite(msgspec.structs.replace(config, corpus=msgspec.structs.replace(config.corpus, source="moliere")))
    assert not MOLIERE.here


async def test_where_the_text_is_missing_the_play_is_one_key_away(app: CharLSTMApp, trained: Run) -> None:
    without_its_text(trained)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "e")
        await until(lambda: isinstance(app.screen, AskForText))
        await pilot.press("p")
        await until(lambda: isinstance(app.screen, EvaluationScreen) and not app.screen.pages.is_empty)
        await measured(app)
        assert said(app, "about").startswith("sheep on l-homme-aux-contrats · all of it")


async def test_where_the_text_is_missing_it_is_fetched_and_then_read(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[bool] = []

    def fetching(control: Control) -> Iterator[Fetching]:
        yield Fetching(0.5)
        fetched.append(True)

    read: list[object] = []

    def assessing(control: Control, what: object) -> Iterator[object]:
        read.append(what)
        yield Doing("reading")

    monkeypatch.setattr("charlstm_tui.jobs.texts.fetch_moliere", fetching)
    monkeypatch.setattr("charlstm_tui.screens.evaluation.assess_model", assessing)
    monkeypatch.setattr("core.data.known_texts.KnownText.here", property(lambda known: bool(fetched)))
    without_its_text(trained)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "e")
        await until(lambda: isinstance(app.screen, AskForText))
        await pilot.press("f")
        await until(lambda: bool(read))
        await measured(app)
        assert fetched


async def test_escape_leaves_all_as_it_was_where_the_text_is_missing(app: CharLSTMApp, trained: Run) -> None:
    without_its_text(trained)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "e")
        await until(lambda: isinstance(app.screen, AskForText))
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, EvaluationScreen))
        assert screen_of(app).pages.is_empty
        assert not screen_of(app)._busy


@pytest.mark.parametrize("size", one_of_each_kind([(80, 24)], [(80, 24), (120, 40)]))
async def test_the_keys_move_in_whatever_page_is_turned_to(
    app: CharLSTMApp, trained: Run, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("f3", "e")
        screen = await measured(app)
        pages = screen.query_one(TabbedContent)
        for _ in range(6):  # each of the five, and the first again
            await pilot.press("right_square_bracket")
            await pilot.pause()
            assert app.focused is not None
            assert pages.active_pane is not None
            assert pages.active_pane in app.focused.ancestors
            if pages.active == "text":
                await pilot.press("right")
                assert screen.query_one(SurprisalMap).cursor == 1
                await pilot.press("left")


async def test_the_text_page_is_drawn_for_its_room_when_it_is_turned_to(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f3", "e")
        screen = await measured(app)
        await pilot.press("t")
        await pilot.pause()
        panel = screen.query_one("#explained")
        widest = max(line.count("█") for line in said(app, "explained").splitlines())
        await pilot.resize_terminal(121, 40)
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert max(line.count("█") for line in said(app, "explained").splitlines()) == widest
        assert panel.size.width > 20


async def test_in_a_small_window_the_verdict_is_seen_and_the_page_is_scrolled_by_its_keys(
    app: CharLSTMApp, trained: Run
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "e")
        screen = await measured(app)
        await pilot.pause()
        report = screen.pages.report
        assert report is not None
        assert report.verdict_in_short
        assert report.verdict.startswith(report.verdict_in_short)
        meaning = screen.query_one("#meaning")
        assert report.verdict_in_short in said(app, "meaning")
        assert screen.region.contains_region(meaning.region)
        scroll = screen.query_one("#baselines VerticalScroll")
        assert scroll.max_scroll_y > 0
        await pilot.press("pagedown")
        await until(lambda: scroll.scroll_y > 0)
        await pilot.press("home")
        await until(lambda: scroll.scroll_y == 0)
