"""Who is exposed by class: the strongest attack's AUC on the records of each."""

from __future__ import annotations

from typing import Any, Optional

from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.sheet import Sheet, ends_of, number, sheet, split
from mia_dual.report.strength import by_strength
from mia_dual.walks.finished import FinishedRun

MOST_CLASSES = 30
"""Those with the highest AUC; bars of more have no room for their names."""

GUESSING = 0.5


def classes_picture(run: FinishedRun) -> Optional[Picture]:
    """None where no class has members and non-members."""
    attack = by_strength(run.results.attacks)[0]
    known = [found for found in run.results.attacks[attack].per_class if found.auc is not None]
    if not known:
        return None
    shown = sorted(known, key=lambda found: -(found.auc or 0))[:MOST_CLASSES]
    rows: list[Row] = []
    for found in sorted(shown, key=lambda one: one.label):
        low, high = split(found.auc_interval)
        rows.append(
            {
                "class": found.label,
                "members": found.members,
                "non_members": found.non_members,
                "auc": found.auc,
                "low": low,
                "high": high,
            }
        )
    whole = run.results.attacks[attack].auc

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme, words, lambda drawn: _paint(drawn, rows, attack, whole, len(known)), height=3.2
        )

    return picture("classes", rows, draw)


def _paint(
    drawn: Sheet, rows: list[Row], attack: str, whole: Optional[float], classes: int
) -> None:
    (panel,) = drawn.panels
    values = [number(row["auc"]) or 0.0 for row in rows]
    places = range(len(rows))
    # From guessing, not from nothing: what is drawn is what an attack learns.
    heights = [value - GUESSING for value in values]
    panel.bar(places, heights, 0.66, GUESSING, color=drawn.theme.colours[0])
    for place, row in zip(places, rows):
        ends = ends_of(row)
        if ends is not None:
            panel.plot((place, place), ends, color=drawn.theme.ink, linewidth=1.4)
    panel.axhline(GUESSING, color=drawn.theme.muted, linewidth=1)
    if whole is not None:
        panel.axhline(
            whole,
            color=drawn.theme.colours[1],
            linewidth=1.4,
            linestyle="--",
            label=drawn.say("classes.all"),
        )
        drawn.legend()
    panel.set_xticks(places, [str(row["class"]) for row in rows])
    panel.grid(axis="y")
    shown, key = len(rows), "classes.label" if len(rows) == classes else "classes.some"
    panel.set_xlabel(drawn.say(key, shown=shown, classes=classes))
    panel.set_ylabel(drawn.say("classes.auc", attack=attack))
