from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from charlstm_tui.widgets.common.wrapping import Row, _wrap_any, _wrap_latin, wrap

texts = st.text(st.sampled_from("ab é日\n\u0301\ufe0f\u200d❤👩"), max_size=80)


@given(texts, st.integers(2, 12))
def test_rows_fit_the_width_and_lose_nothing_but_the_white_space_at_breaks(text: str, width: int) -> None:
    rows = list(wrap(text, 0, width))
    place = 0
    for row in rows:
        assert cell_len(row.text.rstrip(" ")) <= width
        assert text[row.start : row.start + len(row.text)] == row.text
        assert text[place : row.start].strip(" \n") == "", "only white space is between two rows"
        place = row.start + len(row.text)
    assert place == len(text)


def test_words_are_kept_whole_where_they_fit() -> None:
    assert [row.text for row in wrap("le pauvre homme", 0, 10)] == ["le pauvre", "homme"]
    assert [row.text for row in wrap("anticonstitution", 0, 10)] == ["anticonsti", "tution"]
    assert [row.text for row in wrap("日本語", 0, 4)] == ["日本", "語"]
    assert list(wrap("a\n\nb", 5, 4)) == [Row(5, "a"), Row(7, ""), Row(8, "b")]


@given(texts, st.integers(2, 12))
def test_growing_wraps_as_at_once(text: str, width: int) -> None:
    rows: list[Row] = []
    for character in text:
        last = rows.pop() if rows else Row(0, "")
        rows.extend(wrap(last.text + character, last.start, width))
    assert (rows or [Row(0, "")]) == list(wrap(text, 0, width))


@given(st.text(st.sampled_from("ab é"), max_size=80), st.integers(1, 12))
def test_latin_text_is_wrapped_as_any_other(text: str, width: int) -> None:
    assert list(_wrap_latin(text, 3, width)) == list(_wrap_any(text, 3, width))
