"""The app in a browser: textual-serve runs one for each page that is opened, and this says who may open one.

There is no login. So this machine alone is served unless one insists; and since any page of the web can have a browser
connect to the machine it runs on, connections are taken from our own page only.
"""

import asyncio
import contextlib
import ipaddress
import logging
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server as TextualServer

from charlstm_tui.terminal import signals
from core.errors import UserError
from core.text import in_one_line, shortened

PAGE = Path(__file__).parent
SECONDS_TO_SAVE = 10.0
"""How long a run that is under way when the server ends may take to be saved."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host: str) -> bool:
    """Tell whether an address, or `localhost`, leads to this machine from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """Take a port, or any that is free where it is 0.

    Raises:
        UserError: it is taken, or the address is none of this machine's.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, ValueError, TypeError) as error:  # the last two for a name that cannot be one
        why = (error.strerror or "").partition(" (while")[0] if isinstance(error, OSError) else "that is no address"
        raise UserError(
            f"Nothing can be served at {shortened(host)}, port {port}: {why or error}. "
            "Choose another port with --port: 0 takes one that is free."
        ) from error


def command(arguments: list[str]) -> str:
    """Return what a shell is to run for the program with these arguments, as this very process was started."""
    program = Path(sys.argv[0])
    started = ["-m", "charlstm_tui"] if program.name == "__main__.py" else [str(program.resolve())]
    return shlex.join([sys.executable, *started, *arguments])


def _in_a_line(record: logging.LogRecord) -> bool:
    """Have what went wrong with a page said without a traceback, and without what could command the terminal."""
    record.msg, record.args, record.exc_info = in_one_line(record.getMessage()), (), None
    return True


class Server(TextualServer):
    """Serves the app on a socket until a signal comes."""

    def __init__(self, arguments: list[str], host: str, listening: socket.socket) -> None:
        super().__init__(command(arguments), host=host, title="charlstm-tui", templates_path=PAGE)
        self._socket = listening
        self._alone = is_loopback(host)
        self._pages: set[asyncio.Task[web.WebSocketResponse]] = set()
        self._ended_by: int | None = None

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host, port = self._socket.getsockname()[:2]
        if ipaddress.ip_address(host).is_unspecified:
            host = socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def serve(self, debug: bool = False) -> None:
        """Serve until a signal comes, and do then what it asks for, once all runs are saved.

        Raises:
            KeyboardInterrupt, Ended: as `signals.end` does.
        """
        for name in ("textual-serve", "aiohttp.server"):
            logger = logging.getLogger(name)
            logger.addHandler(logging.StreamHandler(sys.stderr))
            logger.addFilter(_in_a_line)
        loop = asyncio.new_event_loop()
        for number in signals.heeded():
            with contextlib.suppress(NotImplementedError):  # on Windows
                loop.add_signal_handler(number, self._end, number)
        web.run_app(
            self._make_app(), sock=self._socket, handle_signals=False, loop=loop, access_log=None, print=None,
            shutdown_timeout=1,
        )  # fmt: skip
        if self._ended_by is not None:
            signals.end(self._ended_by)

    def _end(self, number: int) -> None:
        if number == signals.HANGUP:
            signals.forget_terminal()
        self._ended_by = number
        raise web.GracefulExit

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._admit)
        return app

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what does not come from our own page, and names that others gave to this machine's address."""
        origin = request.headers.get("Origin")
        try:
            admitted = not self._alone or is_loopback(urlsplit(f"//{request.host}").hostname or "")
            admitted = admitted and (not origin or urlsplit(origin).netloc == request.host)
        except ValueError:  # no addresses at all
            admitted = False
        if not admitted:
            raise web.HTTPForbidden(text="charlstm-tui answers its own page only.")
        return await handler(request)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run an app for a page, until either ends."""
        if not web.WebSocketResponse().can_prepare(request):
            raise web.HTTPBadRequest(text="This address is for the page's own connection.")
        page = asyncio.create_task(super().handle_websocket(request))
        self._pages.add(page)
        page.add_done_callback(self._pages.discard)
        return await page

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command does."""

    async def on_shutdown(self, app: web.Application) -> None:
        """Have the app of each page leave, which saves its run."""
        for page in self._pages:
            page.cancel()
        if self._pages:
            await asyncio.wait(self._pages, timeout=SECONDS_TO_SAVE)
