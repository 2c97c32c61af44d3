"""Which bytes of a file its encoding is guessed from."""

import codecs
import re
from typing import BinaryIO

SAMPLE = 1 << 18
"""Bytes that an encoding is guessed from."""
WEIGHED = 48_000
"""Bytes of the sample that each encoding is tried on: all of it would take too long."""


def sample_of(file: BinaryIO) -> bytes:
    """Return some of a file: its beginning, and whole lines from all over it.

    Some of them are around the first byte beyond ASCII and the first that is not UTF-8, so that a change of encoding
    midway is detected. No character is cut but the sample's last.
    """
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    if size <= SAMPLE:
        return file.read()
    beginning = file.read(SAMPLE // 2)
    if b"\n" not in beginning:
        return beginning + file.read(SAMPLE // 2)
    parts = [beginning[: beginning.rfind(b"\n") + 1]]
    length = SAMPLE // 16
    spots = [size * part // 7 for part in range(1, 7)]
    for spot in (*_first_beyond(file), *spots):
        file.seek(max(spot - length // 2, 0))
        part = file.read(length)
        begin, end = part.find(b"\n") + 1, part.rfind(b"\n") + 1
        if spot > len(beginning) and 0 < begin < end:
            parts.append(part[begin:end])
    return b"".join(parts)


def lines_to_weigh(sample: bytes) -> bytes:
    """Return lines with bytes beyond ASCII, from all over the sample; the whole sample if it is short."""
    if len(sample) <= WEIGHED:
        return sample
    lines = re.findall(rb"[^\r\n]*[\x80-\xff][^\r\n]*[\r\n]*", sample)
    every = max(1, sum(map(len, lines)) // WEIGHED)
    return b"".join(lines[::every])[:WEIGHED]


def _first_beyond(file: BinaryIO) -> tuple[int, int]:
    """Return where a file has its first byte beyond ASCII, and its first that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    read, first = 0, -1
    while chunk := file.read(SAMPLE):
        if first < 0 and (found := re.search(rb"[\x80-\xff]", chunk)):
            first = read + found.start()
        read += len(chunk)
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return max(first, 0), read - len(error.object) + error.start
    return max(first, 0), read
