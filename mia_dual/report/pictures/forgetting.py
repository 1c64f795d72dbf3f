"""What is left of forget sets: to an attack, to U-LiRA, and to who holds both versions."""

from __future__ import annotations

from typing import Any, Optional

from mia_dual.report.forgetting import Figure
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.requests import (
    colour_of,
    entries_shown,
    entry_row,
    list_requests,
    marker_of,
)
from mia_dual.report.pictures.sheet import Sheet, ends_of, number, sheet, split, whiskers
from mia_dual.report.results import DeletionResult
from mia_dual.report.strength import strongest_around
from mia_dual.walks.finished import FinishedRun

NOTHING_LEFT = {"less_reference": 0.0, "u_lira": 0.5, "both_versions": 0.5}
"""What is drawn, and where it lies when nothing is left."""


def forgetting_picture(run: FinishedRun) -> Optional[Picture]:
    """None where nothing was deleted, nor approximated, and where none of it could be told."""
    entries = entries_shown(run.results)
    attack = strongest_around(run.results, entries)
    if attack is None:
        return None
    found = [_row(entry, attack) for entry in entries]
    shown = [name for name in NOTHING_LEFT if any(row[name] is not None for row in found)]
    rows = [row for row in found if any(row[name] is not None for name in shown)]
    if not rows:
        return None
    requests = len({row["request"] for row in rows})

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme,
            words,
            lambda drawn: _paint(drawn, rows, shown, attack),
            height=1.3 + 0.25 * (len(rows) + requests),
            widths=[1.0] * len(shown),
        )

    return picture("forgetting", rows, draw)


def _row(entry: DeletionResult, attack: str) -> Row:
    found, row = entry.forgetting, entry_row(entry)
    both = found.both_versions
    figures: dict[str, Optional[Figure]] = {
        "less_reference": found.traces[attack].auc_difference,
        "u_lira": None if found.per_record is None else found.per_record.pooled.auc,
        # Who can fit a classifier on other targets does best.
        "both_versions": None if both is None else (both.two or both.fall).auc,
    }
    for name, figure in figures.items():
        low, high = split(None if figure is None else figure.interval)
        value = None if figure is None else figure.value
        row.update({name: value, f"{name}_low": low, f"{name}_high": high})
    return row


def _paint(drawn: Sheet, rows: list[Row], shown: list[str], attack: str) -> None:
    places = list_requests(drawn, rows)
    for panel, name in zip(drawn.panels, shown):
        drawn.guide(panel, NOTHING_LEFT[name])
        for place, row in zip(places, rows):
            whiskers(
                panel,
                [place],
                [number(row[name])],
                [ends_of(row, f"{name}_low", f"{name}_high")],
                colour_of(row, drawn.theme),
                marker=marker_of(row),
            )
        panel.set_title(drawn.say(f"forgetting.{name}"))
        panel.set_xlabel(drawn.say(f"forgetting.{name}_axis", attack=attack))
