"""A file of events for TensorBoard, which is appended to. Events that cannot be written are kept and tried again."""

import io
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import in_plain_words
from core.runs.checkpoint_writer import RETRY_SECONDS

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event as Message

_PREFIX = "events.out.tfevents."


class EventFile:
    """A new file in a folder, which may have files of earlier processes. Readers take them in the order of their names.

    TensorBoard's own writer has a thread, whose errors appear at a later event, and loses what it could not write. Here
    each call writes whole records and flushes them, so that a process that is killed loses nothing.
    """

    def __init__(self, folder: Path) -> None:
        """Choose the file's name; nothing is written yet.

        Raises:
            ModuleNotFoundError: the package tensorboard is missing.
        """
        from tensorboard.compat.proto.event_pb2 import Event as Message
        from tensorboard.compat.proto.event_pb2 import SourceMetadata

        self.folder = folder
        self.follows_others = False
        """Whether the folder has files of earlier processes."""
        self.failure = ""
        """Why the last write failed; empty if it succeeded."""
        self._path = folder / self._name()
        self._written = 0  # size in bytes of the file, of whole records
        self._tried_at = 0.0
        self._waiting = bytearray()
        self.add(
            Message(
                wall_time=time.time(), file_version="brain.Event:2",
                source_metadata=SourceMetadata(writer="charlstm-tui"),
            )
        )  # fmt: skip
        self._beginning = bytes(self._waiting)

    def add(self, message: "Message") -> None:
        """Add an event to those that the next call of `write` writes."""
        from tensorboard.summary.writer.record_writer import RecordWriter

        record = io.BytesIO()
        RecordWriter(record).write(message.SerializeToString())
        self._waiting += record.getvalue()

    def write(self, *, now: bool = False) -> None:
        """Write what waits, unless the last attempt failed within `RETRY_SECONDS`; `now` writes at once."""
        if not self._waiting or (self.failure and not now and time.monotonic() - self._tried_at < RETRY_SECONDS):
            return
        self._tried_at = time.monotonic()
        try:
            self._append()
        except OSError as error:
            self.failure = error.strerror or str(error)
        except Exception as error:  # whatever the error, training continues
            self.failure = in_plain_words(error)
        else:
            self.failure = ""

    def _append(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._written and not self._path.exists():  # the folder was removed
            self._written, self._waiting[:0] = 0, self._beginning
        with self._path.open("r+b" if self._written else "wb") as file:
            file.seek(self._written)
            file.truncate()  # a part of a record, which a full disk left
            file.write(self._waiting)
        self._written += len(self._waiting)
        self._waiting.clear()

    def _name(self) -> str:
        """Return a name that comes after those of earlier files, also if the clock was set back."""
        stamps = [0]
        try:
            for path in self.folder.glob(f"{_PREFIX}*"):
                stamp = path.name.removeprefix(_PREFIX).partition(".")[0]
                stamps.append(int(stamp) if stamp.isdecimal() else 0)
                self.follows_others = True
        except OSError:  # reported when it cannot be written
            pass
        return f"{_PREFIX}{max(int(time.time()), max(stamps) + 1):010}.{socket.gethostname()}.{os.getpid()}.0"
