"""The options of `train`: their groups in the help, and their second names."""

import click
import pytest
from click.testing import CliRunner

from charlstm_tui.commands.options import ALIASES
from charlstm_tui.commands.train import TrainCommand, train_command


def test_each_option_stands_in_exactly_one_group() -> None:
    grouped = [name for names in TrainCommand.groups.values() for name in names]
    options = [str(param.name) for param in train_command.params]
    assert sorted(grouped) == sorted([*options, "help"])


def test_help_shows_each_heading_and_each_option_once() -> None:
    shown = CliRunner().invoke(train_command, ["--help"], terminal_width=200).output
    assert [line[:-1] for line in shown.splitlines() if line.endswith(":")] == list(TrainCommand.groups)
    listed = [line.split()[0].rstrip(",") for line in shown.splitlines() if line.startswith("  -")]
    options = [param.opts[0] for param in train_command.get_params(click.Context(train_command))]
    assert sorted(listed) == sorted(options)


@pytest.mark.parametrize(("field", "alias", "value"), [
    ("learning_rate", "--lr", "0.01"), ("window", "--seq-len", "50"), ("hidden_size", "--hidden-dim", "64"),
])  # fmt: skip
def test_an_alias_sets_the_same_setting_and_is_in_the_help(field: str, alias: str, value: str) -> None:
    name = f"--{field.replace('_', '-')}"
    assert ALIASES[field] == alias
    by_name = train_command.make_context("train", [name, value]).params[field]
    assert train_command.make_context("train", [alias, value]).params[field] == by_name == float(value)
    assert f"{name}, {alias}" in CliRunner().invoke(train_command, ["--help"]).output
