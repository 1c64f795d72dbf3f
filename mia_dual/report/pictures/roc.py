"""ROC curves on logarithmic axes, where few wrong accusations can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from mia_dual.metrics.ranking import Roc
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.sheet import Sheet, ends_of, number, sheet, split
from mia_dual.report.results import Results
from mia_dual.report.strength import by_strength
from mia_dual.walks.finished import FinishedRun

MOST_CURVES = 5
"""The strongest attack and four others: more cannot be told apart."""

RATES = ("0.001", "0.01", "0.1")
"""False-positive rates that results have intervals for, apart from 0, which has no logarithm."""

POINTS = 121
"""Of a curve, at rates with even steps of their logarithm."""

STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def roc_picture(run: FinishedRun) -> Optional[Picture]:
    """None where no attack has members and non-members to tell apart."""
    curves = run.curves()
    names = [name for name in by_strength(run.results.attacks) if name in curves][:MOST_CURVES]
    if not names:
        return None
    rows = _rows(run.results, curves, names)

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(theme, words, lambda drawn: _paint(drawn, rows, names), height=4.6)

    return picture("roc", rows, draw)


def _rows(results: Results, curves: Mapping[str, Roc], names: list[str]) -> list[Row]:
    """The highest TPR at each rate, a rate that shows none left out, since 0 has no logarithm."""
    rows: list[Row] = []
    for name in names:
        found, curve = results.attacks[name], curves[name]
        told = {float(rate): found.tpr_interval[rate] for rate in RATES}
        rates = np.union1d(np.geomspace(1 / found.non_members, 1, POINTS), list(told))
        rates = rates[rates >= 1 / found.non_members - 1e-12]
        # The last corner within the rate, whole numbers of non-members with the rounding given.
        places = np.searchsorted(curve.fpr, rates + 1e-9, side="right") - 1
        for rate, tpr in zip(rates.tolist(), curve.tpr[places].tolist()):
            if tpr:
                low, high = split(told.get(rate) if name == names[0] else None)
                rows.append({"attack": name, "fpr": rate, "tpr": tpr, "low": low, "high": high})
    return rows


def _paint(drawn: Sheet, rows: list[Row], names: list[str]) -> None:
    (panel,) = drawn.panels
    left, floor = min(_column(rows, "fpr")), 0.8 * min(_column(rows, "tpr"))
    for place, name in reversed(list(enumerate(names))):
        own = [row for row in rows if row["attack"] == name]
        colour = drawn.theme.colours[place]
        panel.plot(
            _column(own, "fpr"),
            _column(own, "tpr"),
            drawstyle="steps-post",
            color=colour,
            linestyle=STYLES[place],
            linewidth=2.2 if place == 0 else 1.4,
            label=drawn.say("roc.attack", attack=name),
        )
        told = [(number(row["fpr"]), ends) for row in own if (ends := ends_of(row)) is not None]
        if told:
            at = [rate for rate, _ in told]
            low = [max(ends[0], floor / 10) for _, ends in told]
            high = [ends[1] for _, ends in told]
            panel.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
            panel.vlines(at, low, high, color=colour, linewidth=1.4)
    panel.plot(
        (left, 1),
        (left, 1),
        color=drawn.theme.muted,
        linewidth=1,
        linestyle=(0, (1, 2)),
        label=drawn.say("roc.guessing"),
    )
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlim(left, 1)
    panel.set_ylim(floor, 1)
    for axis, least in ((panel.xaxis, left), (panel.yaxis, floor)):
        decades = [10.0**power for power in range(int(np.ceil(np.log10(least) - 1e-9)), 1)]
        axis.set_ticks(decades, [f"{100 * decade:g} %" for decade in decades])
    panel.grid()
    panel.set_xlabel(drawn.say("roc.fpr"))
    panel.set_ylabel(drawn.say("roc.tpr"))
    handles, labels = panel.get_legend_handles_labels()
    # Drawn last, the strongest is named first.
    order = [*range(len(names) - 1, -1, -1), len(names)]
    panel.legend([handles[at] for at in order], [labels[at] for at in order], loc="lower right")


def _column(rows: list[Row], name: str) -> list[float]:
    return [value for row in rows if (value := number(row[name])) is not None]
