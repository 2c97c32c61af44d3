"""A filter for terminals and fonts that show ASCII only: it replaces other characters in the output."""

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_DRAWN = {  # characters that the screens draw with, and the ASCII character that replaces them
    "─━╴╶╸╺╾╼": "-", "╌╍┄┅┈┉": "~", "│┃╎┆┊╵╷╹╻▏▎▍▕▌▐": "|", "┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋┠┨┯┷┿╂": "+",
    "═": "=", "▁▂": "_", "▃▄": "-", "▅▆": "=", "▇█▉▊▋": "#", "▀▔": "\"", "░▒▓": "%", "▖▗": ".", "▘▝": "'",
    "▙▚▛▜▞▟": "#",
    "●•◉": "o", "○◌": ".", "■▪": "#", "◆◇★": "*", "✓": "v", "✗✘×": "x", "‖": "|", "↘": "\\", "↗": "/", "→▸▶►": ">",
    "←◂◀": "<", "▼▾": "v", "▲▴": "^", "…": ".", "–—−": "-", "‘’": "'", "“”«»": "\"", "·": "-", "±": "~", "⏎": "<",
    "␣⍽": "_", "⇥␉": ">", "□": "#",
}  # fmt: skip
_ASCII = {character: plain for characters, plain in _DRAWN.items() for character in characters}


class AsciiFilter(LineFilter):
    """Replaces each character that is not ASCII by ASCII characters of the same width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line in ASCII."""
        return [
            segment if segment.text.isascii() else Segment(to_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """Return the text in ASCII, with the same width: a wide character is replaced by two."""
    return "".join(character if character.isascii() else _plain(character) for character in text)


def _plain(character: str) -> str:
    if "⠀" <= character <= "⣿":  # braille: a bit for each dot, in four rows of two
        dots = ord(character) - 0x2800
        upper, lower = dots & 0b00011011, dots & 0b11100100
        return " " if not dots else ":" if upper and lower else "'" if upper else "."
    if character in _ASCII:
        return _ASCII[character]
    width = cell_len(character)
    bare = unicodedata.normalize("NFKD", character)[:1]
    return bare if width == 1 and bare.isascii() and bare.isprintable() else "?" * width
