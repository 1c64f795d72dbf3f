"""What the differences of an attack's figures come to, as a plain sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

from mia_dual.report.comparison import Agreement, PlaceDifference, Verdict


def give_verdict(
    places: Sequence[PlaceDifference],
    joint: Mapping[str, Optional[tuple[float, float]]],
    agreement: Sequence[Agreement],
) -> Verdict:
    """The verdict on an attack in two runs.

    ``joint``: for each place an interval of the AUC's difference, wide enough that all of them
    together miss as seldom as one of 95 %.
    """
    gaps = {
        place.place: abs(gap)
        for place in places
        for gap in [place.figures["auc"].difference]
        if gap is not None and joint[place.place] is not None
    }
    if not gaps:
        return Verdict(
            found="unknown", most=None, sentence="too few records to say whether the runs agree."
        )
    if all(place.paired for place in places) and all(_is_same(found) for found in agreement):
        return Verdict(
            found="same",
            most=None,
            sentence=f"the same: every record has one score in both runs, in all {len(agreement)} "
            "versions of the target.",
        )
    by_name = {place.place: place for place in places}
    beyond = [name for name in gaps if not _holds_zero(joint[name])]
    most = max(beyond or gaps, key=lambda name: gaps[name])
    if beyond:
        among = "" if len(places) == 1 else f", at {len(beyond)} of {len(places)} places"
        sentence = f"differ{among}: most on {_told(by_name[most])}"
    else:
        first = next(name for name in gaps)
        sentence = f"agree, as far as the records can tell: {_told(by_name[first])}"
        if most != first:
            sentence += f"; the largest gap, on {_told(by_name[most])}, is within chance"
    return Verdict(
        found="differ" if beyond else "agree", most=most, sentence=sentence + _sides(agreement)
    )


def _told(place: PlaceDifference) -> str:
    auc = place.figures["auc"]
    members, non_members = place.members[0], place.non_members[0]
    text = f"{place.place} ({members} + {non_members} records) AUC {auc.first:.3f} and "
    text += f"{auc.second:.3f} ({auc.difference:+.3f}"
    if auc.interval is not None:
        text += f", 95 % {auc.interval[0]:+.3f} to {auc.interval[1]:+.3f}"
    return f"{text})"


def _sides(agreement: Sequence[Agreement]) -> str:
    if not agreement:
        return "."
    first = agreement[0]
    return f"; {first.changed_sides} of {first.records} records change sides on {first.version}."


def _is_same(found: Agreement) -> bool:
    return found.largest == 0


def _holds_zero(interval: Optional[tuple[float, float]]) -> bool:
    return interval is None or interval[0] <= 0 <= interval[1]
