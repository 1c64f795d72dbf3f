"""The most exposed records: how many of the targets give each of them away."""

from __future__ import annotations

from typing import Any, Optional

from mia_dual import metrics
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words, picture
from mia_dual.report.pictures.sheet import Sheet, ends_of, number, sheet, split, whiskers
from mia_dual.report.results import ExposedRecord
from mia_dual.walks.finished import FinishedRun

SIDES = (("found", "inside"), ("cleared", "outside"))


def exposure_picture(run: FinishedRun) -> Optional[Picture]:
    """None where a record is in one target alone, and where none is given away."""
    exposure = run.results.exposure
    if exposure is None or not exposure.records:
        return None
    rows = [_row(record) for record in exposure.records]
    percent, attack = 100 * exposure.fpr, exposure.attack

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme,
            words,
            lambda drawn: _paint(drawn, rows, attack, percent),
            height=1.0 + 0.26 * len(rows),
        )

    return picture("exposure", rows, draw)


def _row(record: ExposedRecord) -> Row:
    row: Row = {"record": record.record, "class": record.label}
    counts = {"found": record.found, "inside": record.inside}
    counts.update(cleared=record.cleared, outside=record.outside)
    for hits, of in SIDES:
        low, high = split(metrics.wilson(counts[hits], counts[of]))
        row.update({hits: counts[hits], of: counts[of], f"{hits}_low": low, f"{hits}_high": high})
    return row


def _paint(drawn: Sheet, rows: list[Row], attack: str, percent: float) -> None:
    (panel,) = drawn.panels
    drawn.list_names(
        [
            drawn.say("exposure.record", record=str(row["record"]), label=str(row["class"]))
            for row in rows
        ]
    )
    looks = ((-0.16, 1, "o", False), (0.16, 0, "s", True))
    for (hits, of), (shift, colour, marker, hollow) in zip(SIDES, looks):
        whiskers(
            panel,
            [place + shift for place in range(len(rows))],
            [_share(row, hits, of) for row in rows],
            [ends_of(row, f"{hits}_low", f"{hits}_high") for row in rows],
            drawn.theme.colours[colour],
            drawn.say(f"exposure.{hits}"),
            marker,
            hollow,
        )
    panel.set_xlim(-0.02, 1.02)
    drawn.percent(panel.xaxis)
    panel.set_xlabel(drawn.say("exposure.share", attack=attack, percent=f"{percent:g}"))
    drawn.legend()


def _share(row: Row, hits: str, of: str) -> Optional[float]:
    count, total = number(row[hits]), number(row[of])
    return None if count is None or not total else count / total
