import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from textual.widgets import ContentSwitcher, Input, OptionList, Select, Sparkline, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs import training as training_jobs
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.training.explanation_panel import ExplanationPanel
from charlstm_tui.widgets.training.settings_panel import SettingsPanel
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, open_corpus
from core.data.encoded_text import ReadingProgress
from core.events import EpochCompleted
from core.runs.run import Run
from core.runs.store import RunStore
from core.runs.summary import summarise
from core.settings.explanations import EXPLANATIONS
from core.settings.presets import PRESETS
from tests.conftest import one_of_each_kind
from tests.tui.conftest import until
from tests.tui.steps import hint, make_small, reason, set_up, setting, written
from tests.tui.views import running
from tests.waiting import DEADLINE


async def test_a_run_from_the_first_key_to_the_saved_model(app: CharLSTMApp, store: RunStore, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one("#corpus", Input).value = str(small_text)[:-4]
        await pilot.press("tab", "end", *str(small_text)[-4:])
        make_small(app, epochs=3)
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
        await pilot.pause()
        assert app.screen.query_one(ContentSwitcher).current == "run"
        losses = [epoch.train_loss for epoch in app.training.epochs]
        assert list(app.screen.query_one(Sparkline).data or []) == losses
        assert len(losses) == 3
        best = app.training.best
        assert best is not None
        trend = app.screen.query_one("#trend", Static)
        assert str(trend.content) == f"best validation {best.val_loss:.4f} at epoch {best.epoch}", "what fits, uncut"
        assert f"{losses[0]:.4f}" in str(app.screen.query_one("#sparkline-ends", Static).content)
        await pilot.resize_terminal(160, 45)
        await until(lambda: f"{losses[0]:.4f} → {losses[2]:.4f}" in str(trend.content))
        assert "finished, saved" in str(app.screen.query_one("#status", Static).content)
    (run,) = store.all()
    assert summarise(run).epochs == 3
    assert load_checkpoint(run.best_path).model.config.hidden_size == 8


async def test_s_starts_and_x_stops_and_the_stopped_run_is_saved(
    app: CharLSTMApp, store: RunStore, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: len(app.training.epochs) >= 2)
        await pilot.press("x", "s")
        await until(lambda: app.training.phase == "stopped")
        assert app.training.doing == "stopped, saved"
        (run,) = store.all()
        assert load_checkpoint(run.last_path).epoch == len(app.training.epochs)
        await pilot.press("n")
        assert app.screen.query_one(ContentSwitcher).current == "settings"
        assert app.screen.query_one("#corpus", Input).value == str(small_text)


async def test_p_pauses_and_continues_the_run(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: len(app.training.epochs) >= 1 and app.training.baselines is not None)
        await pilot.press("p")
        await until(lambda: app.training.phase == "paused")
        held = app.training
        await pilot.pause(0.5)
        assert app.training == held, "nothing happens while a run is held"
        await pilot.press("p")
        await until(lambda: app.training.phase == "training" and len(app.training.epochs) > len(held.epochs))
        await pilot.press("p")
        await until(lambda: app.training.phase == "paused")
        await pilot.press("x", "s")
        await until(lambda: app.training.phase == "stopped")


async def test_training_goes_on_while_another_screen_is_shown(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: len(app.training.epochs) >= 1)
        await pilot.press("3")
        epochs = len(app.training.epochs)
        await until(lambda: len(app.training.epochs) > epochs)
        assert "training" in str(app.screen.query_one("#run", Static).content)
        await pilot.press("f2")
        await pilot.pause()
        assert len(app.screen.query_one(Sparkline).data or []) > epochs
        await pilot.press("x", "s")
        await until(lambda: not app.training.alive)


async def test_leaving_during_a_run_saves_it(app: CharLSTMApp, store: RunStore, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: len(app.training.epochs) >= 1)
        await pilot.press("q", "s")
    (run,) = store.all()
    await until(lambda: summarise(run).state == "stopped")
    assert load_checkpoint(run.last_path).epoch >= 1


async def test_a_run_stopped_before_it_began_leads_back_to_the_settings(
    app: CharLSTMApp, store: RunStore, small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, release = threading.Event(), threading.Event()

    def slow(config: CorpusConfig) -> Generator[ReadingProgress | Corpus, None, None]:
        yield ReadingProgress(done=0.25)
        reading.set()
        release.wait(DEADLINE)
        yield from open_corpus(config)

    monkeypatch.setattr("charlstm_tui.jobs.texts.open_corpus", slow)
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=3)
        await pilot.press("escape", "s")
        await until(reading.is_set)
        await until(lambda: app.training.doing == "reading the text, 25%")
        await pilot.press("x")
        assert app.training.phase == "stopping", "nothing would be lost: it is not asked"
        release.set()
        await until(lambda: app.training.phase == "idle")
        await pilot.pause()
        assert app.screen.query_one(ContentSwitcher).current == "settings"
    assert store.all() == []


async def test_a_huge_loss_and_a_long_run_can_be_shown(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.training = running(3, of=1000, loss=900.0)
        await pilot.pause()
        assert "900.0000" in str(app.screen.query_one("#losses", Static).content)
        assert app.screen.query_one(Sparkline).size.width == 3, "a column an epoch, though 1,000 are to come"


@pytest.mark.usefixtures("training_clock")
async def test_a_run_by_time_ends_when_the_time_is_over(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=1_000_000)
        setting(app, "seconds").value = "1.5"
        await pilot.press("s")
        await until(lambda: app.training.phase == "finished")
        assert app.training.started is not None
        assert len(app.training.epochs) == app.training.started.epochs < 1000
        assert app.training.finished is not None
        assert app.training.finished.elapsed_seconds == pytest.approx(1.5, rel=0.05)


async def test_the_preset_follows_the_text_until_one_is_chosen(app: CharLSTMApp, tmp_path: Path) -> None:
    long, short = tmp_path / "long.txt", tmp_path / "short.txt"
    long.write_text("Ah! le voilà.\n" * 30_000)
    short.write_text("Ah! le voilà.\n" * 3_000)
    async with app.run_test(size=(80, 24)) as pilot:
        text, preset = app.screen.query_one("#corpus", Input), app.screen.query_one("#preset", Select)
        assert preset.value == "small", "for the play"
        text.value = str(long)
        await pilot.pause()
        assert preset.value == "standard"
        assert setting(app, "streams").value == str(PRESETS["standard"].training.streams)
        app.screen.query_one("#limit", Input).value = "100 000"
        await pilot.pause()
        assert preset.value == "small"
        app.screen.query_one("#limit", Input).value = ""
        await pilot.pause()
        assert preset.value == "standard"
        setting(app, "epochs").value = "3"
        text.value = str(short)
        await pilot.pause()
        assert (preset.value, setting(app, "epochs").value) == ("standard", "3"), "what was typed is not lost"
        preset.value = "quick"
        text.value = str(long)
        await pilot.pause()
        assert preset.value == "quick", "a chosen one stays"


async def test_a_preset_fills_in_the_settings(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one("#preset", Select).value = "notebook"
        await pilot.pause()
        notebook = PRESETS["notebook"]
        assert setting(app, "hidden_size").value == str(notebook.model.hidden_size)
        assert setting(app, "learning_rate").value == "0.001"
        assert setting(app, "epochs").value == "20"


async def test_a_wrong_value_is_explained_as_it_is_typed_and_nothing_starts(
    app: CharLSTMApp, store: RunStore, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        setting(app, "hidden_size").focus()
        await pilot.press("9", "9", "9", "9")
        assert reason(app, "hidden_size") == "hidden size must be a whole number from 1 to 8192, not 9999."
        assert hint(app) == "Number of cells in each layer (from 1 to 8192)."
        app.screen.query_one("#corpus", Input).focus()
        app.screen.query_one("#corpus", Input).value = str(small_text)
        await pilot.press("escape", "s")
        await pilot.pause()
        assert "hidden size must be" in hint(app)
        assert app.focused is setting(app, "hidden_size"), "the field to mend has the focus"
    assert store.all() == []


WILL_NOT_DO = [
    ("", "", "No text was named"),
    ("/nowhere/at-all.txt", "", "There is no file /nowhere/at-all.txt"),
    ("moutons", "0", "characters must be a whole number from 1"),
    ("moutons", "300", "Choose a longer text"),
    ("[/b]\x1b[31m", "", "There is no file"),
    ("~nosuch/x", "", "a user who is not there"),
    ("moutons", "9" * 5000, "characters must be a whole number from 1"),
]
"""Texts and limits, each with another sentence than the one before."""


async def test_a_text_that_will_not_do_leads_back_to_the_settings(
    app: CharLSTMApp, store: RunStore, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        for path, limit, sentence in WILL_NOT_DO:
            app.screen.query_one("#corpus", Input).value = str(small_text) if path == "moutons" else path
            app.screen.query_one("#limit", Input).value = limit
            app.screen.set_focus(None)
            await pilot.pause()
            assert sentence not in hint(app)
            await pilot.press("s")
            await until(lambda sentence=sentence: sentence in hint(app))  # type: ignore[misc]
            assert app.screen.query_one(ContentSwitcher).current == "settings"
            assert not app.training.alive
            assert "\x1b" not in hint(app)
    assert store.all() == []


async def test_a_digit_goes_to_a_screen_only_when_nobody_is_typing(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab", "2")
        assert app.screen.query_one("#corpus", Input).value == "2"
        await pilot.press("escape", "2")
        assert app.current_mode == "evaluate"
        await pilot.press("1")
        assert app.current_mode == "train"
        await pilot.press("f4")
        assert app.current_mode == "generate"
        await pilot.click("_Tab")
        await pilot.pause()
        assert app.current_mode == "train"


async def test_an_unexpected_error_becomes_a_notice(
    app: CharLSTMApp, small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("[bold]no[/bold] memory at all")

    monkeypatch.setattr("charlstm_tui.jobs.texts.open_corpus", broken)
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one("#corpus", Input).value = str(small_text)
        await pilot.press("s")
        await until(lambda: app.training.phase == "failed")
        await pilot.pause()
        assert "RuntimeError: [bold]no[/bold] memory at all" in hint(app)


def last_of(run: Run) -> dict[str, torch.Tensor]:
    return load_checkpoint(run.last_path).model.state_dict()


async def test_a_stopped_run_goes_on_and_ends_as_one_that_never_stopped(
    app: CharLSTMApp, store: RunStore, small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = training_jobs.train

    def train_to_epoch_2(control: Control, **arguments: Any) -> Iterator[object]:
        """Pause by itself: a key could come after the last epoch."""
        for event in train(control, **arguments):
            yield event
            if isinstance(event, EpochCompleted) and event.epoch == 2:
                control.pause()

    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=12)
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
        monkeypatch.setattr("charlstm_tui.jobs.training.train", train_to_epoch_2)
        await until(lambda: app.screen.check_action("new", ()) is True)  # the screen has heard that it finished
        await pilot.press("n", "s")
        await until(lambda: app.training.phase == "paused")
        await pilot.press("x", "s")
        await until(lambda: app.training.phase == "stopped")
        done = len(app.training.epochs)
        assert done < 12, "the run finished before it was stopped: this test shows nothing"
        await until(lambda: app.screen.check_action("resume", ()) is True)  # the screen has heard that it stopped
        await pilot.press("r")
        await until(lambda: app.training.started is not None and app.training.started.epochs_done == done)
        await until(lambda: app.training.phase == "finished")
        assert [epoch.epoch for epoch in app.training.epochs] == list(range(1, 13))
        await pilot.pause()
        assert len(app.screen.query_one(Sparkline).data or []) == 12
    stopped, whole = store.all()
    assert last_of(stopped).keys() == last_of(whole).keys()
    assert all(torch.equal(last_of(stopped)[name], tensor) for name, tensor in last_of(whole).items())


async def test_r_offers_the_runs_that_can_be_resumed(app: CharLSTMApp, store: RunStore, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        await until(lambda: "There is no run yet" in str(app.screen.query_one("#runs-hint", Static).content))
        await pilot.press("escape")
        set_up(app, small_text, epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: len(app.training.epochs) >= 2)
        await pilot.press("x", "s")
        await until(lambda: app.training.phase == "stopped")
        done = len(app.training.epochs)
        await pilot.press("n", "r")
        await until(lambda: app.screen.query_one("#runs", OptionList).option_count == 1)
        await pilot.pause()
        await pilot.press("enter")
        await until(lambda: len(app.training.epochs) > done)
        await pilot.press("x", "s")
        await until(lambda: app.training.phase == "stopped")
    (run,) = store.all()
    assert summarise(run).epochs > done


async def test_a_run_that_cannot_go_on_says_why(app: CharLSTMApp, trained: Run, small_text: Path) -> None:
    trained.metrics_path.write_bytes(b"\n".join(trained.metrics_path.read_bytes().splitlines()[:-1]))
    small_text.unlink()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        await until(lambda: app.screen.query_one("#runs", OptionList).option_count == 1)
        await pilot.pause()
        await pilot.press("enter")
        await until(lambda: "is finished after 2 epochs" in hint(app))


async def test_a_full_disk_is_said_while_the_run_goes_on_and_at_its_end(
    app: CharLSTMApp, store: RunStore, small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.runs.recorder.replace_with", full)
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: "No space left on device" in app.training.trouble)
        await pilot.pause()
        assert "Training continues" in str(app.screen.query_one("#message", Static).content)
        assert app.training.phase == "training"
        await pilot.press("x", "s")
        await until(lambda: app.training.phase == "stopped")
        await pilot.pause()
        assert app.training.doing == "stopped, not saved"
        assert "last.safetensors" in str(app.screen.query_one("#summary-verdict", Static).content)


async def test_enter_in_a_field_goes_to_the_next_and_starts_nothing(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=3)
        for box in ("#corpus", "#limit"):
            app.screen.query_one(box).focus()
            await pilot.press("enter")
            await until(lambda box=box: app.focused is not None and app.focused.id != box[1:])  # type: ignore[misc]
        setting(app, "window").focus()
        await pilot.press("enter")
        await until(lambda: app.focused is setting(app, "learning_rate"))
        assert app.training.phase == "idle"
        await pilot.press("escape", "enter")
        assert app.focused is app.screen.query_one("#start")
        assert app.training.phase == "idle"
        await pilot.press("enter")
        await until(lambda: app.training.phase == "finished")


async def test_ctrl_enter_starts_from_a_field(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=2)
        setting(app, "window").focus()
        await pilot.press("ctrl+enter")
        await until(lambda: app.training.phase == "finished")


@pytest.mark.parametrize("size", one_of_each_kind([(120, 40), (70, 50)], [(120, 40), (100, 30), (70, 50)]))
async def test_the_focused_setting_is_explained_where_there_is_room(app: CharLSTMApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        setting(app, "hidden_size").focus()
        await pilot.pause()
        await until(lambda: EXPLANATIONS["hidden_size"].does in written(app, "#explanation Static"))
        explained = written(app, "#explanation Static")
        assert f"Larger: {EXPLANATIONS['hidden_size'].larger}" in explained
        assert "From 1 to 8192. Default 128; small has 512." in explained
        assert str(app.screen.query_one("#explanation").border_title) == "hidden size"


@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize(
    "size", one_of_each_kind([(100, 30)], [(80, 40), (100, 30), (120, 30), (120, 40), (160, 50), (90, 60)])
)
async def test_no_explanation_is_cut(app: CharLSTMApp, size: tuple[int, int], unfolded: bool) -> None:
    async with app.run_test(size=size) as pilot:
        if unfolded:
            await pilot.press("a")
            await until(lambda: len(app.screen.query("#setting-unreadable_files")) == 1)
        panel, cut = app.screen.query_one(ExplanationPanel), []
        titles = {"#corpus": "text", "#limit": "characters", "#split": "split", "#start-model": "start from"}
        boxes = {app.screen.query_one(name): title for name, title in titles.items()}
        boxes |= {setting.box: setting.field.title for setting in app.screen.query(SettingInput)}
        for box, title in boxes.items():
            if box.is_disabled:
                continue
            box.focus()
            await until(lambda title=title: panel.border_title == title)  # type: ignore[misc]
            await pilot.pause()
            assert panel.region.height > 0
            if panel.max_scroll_y:
                cut.append(title)
        assert cut == []


async def test_explanation_and_preview_have_room_whatever_came_before(app: CharLSTMApp, small_text: Path) -> None:
    """The rows are divided in the same way after a resize, after folding, and below a long complaint."""
    async with app.run_test(size=(80, 40)) as pilot:
        set_up(app, small_text, epochs=2)
        panel, look = app.screen.query_one(ExplanationPanel), app.screen.query_one("#look")
        below, form = app.screen.query_one("#below"), app.screen.query_one("SettingsForm")

        def rows() -> tuple[int, int, bool]:  # the preview has what the forecast leaves
            return form.region.height, panel.region.height, look.region.height > 0

        await until(lambda: look.region.height > 0)
        await pilot.pause()
        at_first = rows()
        await pilot.resize_terminal(80, 28)
        await until(lambda: not below.display)
        await pilot.resize_terminal(80, 40)
        await until(lambda: rows() == at_first)
        await pilot.press("escape", "a")
        await until(lambda: not look.display)
        await pilot.press("escape", "a")
        await until(lambda: rows() == at_first)
        setting(app, "window").focus()
        app.screen.query_one(SettingsPanel).complain("The text cannot be read. " * 8)
        await until(lambda: app.screen.query_one("#hint").size.height == 3)
        await until(lambda: panel.region.height >= at_first[1] and not panel.max_scroll_y)


async def test_the_text_is_shown_as_it_will_be_read(app: CharLSTMApp, tmp_path: Path) -> None:
    text = tmp_path / "fables.txt"
    text.write_bytes(("La chèvre et l'âne.\nOù était-elle, derrière la façade?\n" * 40).encode("cp1252"))
    async with app.run_test(size=(120, 40)):
        app.screen.query_one("#corpus", Input).value = str(text)
        await until(lambda: written(app, "#look").startswith("La chèvre et l'âne.\nOù était-elle"))
        title = str(app.screen.query_one("#look").border_title)
        assert "fables.txt · windows-1252 · 2,200 characters" in title


async def test_unfolded_settings_stay_in_view_when_the_rows_are_divided_later(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("a")
        fields, panel = app.screen.query_one("#fields"), app.screen.query_one(SettingsPanel)
        await until(lambda: fields.scroll_y > 0)
        await pilot.pause()
        shown = fields.scroll_y
        for key, expected in (("", shown), ("tab", 0)):  # a field that has the focus is not scrolled away from
            if key:
                await pilot.press(key)
            fields.scroll_home(animate=False)
            await pilot.pause()
            panel._divide_rows()
            await pilot.pause()
            assert fields.scroll_y == expected
