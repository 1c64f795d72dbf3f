"""How far attacks expose the same people, drawn: overlaps, and what each of them finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from mia_dual.report.figure import AFTER, BEFORE, canvas
from mia_dual.report.results import Results, Together
from mia_dual.report.strength import by_strength

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEITHER = "–"
"""Stands where neither of two attacks finds anybody."""


def draw_agreement(results: Results, together: Together) -> Figure:
    """Left a square of Jaccard's indices, the strongest first; right the members each attack finds,
    and over several targets the records it finds ever and always.
    """
    names = [name for name in by_strength(results.attacks) if name in together.attacks]
    shares = overlaps(together, names)
    size = 2.5 + 0.42 * len(names)
    figure = canvas(figsize=(size + 4.5, size), layout="constrained")
    square, bars = figure.subplots(1, 2, width_ratios=(size - 2, 4))
    paint_overlaps(square, shares, fontsize=7, bright=0.6)
    square.set_xticks(range(len(names)), names, rotation=90)
    square.set_yticks(range(len(names)), names)
    square.set_title("found by both, of those found by either")
    found = [together.attacks[name] for name in names]
    places = np.arange(len(names))
    bars.barh(places, [one.found for one in found], 0.35, color=BEFORE, label="members found")
    if any(one.ever is not None for one in found):
        bars.barh(places + 0.3, [one.ever or 0 for one in found], 0.25, color=AFTER, label="ever")
        always = [one.always or 0 for one in found]
        bars.barh(places + 0.3, always, 0.25, color="black", label="in every target")
    bars.set_yticks(places, names)
    bars.set_ylim(len(names) - 0.5, -0.5)
    bars.legend()
    figure.suptitle(f"members found at a false-positive rate of {together.fpr:g} each")
    return figure


def paint_overlaps(
    square: Axes,
    shares: np.ndarray,
    fontsize: float,
    bright: float,
    aspect: Literal["equal", "auto"] = "equal",
) -> None:
    """Paint ``shares`` as :func:`overlaps` gives them, each with its figure; above ``bright`` it
    is written in black.
    """
    square.imshow(np.nan_to_num(shares), cmap="cividis", vmin=0, vmax=1, aspect=aspect)
    for row, column in np.ndindex(*shares.shape):
        share = shares[row, column]
        square.text(
            column,
            row,
            NEITHER if np.isnan(share) else f"{share:.2f}".lstrip("0"),
            ha="center",
            va="center",
            fontsize=fontsize,
            color="black" if share > bright else "white",
        )


def overlaps(together: Together, names: list[str]) -> np.ndarray:
    """(names, names) float64 of Jaccard's indices, NaN where neither finds anybody."""
    place = {name: number for number, name in enumerate(names)}
    shares = np.full((len(names), len(names)), np.nan)
    for name in names:
        if together.attacks[name].found:
            shares[place[name], place[name]] = 1.0
    for pair in together.pairs:
        if pair.jaccard is not None and {pair.first, pair.second} <= place.keys():
            row, column = place[pair.first], place[pair.second]
            shares[row, column] = shares[column, row] = pair.jaccard
    return shares
