"""What a study of deletion's cost found: a request against full retraining, and what groups cost
in accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Union

from mia_dual.report.cost import CostResults, Mean
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words
from mia_dual.report.pictures.sheet import Sheet, sheet
from mia_dual.report.study_figure import MARKERS

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Named on the logarithmic axis."""


def cost_study_pictures(results: CostResults) -> list[Picture]:
    """Records seen by requests, one record each, by groups and slices; and the groups' accuracy."""
    fewest = min(one.requests for one in results.requests if one.share is None)
    requests: list[Row] = [
        {
            "groups": one.groups,
            "slices": one.slices,
            **_ends(one.records_share),
            "expected": one.expected_share,
        }
        for one in results.requests
        if one.share is None and one.requests == fewest
    ]
    trainings: list[Row] = [
        {"groups": one.groups, "slices": one.slices, **_ends(one.accuracy, highest=1.0)}
        for one in results.trainings
    ]
    return [
        _picture("cost-study-request", requests, "cost_study.share", logarithmic=True),
        _picture("cost-study-accuracy", trainings, "cost_study.accuracy", logarithmic=False),
    ]


def _ends(mean: Mean, highest: float = math.inf) -> Row:
    """The mean with its interval, cut to what the figure can be."""
    low = None if mean.low is None else max(mean.low, 0.0)
    high = None if mean.high is None else min(mean.high, highest)
    return {"mean": mean.mean, "low": low, "high": high}


def _picture(name: str, rows: Sequence[Row], axis: str, logarithmic: bool) -> Picture:
    def paint(drawn: Sheet) -> None:
        (panel,) = drawn.panels
        groups = sorted({_number(row["groups"]) for row in rows})
        colours = drawn.theme.colours
        every = sorted({_number(row["slices"]) for row in rows})
        for number, slices in enumerate(every):
            own = sorted(
                (row for row in rows if row["slices"] == slices),
                key=lambda row: _number(row["groups"]),
            )
            places = [groups.index(_number(row["groups"])) for row in own]
            shift = (number - (len(every) - 1) / 2) * 0.1
            panel.errorbar(
                [place + shift for place in places],
                [row["mean"] for row in own],
                yerr=[_reach(own, "low"), _reach(own, "high")],
                label=drawn.say("cost_study.slices", count=int(slices)),
                color=colours[number % len(colours)],
                marker=MARKERS[number % len(MARKERS)],
                markersize=5,
                linewidth=1.2,
            )
            if "expected" in own[0]:
                panel.plot(
                    [place + shift for place in places],
                    [row["expected"] for row in own],
                    color=colours[number % len(colours)],
                    linestyle=":",
                    linewidth=1,
                )
        panel.set_xticks(range(len(groups)), [f"{count:g}" for count in groups])
        if logarithmic:
            panel.set_yscale("log")
            lowest = min(_number(row["mean"]) for row in rows)
            ticks = [share for share in SHARES if share >= lowest / 2]
            panel.set_yticks(ticks, [f"{100 * share:g} %" for share in ticks])
            panel.minorticks_off()
        panel.grid(axis="y")
        panel.set_xlabel(drawn.say("cost_study.groups"))
        panel.set_ylabel(drawn.say(axis))
        drawn.legend()

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(theme, words, paint, height=3.6)

    drawing: Callable[[Theme, Words], Any] = draw
    key = name.replace("-", "_")
    return Picture(
        name, f"{key}.title", f"{key}.reading", "cost_study.uncertainty", list(rows), drawing
    )


def _number(cell: Union[str, int, float, None]) -> float:
    assert isinstance(cell, (int, float))
    return float(cell)


def _reach(rows: Sequence[Row], end: str) -> list[float]:
    """How far intervals reach from their means; not at all where one draw gave none."""
    return [
        0.0 if row[end] is None else abs(_number(row[end]) - _number(row["mean"])) for row in rows
    ]
