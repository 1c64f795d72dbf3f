"""What a picture is: its data, its words, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Union[str, int, float, None]]
Words = Mapping[str, str]
"""Texts of one language by key."""


@dataclass(frozen=True)
class Theme:
    """Colours to draw with; ``colours`` are told apart whichever of them one sees."""

    name: str
    ink: str
    paper: str
    grid: str
    muted: str
    colours: tuple[str, ...]


LIGHT = Theme(
    "light", "#1b1f24", "#ffffff", "#d9dde2", "#5b6470",
    ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
)  # fmt: skip
DARK = Theme(
    "dark", "#e8eaed", "#16191d", "#3a4048", "#a3abb5",
    ("#56B4E9", "#E69F00", "#2BC49A", "#E39CC4", "#F0E442", "#D55E00"),
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A figure; ``title``, ``reading`` and ``uncertainty`` are keys among words."""

    name: str
    title: str
    reading: str
    uncertainty: str
    rows: Sequence[Row]
    draw: Callable[[Theme, Words], Figure]
