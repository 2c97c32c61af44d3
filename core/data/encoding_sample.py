"""The sample of a file from which its encoding is guessed."""

import codecs
import re
from typing import BinaryIO

SAMPLE = 1 << 18
"""Maximum number of bytes of the sample from which an encoding is guessed."""
WEIGHED = 48_000
"""Maximum number of bytes of the sample that are scored: scoring them takes time for each encoding."""


def sample_of(file: BinaryIO) -> bytes:
    """Return a sample of a file: its beginning, and lines from several other places.

    These are around its first byte beyond ASCII, around its first byte that is not UTF-8, and at equal distances, so
    that a change of the encoding within the file is noticed. Only whole lines are taken, so that no character is cut
    except possibly the last of the sample.
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
    """Return lines with bytes beyond ASCII, from all parts of the sample; the whole sample if it is short."""
    if len(sample) <= WEIGHED:
        return sample
    lines = re.findall(rb"[^\r\n]*[\x80-\xff][^\r\n]*[\r\n]*", sample)
    every = max(1, sum(map(len, lines)) // WEIGHED)
    return b"".join(lines[::every])[:WEIGHED]


def _first_beyond(file: BinaryIO) -> tuple[int, int]:
    """Return the positions of a file's first byte beyond ASCII and of its first byte that is not UTF-8.

    If there is none, they are 0 and the file's size.
    """
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
