"""Every attack by its strength: members found at few false accusations, and AUC."""

from __future__ import annotations

from typing import Any, Optional

from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.sheet import Sheet, ends_of, number, sheet, split, whiskers
from mia_dual.report.results import Results
from mia_dual.report.strength import by_strength, rates_shown
from mia_dual.walks.finished import FinishedRun

GUESSING = 0.5


def strength_picture(run: FinishedRun) -> Optional[Picture]:
    """The strongest first; the rate is 1 %, or 10 % where non-members are too few to show that."""
    rates = rates_shown(run.results.attacks)
    rate = rates[0] if rates else None
    rows = _rows(run.results, rate)
    if all(row["auc"] is None for row in rows):
        return None

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme,
            words,
            lambda drawn: _paint(drawn, rows, rate),
            height=0.9 + 0.24 * len(rows),
            widths=(1.0,) if rate is None else (1.0, 1.0),
        )

    return picture("strength", rows, draw)


def _rows(results: Results, rate: Optional[str]) -> list[Row]:
    rows: list[Row] = []
    for name in by_strength(results.attacks):
        found = results.attacks[name]
        row: Row = {"attack": name}
        if rate is not None:
            low, high = split(found.tpr_interval[rate])
            row.update(fpr=float(rate), tpr=found.tpr_at_fpr[rate], tpr_low=low, tpr_high=high)
        low, high = split(found.auc_interval)
        row.update(auc=found.auc, auc_low=low, auc_high=high)
        rows.append(row)
    return rows


def _paint(drawn: Sheet, rows: list[Row], rate: Optional[str]) -> None:
    drawn.list_names([str(row["attack"]) for row in rows])
    figures = [("auc", GUESSING)] if rate is None else [("tpr", float(rate)), ("auc", GUESSING)]
    for panel, (figure, guessing) in zip(drawn.panels, figures):
        drawn.guide(panel, guessing)
        ends = [ends_of(row, f"{figure}_low", f"{figure}_high") for row in rows]
        colour = drawn.theme.colours[0 if figure == "tpr" else 1]
        marker = "o" if figure == "tpr" else "s"
        values = [number(row[figure]) for row in rows]
        whiskers(panel, range(len(rows)), values, ends, colour, marker=marker)
        shown = {} if rate is None else {"percent": f"{100 * float(rate):g}"}
        panel.set_xlabel(drawn.say(f"strength.{figure}", **shown))
    if rate is not None:
        drawn.panels[0].set_xlim(left=0)
        drawn.percent(drawn.panels[0].xaxis)
