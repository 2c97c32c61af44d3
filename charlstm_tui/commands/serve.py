"""`charlstm-tui serve`: the app in a browser."""

import click

from charlstm_tui.commands.number_types import WholeNumberRange
from charlstm_tui.commands.options import runs_option
from core.errors import UserError
from core.runs.store import RunStore
from core.text import shortened


@click.command("serve", short_help="Serve the app in a browser.")
@click.option(
    "--port",
    metavar="N",
    type=WholeNumberRange(0, 65_535),
    default=8000,
    show_default=True,
    help="Port; 0 chooses a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--without-login",
    is_flag=True,
    help="Also serve other computers. Anyone who reaches the address can use the app.",
)
@runs_option
def serve_command(port: int, host: str, without_login: bool, store: RunStore) -> None:
    """Serve the app in a browser, for a projector or a tablet.

    Each page is a separate app. Closing a page stops and saves its run. Needs the extra `web`.
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
