"""Fetching a known text: on the user's word only, checked against its hash, and never half there.

pooch does the transfer, in a thread of its own: a connection that stalls holds nothing but that thread, so whoever
waits here can stop at any time.
"""

import contextlib
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Generator
from pathlib import Path

from msgspec import Struct

from core.data.known_texts import KnownText
from core.errors import UserError

TIMEOUT = 30.0
"""Seconds without a byte after which a connection is given up."""
_LOOK = 0.1


class FetchProgress(Struct, frozen=True, kw_only=True):
    """How much has come."""

    received: int
    size: int
    """Bytes in all."""


class Fetched(Struct, frozen=True, kw_only=True):
    """The text is there, whole."""

    path: Path


class _CancelledError(Exception):
    """Nobody waits for the rest."""


def fetch(text: KnownText, *, timeout: float = TIMEOUT) -> Generator[FetchProgress | Fetched, None, None]:
    """Fetch a text over the network, yielding progress ten times a second and, last, where it is. To stop, stop asking.

    Raises:
        UserError: it cannot be fetched, is not what was expected, or cannot be written.
    """
    path = text.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_up(path.parent)
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=".fetching-"))
    except OSError as error:
        raise UserError(f"{path.parent} cannot be written: {error.strerror}. Set CHARLSTM_DATA elsewhere.") from None
    transfer = _Transfer(text, folder, timeout)
    try:
        while not transfer.over:
            yield FetchProgress(received=min(transfer.received, text.size), size=text.size)
            transfer.wait(_LOOK)
        if transfer.error is not None:
            raise _in_words(transfer.error, text)
        try:
            (folder / text.file).replace(path)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.") from None
        yield FetchProgress(received=text.size, size=text.size)
        yield Fetched(path=path)
    finally:
        transfer.cancel()
        shutil.rmtree(folder, ignore_errors=True)


def _clear_up(folder: Path) -> None:
    """Delete what a fetch left that was killed: nothing is fetched for a day."""
    for left in folder.glob(".fetching-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 24 * 3600:
                shutil.rmtree(left, ignore_errors=True)


class _Transfer:
    """One download into a folder of its own; also the progress bar that pooch fills."""

    total = 0

    def __init__(self, text: KnownText, folder: Path, timeout: float) -> None:
        self.received = 0
        self.error: Exception | None = None
        self._cancelled = False
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.over = False
        # A daemon: one that waits for a silent server must not hold up the end of the program.
        threading.Thread(target=self._run, args=(text, folder, timeout), daemon=True, name="fetch").start()

    def wait(self, seconds: float) -> None:
        with contextlib.suppress(queue.Empty):
            self._ended.get(timeout=seconds)
            self.over = True

    def cancel(self) -> None:
        self._cancelled = True

    def _run(self, text: KnownText, folder: Path, timeout: float) -> None:
        try:
            import pooch

            pooch.get_logger().setLevel("CRITICAL")  # it would print over the screen
            pooch.retrieve(
                text.url,
                known_hash=f"sha256:{text.sha256}",
                fname=text.file,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=self, chunk_size=1 << 16, timeout=timeout),
            )
        except Exception as error:
            self.error = error
        finally:
            self._ended.put(None)

    # What pooch asks of a progress bar.

    def update(self, count: int) -> None:
        if self._cancelled:
            raise _CancelledError
        self.received += count

    def reset(self) -> None:
        self.received = 0

    def close(self) -> None:
        pass


def _in_words(error: Exception, text: KnownText) -> Exception:
    import requests

    again = "Try again later, or name a text of your own."
    match error:
        case requests.HTTPError() if error.response is not None:
            return UserError(
                f"{text.title} cannot be fetched: the server answered {error.response.status_code}. {again}"
            )
        case requests.Timeout():
            return UserError(f"{text.title} cannot be fetched: the server fell silent. {again}")
        case requests.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return UserError(f"{text.title} cannot be fetched: the connection failed or broke off. {again}")
        case requests.RequestException():
            return UserError(f"{text.title} cannot be fetched ({error}). {again}")
        case ValueError():  # pooch's word for another hash
            return UserError(f"What came from {text.url} is not what was expected, and was not kept. {again}")
        case OSError():
            return UserError(
                f"{text.path.parent} cannot be written: {error.strerror}. Make room, or set CHARLSTM_DATA."
            )
    return error
