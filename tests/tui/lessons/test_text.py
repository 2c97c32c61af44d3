"""The sentences of lessons: keys and names are set off, and lines break at spaces only."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from charlstm_tui.formatting.lesson_text import marked, wrapped


def test_keys_and_names_are_set_off() -> None:
    content = marked("Press `F2` and choose *small* in 2 * 3")
    assert content.plain == "Press F2 and choose small in 2 * 3"
    assert [content.plain[span.start : span.end] for span in content.spans] == ["F2", "small"]


def test_a_line_never_begins_with_a_colon() -> None:
    content = wrapped(marked("Appuyez sur Esc et `h`\u00a0: la même amorce"), 21)
    assert content.plain.split("\n") == ["Appuyez sur Esc et", "h\u00a0: la même amorce"]
    assert [content.plain[span.start : span.end] for span in content.spans] == ["h"]


@given(st.text(alphabet="ab é\u00a0:\n", max_size=60), st.integers(1, 30))
def test_no_word_is_lost_and_lines_fit(text: str, width: int) -> None:
    shown = wrapped(Content(text), width).plain
    assert shown.split() == text.split()
    for line in shown.split("\n"):
        assert cell_len(line) <= width or " " not in line.strip(" ")
