"""What each deletion cost: steps and seconds against full retraining of the same targets."""

from __future__ import annotations

from typing import Any, Optional

from mia_dual import metrics
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.requests import (
    colour_of,
    entries_shown,
    entry_row,
    list_requests,
)
from mia_dual.report.pictures.sheet import Ends, Sheet, ends_of, number, sheet, split
from mia_dual.walks.finished import DeletionCost, FinishedRun

FIGURES = ("steps", "seconds")

LEFT_OUT = ("full", "reference", "nothing")
"""What all are compared with, what trains as much, and what trains not at all."""


def cost_picture(run: FinishedRun) -> Optional[Picture]:
    """None where full retraining is not among the methods, or nothing is to be set against it."""
    costs: dict[tuple[str, str], dict[str, DeletionCost]] = {}
    for planned, cost in run.costs():
        costs.setdefault((planned.request, planned.method), {})[planned.target] = cost
    rows = []
    for entry in entries_shown(run.results):
        own = costs[entry.request, entry.method]
        full = costs.get((entry.request, "full"), {})
        if entry.method in LEFT_OUT or full.keys() != own.keys():
            continue
        row = entry_row(entry)
        row["targets"] = len(own)
        for figure in FIGURES:
            row.update(_shares(figure, own, full))
        rows.append(row)
    if not rows:
        return None
    requests = len({row["request"] for row in rows})

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme,
            words,
            lambda drawn: _paint(drawn, rows),
            height=0.9 + 0.27 * (len(rows) + requests),
            widths=(1.0, 1.0),
        )

    return picture("cost", rows, draw)


def _shares(figure: str, own: dict[str, DeletionCost], full: dict[str, DeletionCost]) -> Row:
    """Of all targets together, and the interval of the mean of their shares: Student's t."""
    took = {target: float(getattr(cost, figure)) for target, cost in own.items()}
    whole = {target: float(getattr(cost, figure)) for target, cost in full.items()}
    total, row = sum(whole.values()), Row()
    row.update({figure: sum(took.values()), f"full_{figure}": total})
    ends: Ends = None
    if all(whole.values()):
        _, ends = metrics.mean_interval([took[target] / whole[target] for target in took])
    low, high = split(ends)
    share = sum(took.values()) / total if total else None
    row.update({f"{figure}_share": share, f"{figure}_low": low, f"{figure}_high": high})
    return row


def _paint(drawn: Sheet, rows: list[Row]) -> None:
    places = list_requests(drawn, rows)
    for panel, figure in zip(drawn.panels, FIGURES):
        for place, row in zip(places, rows):
            share = number(row[f"{figure}_share"])
            if share is None:
                continue
            ends = ends_of(row, f"{figure}_low", f"{figure}_high")
            panel.barh(
                place,
                share,
                0.6,
                color=colour_of(row, drawn.theme),
                hatch="////" if row["kind"] == "approximate" else None,
            )
            if ends is not None:
                reach = (max(ends[0], 0.0), ends[1])
                panel.plot(reach, (place, place), color=drawn.theme.ink, linewidth=1.4)
            text = f"{share:.2f}".lstrip("0") if share < 1 else f"{share:.2f}"
            panel.annotate(
                text,
                (max(share, 0.0 if ends is None else ends[1]), place),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        drawn.guide(panel, 1.0)
        panel.set_xlim(left=0)
        panel.margins(x=0.18)
        panel.set_xlabel(drawn.say(f"cost.{figure}"))
