"""`charlstm-tui serve`: the app in a browser."""

import click

from charlstm_tui.commands.number_types import WholeNumberRange
from charlstm_tui.commands.options import runs_option
from core.errors import UserError
from core.runs.store import RunStore
from core.text import shortened


@click.command("serve")
@click.option(
    "--port", type=WholeNumberRange(0, 65_535), default=8000, show_default=True, help="0 takes one that is free."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--without-login",
    is_flag=True,
    help="Serve others than this machine, too. Whoever reaches the address has the app.",
)
@runs_option
def serve_command(port: int, host: str, without_login: bool, store: RunStore) -> None:
    """Show the app in a browser: on a projector, on a tablet.

    Each page that is opened is an app of its own. Closing it stops its run, which is saved. Needs the extra `web`.
    """
    try:
        from charlstm_tui.web.server import Server, is_loopback, listen
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("aiohttp", "textual_serve"):
            raise
        raise UserError(
            "The app in a browser needs more packages. Install them with the extra `web`: "
            "pip install -e '.[web]' in a checkout, otherwise pip install 'charlstm-tui[web]'."
        ) from error
    if not is_loopback(host) and not without_login:
        raise UserError(
            f"{shortened(host)} can be reached from other machines, and there is no login: anyone who opens the page "
            "can train, write files and read texts with your permissions. To allow that, add --without-login."
        )
    listening = listen(host, port)
    server = Server(["--runs", str(store.root)], host, listening)
    click.echo(server.address)
    if not is_loopback(host):
        click.echo(
            "There is no login: anyone who can reach this address can do on this machine what you can.", err=True
        )
    click.echo("Open this address in a browser. Ctrl-C stops the server and saves the runs in progress.", err=True)
    server.serve()
