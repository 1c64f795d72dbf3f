"""How a value from outside stands in a message: short, on one line, with nothing to obey."""

from __future__ import annotations

from typing import Any

VALUE_LENGTH = 80
"""Characters of a value that a message repeats."""

LINE_LENGTH = 2000
"""Characters of a whole message, whatever went into it."""

_WORDS = {True: "true", False: "false", None: "null"}


def quoted(value: Any, length: int = VALUE_LENGTH) -> str:
    """``value`` as Python (true, false and null as YAML) writes it, cut to about ``length``.

    What a terminal would obey (escape sequences, line ends, changes of direction) is written as
    an escape.
    """
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, str) and len(value) > length:
        value = f"{value[:length]}..."
    text = repr(value)
    # A short string of unprintable characters is written long.
    return text if len(text) <= 2 * length else f"{text[:length]}..."


def one_line(message: str, length: int = LINE_LENGTH) -> str:
    """``message`` on one line of at most ``length`` printable characters.

    Where it is too long its middle goes, since the end says what mends it.
    """
    words = " ".join(_without_middle(message, length).split())
    printable = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in words)
    return _without_middle(printable, length)


def sayable(text: str) -> str:
    """``text`` with escapes for what no encoding has: bytes of a path that were no characters."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _without_middle(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    end = length // 3
    return f"{text[: length - end - 5]} ... {text[-end:]}"
