"""Text from outside is shown as it is: no markup, nothing that a terminal acts on."""

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.formatting.outside_text import plain, plain_title
from charlstm_tui.widgets.common.plain_text import PlainText
from tests.tui.conftest import until

HOSTILE = "[b]il[/b] \x1b]0;sort\x07 [/x]"
SHOWN = "[b]il[/b] ␛]0;sort␇ [/x]"


def test_plain_content_has_the_brackets_and_no_control_character() -> None:
    assert plain(HOSTILE, "bold").plain == SHOWN


def test_a_title_is_one_line_that_comes_out_of_markup_as_it_was() -> None:
    from textual.content import Content

    assert Content.from_markup(plain_title(HOSTILE + "\nun")).plain == SHOWN + "⏎un"


async def test_a_plain_text_and_a_notice_show_what_is_there(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        widget = PlainText(HOSTILE)
        await app.screen.mount(widget)
        assert str(widget.render()) == SHOWN
        widget.update(HOSTILE * 2)
        await pilot.pause()
        assert str(widget.render()) == SHOWN * 2
        app.screen.notify(HOSTILE, title=HOSTILE)
        await until(lambda: len(app._notifications) == 1)
        (notice,) = app._notifications
        assert (notice.message, notice.title, notice.markup) == (SHOWN, SHOWN, False)
