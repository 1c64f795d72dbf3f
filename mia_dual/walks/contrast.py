"""One attack at one place of two runs: what it scored, and the intervals of its differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.attacks.cuts import AIMED_RATES
from mia_dual.metrics.differences import (
    Interval,
    auc_difference_interval,
    paired_auc_interval,
    paired_share_interval,
    share_interval,
)
from mia_dual.metrics.resampling import Sample, resampled_intervals
from mia_dual.plan.splits import Membership
from mia_dual.report.comparison import Difference
from mia_dual.report.results import Success
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.places import AttackPlace


@dataclass(frozen=True)
class Contrast:
    """Scores of both runs; ``paired`` where they are of the same records in the same order."""

    first: Sample
    second: Sample
    paired: bool

    @classmethod
    def at(
        cls,
        attack: str,
        runs: tuple[FinishedRun, FinishedRun],
        places: tuple[AttackPlace, AttackPlace],
        label: Optional[int] = None,
    ) -> Contrast:
        """What ``attack`` scored at the ``places`` of ``runs``; of one class where ``label`` is
        given.
        """
        first, second = (_sample(attack, run, place, label) for run, place in zip(runs, places))
        paired = len(places[0].parts) == len(places[1].parts) and all(
            same_records(one.truth, other.truth)
            for one, other in zip(places[0].parts, places[1].parts)
        )
        return cls(first, second, paired)

    def auc_interval(self, confidence: float = 0.95) -> Optional[Interval]:
        """Of the difference of AUCs."""
        one, other = self.first, self.second
        if self.paired:
            return paired_auc_interval(one.membership, one.scores, other.scores, confidence)
        return auc_difference_interval(
            (one.membership, one.scores), (other.membership, other.scores), confidence
        )

    def plain_intervals(self, confidence: float = 0.95) -> dict[str, Optional[Interval]]:
        """Of the differences of AUC, accuracy and recall, which need no bootstrap."""
        shares = paired_share_interval if self.paired else share_interval
        samples = self.first, self.second
        right = [sample.accused == sample.membership for sample in samples]
        found = [sample.accused[sample.membership] for sample in samples]
        return {
            "auc": self.auc_interval(confidence),
            "accuracy": shares(right[0], right[1], confidence),
            "recall": shares(found[0], found[1], confidence),
        }

    def intervals(self, rng: np.random.Generator) -> dict[str, Optional[Interval]]:
        """Of the difference of every figure of :func:`figures`."""
        others = resampled_intervals(self.first, self.second, sorted(AIMED_RATES), rng, self.paired)
        return {**self.plain_intervals(), **others}


def same_records(first: Membership, second: Membership) -> bool:
    """Whether both are of the same members and the same non-members."""
    return np.array_equal(first.members, second.members) and np.array_equal(
        first.non_members, second.non_members
    )


def figures(success: Success) -> Mapping[str, Optional[float]]:
    """What a comparison sets side by side of an attack's success, by name."""
    return {
        "auc": success.auc,
        "accuracy": success.accuracy,
        "precision": success.precision,
        "recall": success.recall,
        "f1": success.f1,
        **{f"tpr@{rate}": success.tpr_at_fpr[str(rate)] for rate in sorted(AIMED_RATES)},
    }


def difference(
    first: Optional[float], second: Optional[float], interval: Optional[Interval]
) -> Difference:
    """The second figure less the first; without an interval where one of them is lacking."""
    if first is None or second is None:
        interval = None
    return Difference(
        first=first,
        second=second,
        difference=None if first is None or second is None else second - first,
        interval=interval,
        holds_zero=None if interval is None else interval[0] <= 0 <= interval[1],
    )


def _sample(attack: str, run: FinishedRun, place: AttackPlace, label: Optional[int]) -> Sample:
    trials = place.trials(run, attack)
    if label is not None:
        trials = trials.take(run.labels[trials.rows] == label)
    accused = trials.accused()
    # Without a threshold nobody is accused, and no figure that rests on it is there to differ.
    return Sample(
        trials.membership,
        trials.scores,
        np.zeros(len(trials.rows), bool) if accused is None else accused,
    )
