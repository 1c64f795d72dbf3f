"""What deletions did: forget sets and retained records as an attack tells them before and after."""

from __future__ import annotations

from typing import Any, Optional

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

GUESSING = 0.5

SIDES = ("forget_set", "retained")

AFTER = {
    "deletion": "deletion.after",
    "never saw it": "deletion.after_reference",
    "approximate": "deletion.after_approximate",
}
"""What stands for a model of that kind in the legend."""


def deletion_picture(run: FinishedRun) -> Optional[Picture]:
    """None where nothing was deleted, nor approximated."""
    entries = entries_shown(run.results)
    attack = strongest_around(run.results, entries)
    if attack is None:
        return None
    rows = [_row(entry, attack) for entry in entries]
    requests = len({entry.request for entry in entries})

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme,
            words,
            lambda drawn: _paint(drawn, rows, attack),
            height=1.3 + 0.27 * (len(rows) + requests),
            widths=(1.0, 1.0),
        )

    return picture("deletion", rows, draw)


def _row(entry: DeletionResult, attack: str) -> Row:
    row = entry_row(entry)
    sides = {"forget_set": entry.attacks[attack].deleted, "retained": entry.attacks[attack].overall}
    for side in SIDES:
        for when, found in (("before", sides[side].before), ("after", sides[side].after)):
            name = f"{side}_{when}"
            low, high = split(found.auc_interval)
            row.update({name: found.auc, f"{name}_low": low, f"{name}_high": high})
    row["ks_p"] = entry.forgetting.traces[attack].ks_p
    return row


def _paint(drawn: Sheet, rows: list[Row], attack: str) -> None:
    places = list_requests(drawn, rows)
    for panel, side in zip(drawn.panels, SIDES):
        drawn.guide(panel, GUESSING)
        for place, row in zip(places, rows):
            for when, shift in (("before", -0.17), ("after", 0.17)):
                name, before = f"{side}_{when}", when == "before"
                whiskers(
                    panel,
                    [place + shift],
                    [number(row[name])],
                    [ends_of(row, f"{name}_low", f"{name}_high")],
                    drawn.theme.muted if before else colour_of(row, drawn.theme),
                    drawn.say("deletion.before" if before else AFTER[str(row["kind"])]),
                    "D" if before else marker_of(row),
                    hollow=before,
                )
        panel.set_title(drawn.say(f"deletion.{side}"))
        panel.set_xlabel(drawn.say("deletion.auc", attack=attack))
    limits = [panel.get_xlim() for panel in drawn.panels]
    last = drawn.panels[-1]
    for panel in drawn.panels:
        panel.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
    style = {"transform": last.get_yaxis_transform(), "va": "center", "ha": "left"}
    last.text(1.04, -0.2, drawn.say("deletion.p"), **style)
    for place, row in zip(places, rows):
        p = number(row["ks_p"])
        text = "–" if p is None else "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0")
        last.text(1.04, place, text, **style)
    drawn.legend()
