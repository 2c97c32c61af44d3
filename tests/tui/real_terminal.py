"""A real pseudo-terminal with a screen that can be read: pexpect runs the program, pyte understands what it draws."""

import re
import signal
import time
from collections.abc import Callable

import pexpect
import pyte

from tests.processes import heed_signals
from tests.waiting import DEADLINE

_ALTERNATE = 1049
_KEYBOARD = re.compile(rb"\x1b\[[<>][\d;]*u")
"""The kitty protocol, which pyte would print in part."""


class _Screen(pyte.Screen):
    """pyte's, with the second buffer that full-screen programs draw on, and leave as they leave."""

    def __init__(self, columns: int, lines: int) -> None:
        self._first: tuple[list[str], int, int] | None = None
        super().__init__(columns, lines)

    def set_mode(self, *modes: int, **named: bool) -> None:
        if named.get("private") and _ALTERNATE in modes:
            self._first = (list(self.display), self.cursor.y, self.cursor.x)
            self.erase_in_display(2)
        super().set_mode(*modes, **named)

    def reset_mode(self, *modes: int, **named: bool) -> None:
        if named.get("private") and _ALTERNATE in modes and self._first is not None:
            (lines, y, x), self._first = self._first, None
            self.erase_in_display(2)
            for row, line in enumerate(lines):
                self.cursor_position(row + 1, 1)
                self.draw(line[: self.columns].rstrip())
            self.cursor_position(y + 1, x + 1)
        super().reset_mode(*modes, **named)


class Terminal:
    """A program in a terminal of its own."""

    def __init__(
        self, command: str, arguments: list[str], env: dict[str, str], *, columns: int = 80, rows: int = 24,
        cwd: str | None = None,
    ) -> None:  # fmt: skip
        self.everything = ""
        """All that was ever sent to the screen."""
        self.over = False
        """Whether the program ended and all that it sent was read."""
        self.screen = _Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.process = pexpect.spawn(
            command, arguments, env=env, dimensions=(rows, columns), timeout=None, cwd=cwd, preexec_fn=heed_signals
        )

    @property
    def text(self) -> str:
        """What is on the screen. (pyte's own `display` takes ten times as long: it asks how wide each character is.)"""
        rows, places = self.screen.buffer, range(self.screen.columns)
        lines = ("".join(rows[row][place].data for place in places) for row in range(self.screen.lines))
        return "\n".join(line.rstrip() for line in lines)

    def until(self, condition: Callable[[str], bool], seconds: float = DEADLINE) -> str:
        """Read the screen until something is so; fail, showing it, when that does not come to be."""
        deadline = time.monotonic() + seconds
        while not condition(text := self.text):
            assert not self.over, f"the program ended before this came to be; the screen:\n{text}"
            assert time.monotonic() < deadline, f"this did not come to be in time; the screen:\n{text}"
            self.read(0.1)
            time.sleep(0.02)  # more of the same picture may be on its way
        return text

    def until_shown(self, text: str, seconds: float = DEADLINE) -> str:
        """Read the screen until `text` is on it."""
        return self.until(lambda screen: text in screen, seconds)

    def send(self, keys: str | bytes) -> None:
        """Press keys, or send these bytes as the terminal's."""
        self.process.send(keys)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self.screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def exit_code(self, seconds: float = DEADLINE) -> int:
        """Wait for the program to leave by itself, and return its exit code."""
        deadline = time.monotonic() + seconds
        while self.process.isalive():
            assert time.monotonic() < deadline, f"it did not leave in time; the screen:\n{self.text}"
            self.read(0.05)
        assert self.process.signalstatus is None, f"it was killed by signal {self.process.signalstatus}"
        return int(self.process.exitstatus)

    def close(self) -> None:
        """End the program, whatever it does."""
        if self.process.isalive():
            self.process.kill(signal.SIGKILL)
            self.process.wait()  # `close` itself would wait for a tenth of a second
        self.process.close()

    def read(self, seconds: float) -> None:
        """Read what is there, or comes within this time."""
        try:
            read = self.process.read_nonblocking(65_536, timeout=seconds)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            self.over = True
            return
        self.everything += read.decode("utf-8", errors="replace")
        self._stream.feed(_KEYBOARD.sub(b"", read))
