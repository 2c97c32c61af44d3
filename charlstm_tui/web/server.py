"""The app in a browser: textual-serve starts one app for each page that is opened; this server checks who may open one.

There is no login. So only this machine is served, unless the user asks for more. And since any website can make a
browser connect to the machine it runs on, only connections from the server's own page are accepted.
"""

import asyncio
import contextlib
import ipaddress
import logging
import shlex
import socket
import subprocess
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
"""How long the server waits at its end for runs in progress to be saved."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host: str) -> bool:
    """Return whether an address is a loopback address or `localhost`, which other machines cannot reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on a port; port 0 takes any free one.

    Raises:
        UserError: the port is in use, or the address is not one of this machine's.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, ValueError, TypeError) as error:  # the last two for an invalid host name
        why = (error.strerror or "").partition(" (while")[0] if isinstance(error, OSError) else "this is not an address"
        raise UserError(
            f"The app cannot be served at {shortened(host)}, port {port}: {why or error}. "
            "Choose another port with --port; 0 takes any free one."
        ) from error


def command(arguments: list[str]) -> str:
    """Return the shell command that starts this program with these arguments, in the way this process was started."""
    program = Path(sys.argv[0])
    is_script = program.is_file() and program.name != "__main__.py"  # on Windows, pip's launcher is no file of Python
    started = [str(program.resolve())] if is_script else ["-m", "charlstm_tui"]
    words = [sys.executable, *started, *arguments]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _in_a_line(record: logging.LogRecord) -> bool:
    """Log an error of a page in one line, without a traceback and without control characters."""
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
        """The URL to open in a browser."""
        host, port = self._socket.getsockname()[:2]
        if ipaddress.ip_address(host).is_unspecified:
            host = socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def close(self) -> None:
        """Release the port."""
        self._socket.close()

    def serve(self, debug: bool = False) -> None:
        """Serve until a signal comes; then save all runs and raise the signal's exception.

        Raises:
            KeyboardInterrupt, Ended: as in `signals.end`.
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
        """Refuse requests from other pages, and requests to other host names that resolve to this machine."""
        origin = request.headers.get("Origin")
        try:
            admitted = not self._alone or is_loopback(urlsplit(f"//{request.host}").hostname or "")
            admitted = admitted and (not origin or urlsplit(origin).netloc == request.host)
        except ValueError:  # a malformed header
            admitted = False
        if not admitted:
            raise web.HTTPForbidden(text="charlstm-tui answers requests from its own page only.")
        return await handler(request)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run an app for a page until the app or the connection ends."""
        if not web.WebSocketResponse().can_prepare(request):
            raise web.HTTPBadRequest(text="This address is for the page's own connection.")
        page = asyncio.create_task(super().handle_websocket(request))
        self._pages.add(page)
        page.add_done_callback(self._pages.discard)
        return await page

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the command prints the address."""

    async def on_shutdown(self, app: web.Application) -> None:
        """End the app of each page, which saves its run."""
        for page in self._pages:
            page.cancel()
        if self._pages:
            await asyncio.wait(self._pages, timeout=SECONDS_TO_SAVE)
