"""Emoji, flags and other sequences have the width that the layout expects, in terminals with and without sequences."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from wcwidth import wcwidth

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.commands.table import print_columns
from charlstm_tui.formatting.characters import drawn, settled, shown
from charlstm_tui.widgets.common.stream_pane import StreamPane
from charlstm_tui.widgets.evaluation.surprisal_map import SurprisalMap
from core.text import sanitise

SEQUENCES = {
    "a family": "👨‍👩‍👧", "a flag": "🇫🇷", "a skin colour": "👍🏽", "a heart in colour": "❤️", "a key": "1️⃣",
    "a watch in black": "⌚︎", "a flag of tags": "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "half a flag": "🇫",
    "a skin colour alone": "🏽", "a joiner alone": "\u200d",
    "an accent": "e\u0301", "wide letters": "日本", "letters that are joined": "ක්‍ර", "a new sign": "\U0001facc",
    "plain": "plain", "Persian": "می‌خواهم",
}  # fmt: skip
KNOWN_TO_PYTE = [text for text in SEQUENCES.values() if "\u200c" not in text]
"""pyte ignores characters after a zero-width character that is not an accent."""
MADE_OF = sorted({character for text in SEQUENCES.values() for character in text})


def each_by_itself(text: str) -> int:
    """Return the width of a text in a terminal that draws each character of a sequence."""
    return sum(max(wcwidth(character), 0) for character in text)


def is_no_sequence(text: str) -> bool:
    """Return whether no terminal draws several characters of a text as one sign of another width."""
    return not any(
        character in "\u200d\ufe0e\ufe0f"
        or 0x1F1E6 <= ord(character) <= 0x1F1FF
        or 0x1F3FB <= ord(character) <= 0x1F3FF
        for character in text
    )


@pytest.mark.parametrize("text", SEQUENCES.values(), ids=SEQUENCES)
def test_each_sequence_has_one_width(text: str) -> None:
    for made in (drawn(text), settled(text)):
        assert each_by_itself(made) == cell_len(made)
        assert is_no_sequence(made)
    assert cell_len(settled(text)) == cell_len(text), "its width stays the same"
    assert len(drawn(text)) == len(text), "indices into it stay valid"


@given(st.text(st.sampled_from(MADE_OF)))
def test_any_text_made_of_sequences_has_one_width(text: str) -> None:
    test_each_sequence_has_one_width(text)


@given(st.text())
def test_any_text_has_one_width(text: str) -> None:
    test_each_sequence_has_one_width(sanitise(text).replace("\n", "").replace("\t", ""))


def test_characters_that_all_terminals_draw_alike_are_not_changed() -> None:
    for text in ("Molière: « où? »", "日本語", "😀 🐑", "e\u0301", "می‌خواهم", "─█⣿"):
        assert drawn(text) == settled(text) == text


def test_an_invisible_character_is_shown_by_a_sign() -> None:
    assert [shown(one) for one in "\u200d\ufe0f\u0301\u200b"] == ["◌", "◌", "◌\u0301", "◌\u200b"]
    assert [cell_len(shown(character)) for character in "\u200d\ufe0f\u0301🇫🏽a日"] == [1, 1, 1, 2, 1, 1, 2]


async def test_the_unchanged_text_is_copied_and_saved(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        pane = app.screen.query_one(StreamPane)
        pane.begin("")
        text = " ".join(SEQUENCES.values())
        pane.append(text)
        assert pane.text == text
        assert "".join(row for _, row in pane._rows).replace(" ", "") == drawn(text).replace(" ", "")


def test_columns_are_straight_in_a_terminal_and_unchanged_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(text, "x") for text in SEQUENCES.values()]
    print_columns([("name", False), ("mark", False)], rows)
    printed = capsys.readouterr().out
    assert all(text in printed for text, _ in rows)
    monkeypatch.setattr("charlstm_tui.commands.table.is_terminal", lambda stream: True)
    print_columns([("name", False), ("mark", False)], rows)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert {each_by_itself(line.rstrip("x")) for line in lines} == {each_by_itself(lines[0].rstrip("x"))}


FILLED = """
from charlstm_tui.app import CharLSTMApp
from charlstm_tui.widgets.common.stream_pane import StreamPane
text = {text!r}
def fill(self):
    for pane in self.screen.query(StreamPane):
        pane.begin(text[:40])
        pane.append(text, bytes(place % 5 for place in range(len(text))))
    self.screen.query_one("#prompt").value = text[:30]
CharLSTMApp.action_explain = fill
def tint(self):
    for pane in self.screen.query(StreamPane):
        pane.tinted = not pane.tinted
CharLSTMApp.action_command_palette = tint
from charlstm_tui.__main__ import main
main()
"""


@pytest.mark.parametrize("key", ["\x1bOS", "\x1b[15~"], ids=["generate", "inspect"])
def test_the_frames_stay_straight_in_a_terminal_that_knows_no_sequences(own_runs: Path, key: str) -> None:
    pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
    from tests.tui.real_terminal import Terminal
    from tests.tui.terminal.test_real_terminal import environment

    text = " ".join(KNOWN_TO_PYTE) * 12
    terminal = Terminal(sys.executable, ["-c", FILLED.format(text=text)], environment())
    try:
        terminal.until_shown("s Start")
        terminal.send(key)
        terminal.until_shown("╭")
        terminal.send("\x1bOP")  # fills the panes in this test
        for _ in range(2):
            terminal.until_shown("◌")
            terminal.until(has_straight_frames)
            terminal.send("\x10")  # tints them in this test
            terminal.read(0.2)
    finally:
        terminal.close()


def test_the_names_of_files_leave_the_frames_straight(own_runs: Path, tmp_path: Path) -> None:
    pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
    from tests.tui.real_terminal import Terminal
    from tests.tui.terminal.test_real_terminal import environment

    for number, name in enumerate(KNOWN_TO_PYTE):
        (tmp_path / f"{number} {name}.txt").write_text("mouton " * 100, encoding="utf-8")
    terminal = Terminal(sys.executable, ["-m", "charlstm_tui"], environment(), rows=40, cwd=str(tmp_path))
    try:
        terminal.until_shown("s Start")
        terminal.send("o")
        terminal.until_shown("0 👨")
        terminal.until(has_straight_frames)
    finally:
        terminal.close()


def has_straight_frames(screen: str) -> bool:
    """Return whether all lines of the frame end in the same cell. For pyte, a wide character's second cell is empty."""
    rows = [line for line in screen.split("\n") if line.lstrip().startswith(("│", "╭", "╰"))]
    return len(rows) > 5 and len({each_by_itself(row) for row in rows}) == 1


async def test_every_character_of_a_map_is_visible(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        pane = app.screen.query_one(SurprisalMap)
        pane.show_text("👨‍👩❤️", bytes(5))
        assert "".join(row for _, row in pane._rows) == "👨◌👩❤◌"
