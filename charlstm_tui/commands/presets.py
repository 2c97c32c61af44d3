"""`charlstm-tui presets`: list the presets, or print the settings of one."""

import click
import msgspec

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import json_option
from core.settings.presets import ALL_PRESETS, DEFAULT_PRESET, FINE_TUNE, SMALL_TEXT, preset_named
from core.settings.toml_file import as_toml


@click.command("presets", short_help="List the presets and their settings.")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=proposals.presets)
@json_option
def presets_command(name: str | None, as_json: bool) -> None:
    """List the presets. With NAME, print its settings as a TOML file for `train --config`."""
    if name is not None:
        preset = preset_named(name)
        click.echo(msgspec.json.encode(preset).decode() if as_json else as_toml(preset))
    elif as_json:
        click.echo(msgspec.json.encode(list(ALL_PRESETS.values())).decode())
    else:
        for preset in ALL_PRESETS.values():
            click.echo(f"{preset.name:11}{preset.purpose}")
            click.echo(f"{'':11}{preset.measured.sentence}")
        click.echo(
            f"Without --preset, train uses {DEFAULT_PRESET}, or small for a text under {SMALL_TEXT:,} characters; with "
            f"--from MODEL, {FINE_TUNE.name}."
        )
