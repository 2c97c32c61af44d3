from textual.widgets import Digits, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.widgets.model_select import ModelSelect
from core.checkpoint import load_checkpoint
from core.corpus import Corpus
from core.evaluation import evaluate
from core.runs import Run
from core.scores import Evaluation
from tests.tui.conftest import until


async def test_the_loss_on_screen_is_the_model_s_loss(app: CharLSTMApp, trained: Run, small_corpus: Corpus) -> None:
    *_, expected = evaluate(load_checkpoint(trained.best_path), small_corpus, "test")
    assert isinstance(expected, Evaluation)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "e")
        await until(lambda: app.screen.has_class("-result"))
        assert app.screen.query_one(Digits).value == f"{expected.score.loss:.3f}"
        figures = str(app.screen.query_one("#figures", Static).content)
        assert f"{expected.score.bits_per_character:.3f}  bits per character" in figures
        assert f"{expected.score.perplexity:.2f}  perplexity" in figures
        about = str(app.screen.query_one("#about", Static).content)
        assert about == f"sheep on moutons · tail · test · {expected.characters:,} characters"


async def test_another_part_can_be_chosen(app: CharLSTMApp, trained: Run, small_corpus: Corpus) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        app.screen.query_one("#part", Select).value = "train"
        await pilot.press("e")
        await until(lambda: app.screen.has_class("-result"))
        assert "· train ·" in str(app.screen.query_one("#about", Static).content)


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
        select = app.screen.query_one(ModelSelect)
        assert select.selection == trained.path
        newer = trained.path.with_name("goats")
        newer.mkdir()
        for file in trained.path.iterdir():
            (newer / file.name).write_bytes(file.read_bytes())
        await pilot.press("f2", "f3")
        await pilot.pause()
        assert select.selection == newer
        select.value = trained.path
        await pilot.press("f2", "f3")
        await pilot.pause()
        assert select.selection == trained.path, "what a person chose stays chosen"
