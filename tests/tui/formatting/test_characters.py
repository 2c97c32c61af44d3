from rich.cells import cell_len

from charlstm_tui.formatting.characters import SIGNS, in_a_line, in_a_row, shown, with_wide_tabs


def test_one_table_says_how_a_newline_and_a_tab_are_shown() -> None:
    for character in "\n\t":
        assert shown(character) == in_a_line(character) == in_a_row(character) == SIGNS[character]


def test_a_passage_in_a_row_keeps_its_spaces_and_has_no_control_character() -> None:
    assert in_a_row("HARPAGON.\n\tAh\u00a0! \x1b[2J") == "HARPAGON.⏎⇥Ah\u00a0! ␛[2J"


def test_every_sign_takes_one_cell() -> None:
    assert [cell_len(sign) for sign in SIGNS.values()] == [1] * len(SIGNS)


def test_tabs_become_spaces_where_a_text_has_several_lines() -> None:
    assert with_wide_tabs("a\tb\nc") == "a    b\nc"
