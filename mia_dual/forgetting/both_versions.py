"""What an attacker tells of deleted records who holds the model of before and the one of after.

Several targets were trained on random halves of the same records, and each deleted a forget set.
Every one of them is attacked by what all others show, whose states are known: they play the
shadow models. A score is the higher, the more a record looks forgotten.

Chen et al. 2021, "When Machine Unlearning Jeopardizes Privacy", tell forgotten records from unseen
ones by a classifier on both versions' confidences, put together in one of five ways. TC-UMIA (Fu et
al. 2026, arXiv 2605.01129) tells forgotten, retained and unseen records from each other by what
both versions predict: here by a classifier of three classes on the same features.

The classifier is a logistic regression on standardised features, with classes weighted alike. Of
24 targets on digits with 40 records of 400 deleted by retraining, forgotten against unseen records
had an AUC of .631 (FCNet) and .574 (ConvNet) on the best of the five, ``sorted_concatenation``,
and of .703 and .607 with both versions' log odds at the label beside it, ``sorted_with_odds``.
Boosted trees on the best of the five gained .02 with 8 targets, at some 50 times the cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from mia_dual.signals import confidences, log_confidence, log_odds

FORGOTTEN, RETAINED, UNSEEN = 0, 1, 2
"""States of a record in a target: a member that was deleted, a member that stayed, no member."""

Construction = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""A function of logits ``before`` and ``after`` (..., records, classes) and ``labels`` (records,)
that gives (..., records, features) float.
"""


