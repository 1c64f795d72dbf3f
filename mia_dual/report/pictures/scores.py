"""Scores of members and non-members by the strongest attack, beside one another."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from mia_dual.plan.plan import of_target
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.sheet import Sheet, number, sheet
from mia_dual.report.strength import by_strength
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.trials import Place, trials_at
from mia_dual.walks.truth import target_truth

BINS = 50

OUTER = 0.01
"""The share of scores that each of the outermost bins holds at least: tails may be long."""


def scores_picture(run: FinishedRun) -> Optional[Picture]:
    """None where nobody is scored."""
    attack = by_strength(run.results.attacks)[0]
    places = [
        Place(
            of_target(name, "original"),
            target_truth(run.results.seed, membership, run.labels, name),
        )
        for name, membership in run.targets.items()
    ]
    trials = trials_at(run.scores, attack, places)
    finite = trials.scores[np.isfinite(trials.scores)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, (OUTER, 1 - OUTER)).tolist()
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    within = np.clip(trials.scores, low, high)
    inside, _ = np.histogram(within[trials.membership], edges)
    outside, _ = np.histogram(within[~trials.membership], edges)
    rows: list[Row] = [
        {"from": start, "to": end, "members": members, "non_members": others}
        for start, end, members, others in zip(
            edges[:-1].tolist(), edges[1:].tolist(), inside.tolist(), outside.tolist()
        )
    ]

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(theme, words, lambda drawn: _paint(drawn, rows, attack), height=3.2)

    return picture("scores", rows, draw)


def _paint(drawn: Sheet, rows: list[Row], attack: str) -> None:
    (panel,) = drawn.panels
    edges = [number(row["from"]) for row in rows] + [number(rows[-1]["to"])]
    for side, colour, hatch in (("members", 1, None), ("non_members", 0, "////")):
        counts = [number(row[side]) for row in rows]
        tint = drawn.theme.colours[colour]
        label = drawn.say(f"scores.{side}")
        panel.stairs(counts, edges, fill=True, color=tint, alpha=0.3, hatch=hatch, label=label)
        panel.stairs(counts, edges, color=tint, linewidth=1.6)
    panel.grid(axis="y")
    panel.margins(x=0.01)
    panel.set_xlabel(drawn.say("scores.score", attack=attack))
    panel.set_ylabel(drawn.say("scores.records"))
    drawn.legend()
