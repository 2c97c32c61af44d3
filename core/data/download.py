"""Downloads a known text when the user asks for it. Its hash is checked, and an incomplete file is never left behind.

pooch does the transfer in its own thread, so that the caller can cancel at any time, even if the connection stalls.
"""

import contextlib
import queue
import secrets
import shutil
import threading
import time
from collections.abc import Generator
from pathlib import Path

from msgspec import Struct

from core.data.known_texts import KnownText
from core.errors import UserError

TIMEOUT = 30.0
"""Seconds without a byte after which the connection is closed."""
_LOOK = 0.1


class FetchProgress(Struct, frozen=True, kw_only=True):
    """Progress of the download."""

    received: int
    """Bytes received so far."""
    size: int
    """Size of the file in bytes."""


class Fetched(Struct, frozen=True, kw_only=True):
    """The download is complete."""

    path: Path


class _CancelledError(Exception):
    """The download was cancelled."""


def fetch(text: KnownText, *, timeout: float = TIMEOUT) -> Generator[FetchProgress | Fetched, None, None]:
    """Download a text. Yields progress ten times a second and, last, the path. To cancel, close the generator.

    Args:
        text: the text.
        timeout: seconds without a byte after which the download fails.

    Raises:
        UserError: the text cannot be downloaded, has the wrong hash, or cannot be written.
    """
    path = text.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_up(path.parent)
        folder = path.parent / f".fetching-{secrets.token_hex(4)}"
        folder.mkdir()
    except OSError as error:
        raise UserError(f"{path.parent} cannot be written: {error.strerror}. Set CHARLSTM_DATA elsewhere.") from None
    transfer = _Transfer(text, folder, timeout)
    try:
        while not transfer.over:
            yield FetchProgress(received=min(transfer.received, text.size), size=text.size)
            transfer.wait(_LOOK)
        if transfer.error is not None:
            raise _explained(transfer.error, text)
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
    """Delete the remains of downloads that were killed. Those of less than a day ago may be from a running process."""
    for remains in folder.glob(".fetching-*"):
        with contextlib.suppress(OSError):
            if time.time() - remains.stat().st_mtime > 24 * 3600:
                shutil.rmtree(remains, ignore_errors=True)


class _Transfer:
    """A download in a thread, into a temporary folder. It also serves as pooch's progress bar."""

    total = 0

    def __init__(self, text: KnownText, folder: Path, timeout: float) -> None:
        self.received = 0
        self.error: Exception | None = None
        self._cancelled = False
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.over = False
        # A daemon thread, so that waiting for a silent server does not delay the program's exit.
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

    # pooch's interface for a progress bar.

    def update(self, count: int) -> None:
        if self._cancelled:
            raise _CancelledError
        self.received += count

    def reset(self) -> None:
        self.received = 0

    def close(self) -> None:
        pass


def _explained(error: Exception, text: KnownText) -> Exception:
    """Return a UserError that explains the error, or the error itself if it is unexpected."""
    import requests

    again = "Try again later, or name a text of your own."
    match error:
        case requests.HTTPError() if error.response is not None:
            return UserError(
                f"{text.title} cannot be fetched: the server answered {error.response.status_code}. {again}"
            )
        case requests.Timeout():
            return UserError(f"{text.title} cannot be fetched: the server did not answer in time. {again}")
        case requests.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return UserError(f"{text.title} cannot be fetched: the connection failed or was interrupted. {again}")
        case requests.RequestException():
            return UserError(f"{text.title} cannot be fetched ({error}). {again}")
        case ValueError():  # pooch raises it for a wrong hash
            return UserError(f"The file from {text.url} is not the expected one, and was deleted. {again}")
        case OSError():
            return UserError(
                f"{text.path.parent} cannot be written: {error.strerror}. Make room, or set CHARLSTM_DATA."
            )
    return error
