"""Downloads from a local server that fails in various ways."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.data.download import Fetched, FetchProgress, fetch
from core.data.known_texts import KnownText
from core.errors import UserError
from tests.waiting import DEADLINE

CONTENT = ("Une comédie qui vient de loin.\n" * 20_000).encode()


class Handler(BaseHTTPRequestHandler):
    released = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        match self.path:
            case "/whole":
                self.wfile.write(CONTENT)
            case "/wrong":
                self.wfile.write(CONTENT[:-1] + b"!")
            case "/cut":
                self.wfile.write(CONTENT[: len(CONTENT) // 2])
            case "/stalled":
                self.wfile.write(CONTENT[:200_000])
                self.wfile.flush()
                self.released.wait(10 * DEADLINE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its own name)
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.released.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        Handler.released.set()
        serving.shutdown()


def text(url: str) -> KnownText:
    return KnownText(
        name="comedie", title="A comedy", licence="none", file="comedie.txt", url=url, size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )  # fmt: skip


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_text_is_downloaded_completely(server: str) -> None:
    wanted = text(f"{server}/whole")
    assert not wanted.here
    *progress, last = fetch(wanted)
    assert last == Fetched(path=wanted.path)
    assert progress[-1] == FetchProgress(received=len(CONTENT), size=len(CONTENT))
    assert wanted.path.read_bytes() == CONTENT
    assert left(wanted.path.parent) == ["comedie.txt"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/wrong", r"The file from http.*wrong is not the expected one, and was deleted"),
        ("/cut", "was interrupted"),
        ("/missing", "the server answered 404"),
    ],
)
def test_a_failure_is_explained_and_leaves_no_file(server: str, path: str, sentence: str) -> None:
    wanted = text(server + path)
    with pytest.raises(UserError, match=sentence):
        list(fetch(wanted))
    assert left(wanted.path.parent) == []


def test_an_existing_copy_is_kept_if_the_download_fails(server: str) -> None:
    wanted = text(f"{server}/cut")
    wanted.path.parent.mkdir(parents=True)
    wanted.path.write_bytes(b"an older copy")
    with pytest.raises(UserError):
        list(fetch(wanted))
    assert wanted.path.read_bytes() == b"an older copy"


def test_a_missing_server_is_reported(server: str) -> None:
    with pytest.raises(UserError, match="the connection failed"):
        list(fetch(text("http://127.0.0.1:9/")))


def test_a_stalled_transfer_can_be_cancelled(server: str) -> None:
    wanted = text(f"{server}/stalled")
    with closing(fetch(wanted)) as events:
        for event in events:
            if isinstance(event, FetchProgress) and event.received:
                break
    assert not Handler.released.is_set(), "the server has not answered yet"
    assert left(wanted.path.parent) == []


def test_a_silent_server_times_out(server: str) -> None:
    with pytest.raises(UserError, match=r"did not answer in time|was interrupted"):
        list(fetch(text(f"{server}/stalled"), timeout=0.5))


def test_an_unwritable_folder_is_reported(server: str) -> None:
    wanted = text(f"{server}/whole")
    wanted.path.parent.parent.mkdir(parents=True)
    wanted.path.parent.write_text("a file where the folder would be")
    with pytest.raises(UserError, match=r"texts cannot be written: .*CHARLSTM_DATA"):
        list(fetch(wanted))


def test_a_folder_with_the_name_of_the_file_is_reported(server: str) -> None:
    wanted = text(f"{server}/whole")
    wanted.path.mkdir(parents=True)
    with pytest.raises(UserError, match=r"comedie\.txt cannot be written"):
        list(fetch(wanted))
    assert left(wanted.path.parent) == ["comedie.txt"]


def test_the_remains_of_a_killed_download_are_deleted_a_day_later(server: str) -> None:
    wanted = text(f"{server}/whole")
    folder = wanted.path.parent
    for name, hours in (("old", 25), ("new", 1)):
        killed = folder / f".fetching-{name}"
        killed.mkdir(parents=True)
        (killed / "half").write_bytes(b"half")
        os.utime(killed, (time.time() - hours * 3600,) * 2)
    list(fetch(wanted))
    assert left(folder) == [".fetching-new", "comedie.txt"], "another process may be fetching there"
