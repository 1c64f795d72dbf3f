"""How far attacks find the same members."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from mia_dual.report.agreement_figure import overlaps, paint_overlaps
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.sheet import Sheet, number, sheet
from mia_dual.report.results import Together
from mia_dual.report.strength import by_strength
from mia_dual.walks.finished import FinishedRun

MOST_ATTACKS = 12
"""The strongest: the square of more has no room for its figures."""


def agreement_picture(run: FinishedRun) -> Optional[Picture]:
    """None for one attack alone, and where no attack finds anybody."""
    together = run.results.together
    if together is None:
        return None
    names = [name for name in by_strength(run.results.attacks) if name in together.attacks]
    names = names[:MOST_ATTACKS]
    if not any(together.attacks[name].found for name in names):
        return None
    rows, rate = _rows(together, names), 100 * together.fpr

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme,
            words,
            lambda drawn: _paint(drawn, rows, names, rate),
            height=1.6 + 0.27 * len(names),
            widths=(2.6, 1.0),
        )

    return picture("agreement", rows, draw)


def _rows(together: Together, names: list[str]) -> list[Row]:
    """Each pair of attacks in the order of the square, an attack with itself included."""
    shares = overlaps(together, names)
    rows: list[Row] = []
    for row, column in np.ndindex(*shares.shape):
        share = shares[row, column]
        rows.append(
            {
                "first": names[row],
                "second": names[column],
                "jaccard": None if np.isnan(share) else float(share),
                "found_by_first": together.attacks[names[row]].found,
            }
        )
    return rows


def _paint(drawn: Sheet, rows: list[Row], names: list[str], rate: float) -> None:
    square, bars = drawn.panels
    shares = np.array([np.nan if row["jaccard"] is None else row["jaccard"] for row in rows])
    shares = shares.astype(np.float64).reshape(len(names), len(names))
    paint_overlaps(square, shares, fontsize=7.5, bright=0.5, aspect="auto")
    drawn.list_names(names)
    square.set_ylim(len(names) - 0.5, -0.5)
    square.grid(False)
    square.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    square.tick_params(axis="x", length=0)
    square.set_title(drawn.say("agreement.jaccard", percent=f"{rate:g}"))
    bars.set_ylim(len(names) - 0.5, -0.5)
    found = [number(row["found_by_first"]) for row in rows[:: len(names)]]
    drawn_bars = bars.barh(range(len(names)), found, 0.6, color=drawn.theme.colours[0])
    bars.bar_label(drawn_bars, padding=2, fontsize=7.5)
    bars.margins(x=0.3)
    # Each bar says its count.
    bars.tick_params(axis="x", length=0, labelbottom=False)
    bars.grid(False)
    bars.set_title(drawn.say("agreement.found"))
