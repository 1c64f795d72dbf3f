"""Fonts for the words of a picture: no letter is drawn that the machine has no glyph for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Optional

from mia_dual.optional import optional
from mia_dual.report.pictures.picture import Words
from mia_dual.yaml_file import read_yaml

LATIN = "DejaVu Sans"
"""Comes with Matplotlib, and draws all but Chinese."""

CHINESE = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "Noto Sans CJK JP",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti TC",
    "SimHei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
"""Families with simplified Chinese on Linux, Windows and macOS, those that look best first."""

FIRST_CHINESE = 0x2E80
"""Letters from here on are drawn by a Chinese font."""

ENGLISH = Path(__file__).parent.parent / "page" / "words" / "en.yaml"


def readable(words: Words) -> tuple[Words, list[str]]:
    """``words``, and the font families that draw them; English ones where no font here does.

    Where an SVG keeps text as text (``svg.fonttype`` of Matplotlib), its reader's fonts draw it.

    Raises MissingPackageError where Matplotlib is not installed.
    """
    letters = _chinese_letters(words)
    if not letters:
        return words, [LATIN]
    family = _family(letters)
    if family is None and optional("matplotlib", "pictures").rcParams["svg.fonttype"] == "none":
        return words, [LATIN]
    return (_english(), [LATIN]) if family is None else (words, [LATIN, family])


def lacking(words: Words) -> Optional[str]:
    """One line for a log where ``words`` cannot be drawn here and pictures are in English."""
    letters = _chinese_letters(words)
    if not letters or _family(letters) is not None:
        return None
    return (
        "no font with Chinese letters is installed, so pictures are labelled in English: install "
        "one (Debian: fonts-noto-cjk)"
    )


def _chinese_letters(words: Words) -> frozenset[str]:
    return frozenset(
        letter for text in words.values() for letter in text if ord(letter) >= FIRST_CHINESE
    )


@lru_cache(maxsize=8)
def _family(letters: frozenset[str]) -> Optional[str]:
    """The first of :data:`CHINESE` that is installed and has a glyph for each of ``letters``."""
    manager = optional("matplotlib.font_manager", "pictures")
    files = {entry.name: entry.fname for entry in manager.fontManager.ttflist}
    for family in CHINESE:
        if family in files:
            font = manager.get_font(files[family])
            if all(font.get_char_index(ord(letter)) for letter in letters):
                return family
    return None


@lru_cache(maxsize=1)
def _english() -> dict[str, str]:
    words: dict[str, str] = read_yaml(ENGLISH.read_text(encoding="utf-8"))
    return words
