"""The verdict on two compared runs: what an attack's differences come to, as a plain sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

from mia_dual.report.comparison import Agreement, PlaceDifference, Verdict

JUDGED = ("auc", "accuracy", "recall")
"""Figures that a verdict looks at; the others follow from them, or step with a few records."""

Joint = Mapping[str, Mapping[str, Optional[tuple[float, float]]]]


def give_verdict(
    places: Sequence[PlaceDifference], joint: Joint, agreement: Sequence[Agreement]
) -> Verdict:
    """The verdict on an attack in two runs.

    ``joint``: place -> figure -> an interval of the difference, each wide enough that all of them
    together miss as seldom as one of 95 %.
    """
    gaps = {
        (place.place, figure): abs(gap)
        for figure in JUDGED
        for place in places
        for gap in [place.figures[figure].difference]
        if gap is not None and joint[place.place][figure] is not None
    }
    by_name = {place.place: place for place in places}
    aucs = [name for name, figure in gaps if figure == "auc"]
    if not aucs:
        sentence = "too few records to say whether the runs agree."
        return Verdict(found="unknown", place=None, figure=None, sentence=sentence)
    if all(place.paired for place in places) and all(found.largest == 0 for found in agreement):
        sentence = "the same: each record has the same score in both runs, in every version."
        return Verdict(found="same", place=None, figure=None, sentence=sentence)

    beyond = [key for key in gaps if not _holds_zero(joint[key[0]][key[1]])]
    auc = _told(by_name[aucs[0]], "auc")
    by_record = _by_record(agreement)
    if not beyond:
        name = max(aucs, key=lambda name: gaps[name, "auc"])
        sentence = f"agree, as far as the records can tell: {auc}"
        if name != aucs[0]:
            sentence += f"; the largest gap, {_told(by_name[name], 'auc')}, is within chance"
            sentence += f" among {len(aucs)}"
        return Verdict(found="agree", place=name, figure="auc", sentence=sentence + by_record)
    name, figure = max(beyond, key=lambda key: gaps[key])
    where = {place for place, _ in beyond}
    sentence = f"differ, at {len(where)} of {len(places)} places: most in "
    sentence += _told(by_name[name], figure)
    if not any(figure == "auc" for _, figure in beyond):
        sentence += f"; but no AUC does: {auc}"
    return Verdict(found="differ", place=name, figure=figure, sentence=sentence + by_record)


def _told(place: PlaceDifference, figure: str) -> str:
    found = place.figures[figure]
    title = "AUC" if figure == "auc" else figure
    text = f"{title} on {place.place} ({place.members[0]} + {place.non_members[0]} records) "
    text += f"{found.first:.3f} and {found.second:.3f} ({found.difference:+.3f}"
    if found.interval is not None:
        text += f", 95 % {found.interval[0]:+.3f} to {found.interval[1]:+.3f}"
    return f"{text})"


def _by_record(agreement: Sequence[Agreement]) -> str:
    if not agreement:
        return "."
    first = agreement[0]
    rank = "" if first.spearman is None else f"Spearman {first.spearman:.3f}, "
    return (
        f"; by record on {first.version}: {rank}{first.changed_sides} of {first.records} change "
        "sides."
    )


def _holds_zero(interval: Optional[tuple[float, float]]) -> bool:
    return interval is None or interval[0] <= 0 <= interval[1]
