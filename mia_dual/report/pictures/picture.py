"""A picture of the report page: what it draws, what it says, and how it looks in a theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Union

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Union[str, int, float, None]]
"""What is drawn at one place, by column; None is what cannot be known."""

Words = Mapping[str, str]
"""Texts of one language by key; in braces stands what is filled in."""


@dataclass(frozen=True)
class Theme:
    """Colours as #rrggbb: ``ink`` of text on ``paper``, ``muted`` of what is there to compare with,
    ``grid`` of lines behind, and ``colours`` of what is told apart.
    """

    name: str
    ink: str
    paper: str
    grid: str
    colours: tuple[str, ...]
    muted: str

    def named(self) -> dict[str, str]:
        """Every colour by a name, the same in all themes."""
        told_apart = {f"colour-{place}": one for place, one in enumerate(self.colours)}
        own = {"ink": self.ink, "paper": self.paper, "grid": self.grid, "muted": self.muted}
        return {**own, **told_apart}


LIGHT = Theme(
    name="light",
    ink="#1b1f24",
    paper="#ffffff",
    grid="#dde1e6",
    colours=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"),
    muted="#6a737d",
)
DARK = Theme(
    name="dark",
    ink="#e6e8eb",
    paper="#15181c",
    grid="#343a42",
    colours=("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442"),
    muted="#98a1ab",
)
"""Both take their colours from Okabe and Ito 2008 (Color Universal Design): told apart whichever
colours one sees."""

MARKS = Theme(
    name="marks",
    ink="#010101",
    paper="#020202",
    grid="#030303",
    colours=("#040404", "#050505", "#060606", "#070707", "#080808"),
    muted="#090909",
)
"""Colours that stand for those of whichever theme a picture is shown in."""


@dataclass(frozen=True)
class Picture:
    """One picture: ``name`` is its file's stem, ``title``, ``reading`` (how to read it, and its
    source) and ``uncertainty`` (what bands and whiskers are, or why there are none) are keys of
    :data:`Words`. ``rows`` are what is drawn, with equal columns throughout.
    """

    name: str
    title: str
    reading: str
    uncertainty: str
    rows: Sequence[Row]
    draw: Callable[[Theme, Words], Figure]


def picture(name: str, rows: Sequence[Row], draw: Callable[[Theme, Words], Figure]) -> Picture:
    """The picture whose texts stand under ``name`` and a point."""
    return Picture(name, f"{name}.title", f"{name}.reading", f"{name}.uncertainty", rows, draw)
