"""Every attack by its strength: members found at few false accusations, and AUC; on one model,
and on the ensemble of groups where there is one.
"""

from __future__ import annotations

from typing import Any, Optional

from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.sheet import Sheet, ends_of, number, sheet, split, whiskers
from mia_dual.report.results import AttackResult, Results
from mia_dual.report.strength import by_strength, rates_shown
from mia_dual.walks.finished import FinishedRun

GUESSING = 0.5


def strength_picture(run: FinishedRun) -> Optional[Picture]:
    """The strongest first; the rate is 1 %, or 10 % where non-members are too few to show that."""
    rates = rates_shown(run.results.attacks)
    rate = rates[0] if rates else None
    rows, grouped = _rows(run.results, rate), run.results.grouped
    if all(row["auc"] is None for row in rows):
        return None

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme,
            words,
            lambda drawn: _paint(drawn, rows, rate),
            height=0.9 + 0.24 * len(rows) if grouped is None else 1.2 + 0.32 * len(rows),
            widths=(1.0,) if rate is None else (1.0, 1.0),
        )

    return picture("strength", rows, draw)


def _rows(results: Results, rate: Optional[str]) -> list[Row]:
    rows: list[Row] = []
    for name in by_strength(results.attacks):
        row: Row = {"attack": name}
        if rate is not None:
            row["fpr"] = float(rate)
        row.update(_figures("", results.attacks[name], rate))
        if results.grouped is not None:
            row.update(_figures("groups_", results.grouped.attacks.get(name), rate))
        rows.append(row)
    return rows


def _figures(side: str, found: Optional[AttackResult], rate: Optional[str]) -> Row:
    """The columns of an attack on that ``side``; empty where it did not run there."""
    row: Row = {}
    if rate is not None:
        low, high = split(None if found is None else found.tpr_interval[rate])
        tpr = None if found is None else found.tpr_at_fpr[rate]
        row.update({f"{side}tpr": tpr, f"{side}tpr_low": low, f"{side}tpr_high": high})
    low, high = split(None if found is None else found.auc_interval)
    auc = None if found is None else found.auc
    row.update({f"{side}auc": auc, f"{side}auc_low": low, f"{side}auc_high": high})
    return row


def _paint(drawn: Sheet, rows: list[Row], rate: Optional[str]) -> None:
    drawn.list_names([str(row["attack"]) for row in rows])
    grouped = "groups_auc" in rows[0]
    figures = [("auc", GUESSING)] if rate is None else [("tpr", float(rate)), ("auc", GUESSING)]
    for panel, (figure, guessing) in zip(drawn.panels, figures):
        drawn.guide(panel, guessing)
        colours = drawn.theme.colours
        if not grouped:
            look = (colours[0], None, "o") if figure == "tpr" else (colours[1], None, "s")
            _point(panel, rows, figure, 0.0, *look)
        else:
            _point(panel, rows, figure, -0.17, colours[0], drawn.say("strength.one"), "o")
            label = drawn.say("strength.groups")
            _point(panel, rows, f"groups_{figure}", 0.17, drawn.theme.muted, label, "D")
        shown = {} if rate is None else {"percent": f"{100 * float(rate):g}"}
        panel.set_xlabel(drawn.say(f"strength.{figure}", **shown))
    if rate is not None:
        drawn.panels[0].set_xlim(left=0)
        drawn.percent(drawn.panels[0].xaxis)
    if grouped:
        drawn.legend()


def _point(
    panel: Any,
    rows: list[Row],
    figure: str,
    shift: float,
    colour: str,
    label: Optional[str],
    marker: str,
) -> None:
    """A point and its whiskers for each row, beside its place by ``shift``."""
    whiskers(
        panel,
        [place + shift for place in range(len(rows))],
        [number(row[figure]) for row in rows],
        [ends_of(row, f"{figure}_low", f"{figure}_high") for row in rows],
        colour,
        label,
        marker,
        hollow=marker == "D",
    )
