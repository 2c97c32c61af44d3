"""The user's own keys: names of keys, the file, and what is refused."""

from pathlib import Path

import pytest
from textual.keys import _character_to_key

from charlstm_tui.formatting.key_names import key_in_words
from charlstm_tui.screens.all_keys import SECTIONS, all_actions
from charlstm_tui.state.keymap import Action, key_name, keymap_path, load_keymap
from core.errors import UserError

ON_EACH_KEYBOARD = {
    *"abcdefghijklmnopqrstuvwxyz", "space", "enter", "escape", "tab", "backspace", "delete", "home", "end", "pageup",
    "pagedown", "up", "down", "left", "right", *(f"f{number}" for number in range(1, 13)),
}  # fmt: skip
"""Keys that QWERTY, AZERTY, QWERTZ and BÉPO have without Shift and AltGr."""
BY_OTHER_MEANS = {"stretch.left", "stretch.right", "stretch.up", "stretch.down"}
"""Shift and an arrow; `inspect.mark` and the arrows do the same."""


@pytest.fixture(scope="module")
def actions() -> list[Action]:
    return all_actions()


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_each_action_has_a_key_that_each_keyboard_has_without_shift(actions: list[Action]) -> None:
    for action in actions:
        plain = [key for key in action.keys if key.removeprefix("ctrl+") in ON_EACH_KEYBOARD]
        assert plain or action.id in BY_OTHER_MEANS, action
        assert action.id in BY_OTHER_MEANS or action.keys[0] in plain or action.section == "surprises", "it is shown"


def test_each_action_has_a_section_and_words(actions: list[Action]) -> None:
    assert len({action.id for action in actions}) == len(actions) > 100
    for action in actions:
        assert action.section in SECTIONS
        assert all(action.does)
        assert action.places


def test_keys_that_a_screen_has_twice_are_one_action(actions: list[Action]) -> None:
    """Textual's keymap moves all that is on a key, so two actions of a screen must not share one."""
    for action in actions:
        for other in actions:
            if action.id != other.id and action.section == other.section:
                assert not set(action.keys) & set(other.keys), (action, other)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("k", "k"), ("K", "K"), ("é", "é"), ("[", "left_square_bracket"), ("+", "plus"), ("ctrl++", "ctrl+plus"),
        (",", "comma"), (" ", "space"), ("F7", "f7"), ("PageUp", "pageup"), ("Esc", "escape"), ("ctrl+k", "ctrl+k"),
        ("alt+ctrl+x", "ctrl+alt+x"), ("shift+left", "shift+left"), ("left_square_bracket", "left_square_bracket"),
    ],
)  # fmt: skip
def test_a_key_is_named_by_its_character_or_its_name(given: str, name: str) -> None:
    assert key_name(given) == name


@pytest.mark.parametrize(
    "character", [*"[]()&'\"-_/\\@,;:!?+*=<>#%$~^`|{}", "é", "è", "ç", "à", "ù", "²", "§", "µ", "ß"]
)
def test_any_character_is_a_key_and_is_shown_as_itself(character: str) -> None:
    assert key_name(character) == _character_to_key(character)
    assert key_in_words(key_name(character)) == character


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "there is no key"), ("f99", "there is no key f99"), ("nonsense", "there is no key nonsense"),
        ("hyper+", "there is no key"), ("foo+k", r"there is no key foo\+k"), ("shift+a", "write the character that"),
        ("ctrl+ctrl+a", "there is no key"), ("tab", "moves to the next field"), ("ctrl+c", "saves the run and quits"),
        ("ctrl+i", "send it as Tab"), ("ctrl+[", "send it as Escape"), ("\x07", "there is no key"),
        ("kk", "there is no key kk"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_refused(given: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        key_name(given)


def test_a_file_gives_actions_other_keys(tmp_path: Path, actions: list[Action]) -> None:
    file = write(tmp_path / "keys.toml", '[evaluate]\nnext-page = "n"\nprevious-page = ["b", "["]\n[app]\nhelp="F12"\n')
    with pytest.raises(UserError, match=r"the key n would be both evaluate\.next-page .* and surprises\.next"):
        load_keymap(file, lambda: actions)
    file = write(file, '[evaluate]\nnext-page = "v"\nprevious-page = ["b", "["]\n[app]\nhelp="F12"\n')
    assert load_keymap(file, lambda: actions) == {
        "evaluate.next-page": ("v",), "evaluate.previous-page": ("b", "left_square_bracket"), "app.help": ("f12",),
    }  # fmt: skip


def test_without_a_file_nothing_changes(tmp_path: Path, actions: list[Action]) -> None:
    assert load_keymap(tmp_path / "keys.toml", lambda: actions) == {}
    assert load_keymap(write(tmp_path / "keys.toml", "\ufeff# nothing\n"), lambda: actions) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[train]\nstrat = "b"', r"there is no action train\.strat\. Did you mean train\.start\?"),
        ('zzz = "b"', "there is no action zzz"),
        ("[train]\nstart = 3", r"train\.start must be a key in quotes"),
        ("[train]\nstart = []", r"train\.start must be a key in quotes"),
        ('[train]\nstart = ["b", 4]', r"train\.start must be a key in quotes"),
        ('[train]\nstart = "tab"', r"train\.start: tab cannot be given"),
        ('[train]\nstart = "x"', r"the key x would be both train\.start \(Start\) and train\.stop \(Stop\)"),
        ('[app]\nquit = "s"', r"the key s would be both app\.quit \(Quit\) and train\.start"),
        ('[train]\nstart = "q"', r"the key q would be both train\.start \(Start\) and app\.quit"),
        ('[train]\nstart = "u"\nstop = "u"', "the key u would be both"),
        ("[train", "is not TOML"),
        ("x = " + "[" * 5_000, "is not TOML"),
        ("#" * 200_000, "is too large"),
    ],
)
def test_a_file_with_an_error_is_refused_in_a_sentence(
    tmp_path: Path, actions: list[Action], text: str, said: str
) -> None:
    with pytest.raises(UserError, match=said) as raised:
        load_keymap(write(tmp_path / "keys.toml", text), lambda: actions)
    assert str(raised.value).count("\n") == 0
    assert str(raised.value).startswith(str(tmp_path))


def test_two_actions_can_swap_their_keys(tmp_path: Path, actions: list[Action]) -> None:
    file = write(tmp_path / "keys.toml", '[train]\nstart = "x"\nstop = "s"')
    assert load_keymap(file, lambda: actions) == {"train.start": ("x",), "train.stop": ("s",)}


def test_bytes_that_are_no_text_and_a_folder_are_refused(tmp_path: Path, actions: list[Action]) -> None:
    (tmp_path / "keys.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not in UTF-8"):
        load_keymap(tmp_path / "keys.toml", lambda: actions)
    with pytest.raises(UserError, match="cannot be read"):
        load_keymap(tmp_path, lambda: actions)


def test_the_file_is_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHARLSTM_DATA", str(tmp_path))
    assert keymap_path() == tmp_path / "keys.toml"
    monkeypatch.delenv("CHARLSTM_DATA")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert keymap_path() == tmp_path / "config" / "charlstm-tui" / "keys.toml"
