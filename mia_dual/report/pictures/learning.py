"""How the first target learnt: accuracy and loss on members and non-members after some epochs."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Optional

from mia_dual import metrics
from mia_dual.plan.plan import FIRST
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.sheet import Sheet, ends_of, number, sheet, split
from mia_dual.report.results import CurvePoint
from mia_dual.walks.finished import FinishedRun

SIDES = (("train", "members", 1, "-"), ("test", "non_members", 0, "--"))
"""What results call a side, what words do, its colour and line: as of the picture of scores."""

REACH = NormalDist().inv_cdf(0.975)

FAR = 20.0
"""Losses of which the largest is more than so many times the least are drawn on a log axis."""


def learning_picture(run: FinishedRun) -> Optional[Picture]:
    """None where results have no curve, or a single point of one."""
    if len(run.results.curve) < 2:
        return None
    records = {
        "train": len(run.targets[FIRST].members),
        "test": len(run.targets[FIRST].non_members),
    }
    rows = [_row(point, records) for point in run.results.curve]

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(theme, words, lambda drawn: _paint(drawn, rows), height=3.2, widths=(1.0, 1.0))

    return picture("learning", rows, draw)


def _row(point: CurvePoint, records: dict[str, int]) -> Row:
    """Wilson's interval of an accuracy; of a loss, the normal one of a mean."""
    row: Row = {"epochs": point.epochs}
    for side, count in records.items():
        share = getattr(point, f"{side}_accuracy")
        low, high = split(metrics.wilson(round(share * count), count))
        name = f"{side}_accuracy"
        row.update({name: share, f"{name}_low": low, f"{name}_high": high})
    for side in records:
        loss, reach = getattr(point, f"{side}_loss"), REACH * getattr(point, f"{side}_loss_error")
        name = f"{side}_loss"
        row.update(
            {name: loss, f"{name}_low": max(loss - reach, 0.0), f"{name}_high": loss + reach}
        )
    return row


def _paint(drawn: Sheet, rows: list[Row]) -> None:
    epochs = _column(rows, "epochs")
    for panel, figure in zip(drawn.panels, ("accuracy", "loss")):
        both = [_column(rows, f"{side}_{figure}") for side, *_ in SIDES]
        for (side, name, colour, line), values in zip(SIDES, both):
            tint = drawn.theme.colours[colour]
            panel.plot(
                epochs,
                values,
                color=tint,
                linestyle=line,
                marker="o",
                markersize=4,
                label=drawn.say(f"learning.{name}"),
            )
            for place, row in zip(epochs, rows):
                reach = ends_of(row, f"{side}_{figure}_low", f"{side}_{figure}_high")
                if reach is not None:
                    panel.plot((place, place), reach, color=tint, linewidth=1.2)
        panel.fill_between(
            epochs,
            *both,
            color=drawn.theme.muted,
            alpha=0.18,
            linewidth=0,
            label=drawn.say("learning.gap"),
        )
        panel.grid()
        panel.set_xlim(left=0)
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.set_xlabel(drawn.say("learning.epochs"))
        panel.set_ylabel(drawn.say(f"learning.{figure}"))
    accuracies, losses = drawn.panels
    drawn.percent(accuracies.yaxis)
    found = [*_column(rows, "train_loss"), *_column(rows, "test_loss")]
    if 0 < FAR * min(found) < max(found):
        losses.set_yscale("log", nonpositive="clip")
        losses.set_ylim(bottom=min(found) / 2)
    else:
        losses.set_ylim(bottom=0)
    drawn.legend()


def _column(rows: list[Row], name: str) -> list[float]:
    return [value for row in rows if (value := number(row[name])) is not None]
