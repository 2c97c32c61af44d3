"""Text in and text out: how a file becomes characters, and how characters are made safe to show.

`sanitise` is the only way for text that somebody else wrote, or that a model drew, to reach a terminal.
"""

import unicodedata
from pathlib import Path

from core.errors import UserError

# What a terminal could act on, or what could reorder a line around it. Newline and tab stay.
_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)} | {0x7F: 0x2421}
_BIDIRECTIONAL = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SEPARATORS = [0x2028, 0x2029]
_SURROGATES = range(0xD800, 0xE000)
_REPLACEMENTS = _CONTROL_PICTURES | dict.fromkeys(
    [*range(0x80, 0xA0), *_BIDIRECTIONAL, *_SEPARATORS, *_SURROGATES], ord("\N{REPLACEMENT CHARACTER}")
)


def sanitise(text: str) -> str:
    """Return `text` with every character a terminal could act on replaced by a visible one, as many as there were."""
    return text.translate(_REPLACEMENTS)


def in_one_line(text: str) -> str:
    """Return `text`, sanitised, with newlines and tabs visible too: a name, for a line or a table."""
    return sanitise(text).replace("\n", "\u2424").replace("\t", "\u2409")


def shortened(text: object, length: int = 120) -> str:
    """Return the text of something, its middle left out if it is long, so that a message about it stays readable."""
    shown = str(text)
    half = length // 2
    return shown if len(shown) <= length else f"{shown[:half]}…{shown[-half:]}"


def normalise(text: str) -> str:
    r"""Return `text` in the one form the program works with: NFC, lines ended by `\n` alone."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without a byte order mark, and normalise it.

    Raises:
        UserError: it is missing, a folder, unreadable or not UTF-8.
    """
    shown = shortened(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise UserError(f"{shown} is a device or a pipe. Name a text file.")
        return normalise(path.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"There is no file {shown}. Check the path to your text.") from None
    except IsADirectoryError:
        raise UserError(f"{shown} is a folder. Name a text file in it.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{shown} is not UTF-8 text (byte {error.start:,}). Save it as UTF-8 and try again.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{shown} cannot be read: {reason}.") from None
