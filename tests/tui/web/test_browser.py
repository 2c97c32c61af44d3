"""The app in a real browser: the page of `charlstm-tui serve`, tested by keys and by screenshots."""

import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pyte
import pytest

from core.runs.store import RunStore
from core.runs.summary import summarise
from tests.processes import heed_signals
from tests.tui.settings import remember_small_settings
from tests.waiting import DEADLINE, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, WebSocket

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ALONE = [  # in a sandbox, and without network requests
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@pytest.fixture
def server(small_text: Path) -> Iterator["subprocess.Popen[str]"]:
    remember_small_settings(small_text)
    command = [sys.executable, "-m", "charlstm_tui", "serve", "--port", "0"]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=heed_signals
    )
    yield started
    started.kill()
    started.wait()
    assert started.stdout is not None
    started.stdout.close()


def address_of(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    return server.stdout.readline().strip()


class Page:
    """A page in Chromium, and the text sent to its terminal: the terminal paints on a canvas, which has no text."""

    def __init__(self, browser: "Browser", address: str) -> None:
        self.asked_for: list[str] = []
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.page = browser.new_page(viewport={"width": 1100, "height": 700})
        self.page.set_default_timeout(DEADLINE * 1000)
        self.page.on("request", lambda request: self.asked_for.append(request.url))
        self.page.on("websocket", self._watch)
        self.page.goto(address)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def until(self, condition: Callable[[str], object], seconds: float = DEADLINE) -> str:
        deadline = time.monotonic() + seconds
        while not condition(self.text):
            assert time.monotonic() < deadline, f"timed out; the page shows:\n{self.text}"
            self.page.wait_for_timeout(50)
        return self.text

    def until_shown(self, text: str) -> str:
        return self.until(lambda screen: text in screen)

    def sparkline(self) -> bytes:
        """Return a screenshot of the sparkline."""
        rows = self.text.split("\n")
        height = 700 / len(rows)
        top = next(row for row, line in enumerate(rows) if line.startswith(" Loss by epoch")) + 1
        return self.page.screenshot(clip={"x": 0, "y": top * height, "width": 700, "height": 2 * height})

    def _watch(self, socket: "WebSocket") -> None:
        columns, rows = map(int, re.findall(r"\d+", socket.url.partition("?")[2]))
        self.screen.resize(rows, columns)
        socket.on("framereceived", lambda frame: self._stream.feed(frame) if isinstance(frame, bytes) else None)


@pytest.fixture
def browser() -> Iterator["Browser"]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=CHROMIUM, args=ALONE)
        yield opened
        opened.close()


def test_train_and_write_in_a_browser(
    server: "subprocess.Popen[str]", browser: "Browser", store: RunStore, tmp_path: Path
) -> None:
    address = address_of(server)
    page = Page(browser, address)
    page.until_shown("s Start")
    page.page.keyboard.press("s")
    page.until(lambda screen: re.search(r"epoch +[2-9]", screen))
    page.until(lambda screen: re.search(r"[▁▂▃▄▅▆▇█]", screen))
    pictures = set[bytes]()

    def moves(_: str) -> bool:
        pictures.add(page.sparkline())
        return len(pictures) > 2  # more than the empty and the first drawn state

    page.until(moves)

    page.page.keyboard.press("F4")
    page.until_shown("prompt ▸")
    page.page.keyboard.type("7 chèvres")
    page.page.keyboard.press("Enter")
    page.until(lambda screen: re.search(r"([2-9]\d|\d,?\d\d) characters", screen))
    assert len(re.findall(r"│ .*\w.* │", page.text)) >= 1, "the prompt is answered"
    picture = tmp_path / "page.png"
    page.page.screenshot(path=picture)
    assert picture.stat().st_size > 10_000, "an empty page is 4 kB"
    assert all(url.startswith(address) for url in page.asked_for), "nothing comes from another server"

    page.page.close()
    wait_until(lambda: summarise(store.all()[0]).state == "stopped")  # closing the page stops and saves its run
    assert server.poll() is None, "the server continues"


@pytest.mark.parametrize(("name", "code"), [pytest.param("SIGTERM", 143, marks=pytest.mark.thorough), ("SIGKILL", -9)])
def test_the_run_of_a_page_is_saved_and_no_process_is_left_however_the_server_ends(
    server: "subprocess.Popen[str]", browser: "Browser", store: RunStore, name: str, code: int
) -> None:
    page = Page(browser, address_of(server))
    page.until_shown("s Start")
    page.page.keyboard.press("s")
    page.until(lambda screen: re.search(r"step +[1-9]", screen))
    apps = psutil.Process(server.pid).children(recursive=True)
    assert apps
    server.send_signal(getattr(signal, name))
    assert server.wait(DEADLINE) == code
    _, left = psutil.wait_procs(apps, timeout=DEADLINE)
    assert left == []
    assert summarise(store.all()[0]).state == "stopped"
    page.page.wait_for_function("document.body.classList.contains('-closed')")
    assert page.page.get_by_text("The app has ended").is_visible()


def test_only_requests_from_its_own_page_are_answered(server: "subprocess.Popen[str]") -> None:
    address = address_of(server)

    def asked(path: str, **headers: str) -> int:
        try:
            return int(urllib.request.urlopen(urllib.request.Request(address + path, headers=headers)).status)
        except urllib.error.HTTPError as error:
            return error.code

    assert asked("") == 200
    assert asked("ws") == 400, "not a websocket"
    port = address.rstrip("/").rpartition(":")[2]
    assert asked("", Host=f"localhost:{port}") == 200
    assert asked("", Host=f"elsewhere.example:{port}") == 403, "another name that resolves to 127.0.0.1"
    assert asked("", Host="[") == 403, "not an address"
    for origin in ("http://elsewhere.example", "null", "http://127.0.0.1:1", "http://["):
        assert asked("ws", Origin=origin) == 403, "a connection from another page"
