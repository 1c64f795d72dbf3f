"""The most exposed records, as pictures or rows of numbers."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional, Union

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.optional import optional
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.strength import by_strength
from mia_dual.walks.finished import FinishedRun

MOST_RECORDS = 20
"""That a page shows, as many as ``results.json`` has."""

MOST_FEATURES = 12
"""Of a row of a table, the first of them."""


@dataclass(frozen=True)
class NotHere:
    """That a data set is not here: a ``note`` on it, and the ``reason`` as the program words it."""

    note: str
    reason: str = ""


@dataclass(frozen=True)
class Shown:
    """A record: ``facts`` in the order of the columns; its ``picture`` as a data URI with ``label``
    for who cannot see it, or its ``features`` as text; neither where the data set is not here.
    """

    facts: tuple[str, ...]
    label: str
    picture: Optional[str] = None
    features: Optional[str] = None


@dataclass(frozen=True)
class ExposedRecords:
    """``caption``, titles of ``columns``, and ``records``; ``missing``: why content is."""

    caption: str
    columns: tuple[str, ...]
    records: tuple[Shown, ...]
    missing: Optional[NotHere] = None

    @property
    def contents(self) -> int:
        """Records whose content the page holds."""
        return sum(one.picture is not None or one.features is not None for one in self.records)


def exposed_records(
    run: FinishedRun, data: Union[Dataset, NotHere], say: Phrases
) -> ExposedRecords:
    """Those of ``run`` with their content from ``data``, or without it where that is not here.

    Of several targets those that ``results.json`` lists; of one, the members that the strongest
    attack ranks highest.
    """
    exposure = run.results.exposure
    missing = data if isinstance(data, NotHere) else None
    rows: list[tuple[int, int, tuple[str, ...]]]
    if exposure is not None:
        caption = say(
            "records.caption_targets",
            attack=exposure.attack,
            rate=say.rate(exposure.fpr),
            targets=run.results.targets,
        )
        kinds: tuple[str, ...] = ("found", "cleared")
        rows = [
            (
                one.record,
                one.label,
                (
                    say("records.of", count=one.found, all=one.inside),
                    say("records.of", count=one.cleared, all=one.outside),
                ),
            )
            for one in exposure.records[:MOST_RECORDS]
        ]
    else:
        attack = by_strength(run.results.attacks)[0]
        caption, kinds = say("records.caption_one", attack=attack), ("exposure",)
        rows = [
            (record, int(run.labels[record]), (say.share(share),))
            for record, share in _ranked(run, attack)
        ]
    columns = ("record", "label", *kinds)
    return ExposedRecords(
        caption,
        tuple(say(f"records.{column}") for column in columns),
        tuple(_shown(record, label, facts, data, say) for record, label, facts in rows),
        missing,
    )


def _ranked(run: FinishedRun, attack: str) -> list[tuple[int, float]]:
    """Members that ``attack`` scores highest, each with the share of non-members below it."""
    members, others = run.target.members, run.target.non_members
    scores = run.scores.of(attack, "original", members)
    below = np.sort(run.scores.of(attack, "original", others))
    order = np.argsort(-scores, kind="stable")[:MOST_RECORDS]
    shares = np.searchsorted(below, scores[order]) / len(below)
    return list(zip(members[order].tolist(), shares.tolist()))


def _shown(
    record: int, label: int, facts: Sequence[str], data: Union[Dataset, NotHere], say: Phrases
) -> Shown:
    told = (str(record), str(label), *facts)
    name = say("records.picture", record=record, label=label)
    if isinstance(data, NotHere):
        return Shown(told, name)
    features = data.features[record]
    if features.ndim == 3:
        return Shown(told, name, picture=_png(np.asarray(features)))
    first = ", ".join(f"{value:.6g}" for value in features[:MOST_FEATURES])
    return Shown(told, name, features=first + (" …" if len(features) > MOST_FEATURES else ""))


def _png(image: np.ndarray) -> str:
    """``image`` (channels, height, width) as a data URI of a PNG, from darkest to brightest.

    Of another number of channels than three the first is shown.
    """
    values = image.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    values = (values - low) / (high - low) if high > low else np.zeros_like(values)
    pixels = (
        np.moveaxis(values, 0, -1) if len(values) == 3 else np.repeat(values[0, ..., None], 3, -1)
    )
    stream = io.BytesIO()
    optional("matplotlib.image", "a report").imsave(stream, pixels, format="png")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