def direct_concatenation(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Both versions' confidences, in the order of the classes."""
    return np.concatenate([confidences(before), confidences(after)], axis=-1)


def sorted_concatenation(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Both versions' confidences, in the falling order of those before."""
    return np.concatenate(_by_those_before(before, after), axis=-1)


def direct_difference(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Confidences before less those after, in the order of the classes."""
    return confidences(before) - confidences(after)


def sorted_difference(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Confidences before less those after, in the falling order of those before."""
    first, second = _by_those_before(before, after)
    return first - second


def distance(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The Euclidean distance of both versions' confidences: one feature."""
    return np.linalg.norm(direct_difference(before, after, labels), axis=-1, keepdims=True)


def sorted_with_odds(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """:func:`sorted_concatenation`, and both versions' log odds at the label.

    Not in the paper: confidences near 1 differ little where the odds tell most.
    """
    odds = np.stack([log_odds(before, labels), log_odds(after, labels)], axis=-1)
    return np.concatenate([sorted_concatenation(before, after, labels), odds], axis=-1)


CONSTRUCTIONS: dict[str, Construction] = {
    "direct_concatenation": direct_concatenation,
    "sorted_concatenation": sorted_concatenation,
    "direct_difference": direct_difference,
    "sorted_difference": sorted_difference,
    "distance": distance,
    "sorted_with_odds": sorted_with_odds,
}
"""Every construction by its name: Chen et al.'s five, and one with log odds."""

HEADLINE = "sorted_with_odds"
"""The construction that tells most; see the module."""


@dataclass(frozen=True)
class ThreeWays:
    """What a classifier of forgotten, retained and unseen records says (TC-UMIA).

    ``unseen`` and ``retained``: the log of the ratio of the probability of a forgotten record to
    that of the other kind. ``recalls`` (targets, 3) float64: which share of a target's forgotten,
    retained and unseen records the classifier calls so; NaN where there are none.
    """

    unseen: np.ndarray
    retained: np.ndarray
    recalls: np.ndarray

    @property
    def balanced_accuracies(self) -> np.ndarray:
        """Each target's mean of the three recalls, (targets,) float64: a third is chance."""
        return np.asarray(self.recalls.mean(axis=1))


@dataclass(frozen=True)
class BothVersions:
    """Scores of forgotten records and of those they are held against, which a score's name says.

    Scores are (targets, records) float64, NaN where a record is neither: their figures are
    ``pooled_figures(state == FORGOTTEN, scores, rates, rng, ~np.isnan(scores))`` of
    :mod:`mia_dual.metrics.repeated`.

    ``fall_unseen`` and ``fall_retained``: the log confidence at the label before less that after,
    which needs no fit. ``two_unseen``: the log odds of a classifier of two classes (Chen et al.).
    Fitted ones are None where some target's others do not show every class: with one target.
    """

    fall_unseen: np.ndarray
    fall_retained: np.ndarray
    two_unseen: Optional[np.ndarray]
    three: Optional[ThreeWays]


def attack_both_versions(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    state: np.ndarray,
    construction: str = HEADLINE,
) -> BothVersions:
    """Attack each target by what the others show.

    ``before`` and ``after`` (targets, records, classes): logits of the versions. ``labels``
    (records,) int64. ``state`` (targets, records) int: :data:`FORGOTTEN`, :data:`RETAINED` or
    :data:`UNSEEN`; a record of any other number is left out. ``construction`` names one of
    :data:`CONSTRUCTIONS`. Nothing is drawn at random.

    Where forget sets were chosen by what records are like, unseen records must be chosen likewise
    and the others left out: a classifier tells hard records from easy ones too. Raises DataError
    where a logit is NaN.
    """
    fall = log_confidence(before, labels) - log_confidence(after, labels)
    features = CONSTRUCTIONS[construction](before, after, labels)
    two = _by_the_others(features, state, (FORGOTTEN, UNSEEN))
    three = _by_the_others(features, state, (FORGOTTEN, RETAINED, UNSEEN))
    return BothVersions(
        fall_unseen=_of_pair(fall, state, UNSEEN),
        fall_retained=_of_pair(fall, state, RETAINED),
        # Of two classes scikit-learn's decision is for the second.
        two_unseen=None if two is None else _of_pair(-two, state, UNSEEN),
        three=None if three is None else _three_ways(three, state),
    )


def _three_ways(decisions: np.ndarray, state: np.ndarray) -> ThreeWays:
    forgotten = decisions[..., FORGOTTEN]
    called = decisions.argmax(axis=-1)
    recalls = np.full((len(state), 3), np.nan)
    for target, kind in np.ndindex(recalls.shape):
        of_kind = state[target] == kind
        if of_kind.any():
            recalls[target, kind] = (called[target, of_kind] == kind).mean()
    return ThreeWays(
        unseen=_of_pair(forgotten - decisions[..., UNSEEN], state, UNSEEN),
        retained=_of_pair(forgotten - decisions[..., RETAINED], state, RETAINED),
        recalls=recalls,
    )


def _of_pair(scores: np.ndarray, state: np.ndarray, against: int) -> np.ndarray:
    return np.where((state == FORGOTTEN) | (state == against), scores, np.nan)


def _by_the_others(
    features: np.ndarray, state: np.ndarray, classes: Sequence[int]
) -> Optional[np.ndarray]:
    """Each target's decisions by a classifier fitted on all others: (targets, records), or
    (targets, records, 3) of three ``classes``; None where some classifier would lack a class.
    """
    from threadpoolctl import threadpool_limits

    shows = np.stack([(state == each).any(axis=1) for each in classes], axis=1)
    if (shows.sum(axis=0) - shows < 1).any():
        return None
    fitted_on = np.isin(state, classes)
    found = []
    # The products are small: threads gain nothing, and wait for each other on busy cores.
    with threadpool_limits(limits=1):
        for target, of_target in enumerate(features):
            chosen = fitted_on.copy()
            chosen[target] = False
            classifier = _classifier().fit(features[chosen], state[chosen])
            found.append(classifier.decision_function(of_target))
    return np.stack(found)


def _classifier() -> Any:
    # scikit-learn takes a second to import, and most runs need none of this.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Forgotten records are few, and would else hardly ever be called so.
    return make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)
    )


def _by_those_before(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = confidences(before), confidences(after)
    order = np.argsort(-first, axis=-1, kind="stable")
    return np.take_along_axis(first, order, axis=-1), np.take_along_axis(second, order, axis=-1)
