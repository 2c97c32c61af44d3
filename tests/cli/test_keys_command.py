"""`charlstm-tui keys`: the table, JSON, and a file to start from."""

import json
import tomllib

from charlstm_tui.screens.all_keys import SECTIONS, all_actions
from charlstm_tui.state.keymap import keymap_path, load_keymap
from tests.cli.test_commands import call


def write(text: str) -> None:
    keymap_path().parent.mkdir(parents=True, exist_ok=True)
    keymap_path().write_text(text, encoding="utf-8")


def test_the_table_names_each_action_with_its_keys() -> None:
    done = call("keys")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    for action in all_actions():
        (line,) = [line for line in lines if f"  {action.id} " in line]
        assert all(does in line for does in action.does)
    assert all(title in lines for title, _ in SECTIONS.values())
    assert any(line.split() == ["j", "[", "evaluate.previous-page", "Previous", "page"] for line in lines)
    assert f"{keymap_path()} can give actions other keys." in done.stdout


def test_keys_of_the_users_file_are_marked() -> None:
    write('[train]\nstart = ["u", "f9"]\n')
    done = call("keys")
    assert any(line.split() == ["u", "F9", "train.start", "Start", "(changed)"] for line in done.stdout.splitlines())
    listed = {action["id"]: action for action in json.loads(call("keys", "--json").stdout)}
    assert listed["train.start"] == {"id": "train.start", "keys": ["u", "f9"], "default": ["s"], "does": ["Start"]}
    assert listed["train.stop"]["keys"] == ["x"]


def test_an_error_in_the_file_is_a_sentence_and_exit_code_2() -> None:
    write('[train]\nstart = "x"\n')
    done = call("keys")
    assert done.exit_code == 2
    assert "the key x would be both train.start (Start) and train.stop (Stop)" in done.stderr


def test_the_template_has_each_action_and_changes_nothing_until_a_line_is_used() -> None:
    template = call("keys", "--toml").stdout
    assert tomllib.loads(template) == {section: {} for section in SECTIONS}
    write(template)
    assert load_keymap(keymap_path(), all_actions) == {}
    used = "\n".join(
        line.removeprefix("# ") if " = " in line and not line.startswith("# A key") else line
        for line in template.splitlines()
    )
    write(used.replace('next-field = "tab"', "").replace('next-part = "tab"', "").replace('model = "tab"', ""))
    keymap = load_keymap(keymap_path(), all_actions)
    defaults = {action.id: action.keys for action in all_actions()}
    assert keymap == {name: keys for name, keys in defaults.items() if keys != ("tab",)}
