"""What attacks are judged by: a version of a target, and records whose membership is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mia_dual.plan.splits import Membership
from mia_dual.walks.scoring import Scores


@dataclass(frozen=True)
class Place:
    """A version of one target, and members and non-members of it."""

    version: str
    truth: Membership


@dataclass(frozen=True)
class Trials:
    """An attack's scores at ``places``, one a target, joined.

    All are (n,): ``rows`` int64 record indices, ``membership`` bool, ``scores`` float64, ``target``
    int64 the place it is of. ``cuts``: (places, thresholds) float64, as
    :mod:`mia_dual.attacks.cuts` orders them.
    """

    rows: np.ndarray
    membership: np.ndarray
    scores: np.ndarray
    target: np.ndarray
    cuts: np.ndarray

    def take(self, chosen: np.ndarray) -> Trials:
        """Those that ``chosen`` (n,) bool says."""
        return Trials(
            self.rows[chosen],
            self.membership[chosen],
            self.scores[chosen],
            self.target[chosen],
            self.cuts,
        )

    def accused(self, cut: int = 0) -> np.ndarray | None:
        """(n,) bool: scores above the threshold of that number; None where there is none."""
        thresholds = self.cuts[self.target, cut]
        if np.isnan(thresholds).any() or not len(thresholds):
            return None
        found: np.ndarray = self.scores > thresholds
        return found

    def matrices(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """``rows`` (records,) sorted, and for (targets, records) ``scores`` float64,
        ``membership`` bool, and whether the record was ``asked`` about bool; where not, both of
        those before mean nothing.
        """
        rows, places = np.unique(self.rows, return_inverse=True)
        shape = (len(self.cuts), len(rows))
        scores, membership = np.zeros(shape), np.zeros(shape, bool)
        asked = np.zeros(shape, bool)
        scores[self.target, places] = self.scores
        membership[self.target, places] = self.membership
        asked[self.target, places] = True
        return rows, scores, membership, asked


def trials_at(scores: Scores, attack: str, places: Sequence[Place]) -> Trials:
    """What ``attack`` scored at ``places``."""
    sizes = [(len(place.truth.members), len(place.truth.non_members)) for place in places]
    return Trials(
        rows=np.concatenate([place.truth.rows for place in places]),
        membership=np.concatenate([np.repeat([True, False], both) for both in sizes]),
        scores=np.concatenate(
            [scores.of(attack, place.version, place.truth.rows) for place in places]
        ),
        target=np.repeat(np.arange(len(places)), [sum(both) for both in sizes]),
        cuts=np.stack([scores.cuts[attack][place.version] for place in places]),
    )
