"""What attacks find together, against sets of records."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual import metrics
from mia_dual.metrics.together import (
    Overlap,
    Persistence,
    Union,
    found_at,
    overlap,
    persistence,
    union,
)


@st.composite
def attacks(draw):
    count, records = draw(st.integers(1, 4)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    membership = rng.random(records) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    return membership, rng.integers(0, draw(st.sampled_from([1, 6, 1000])), (count, records)) / 4


@given(attacks(), st.sampled_from([0.0, 0.1, 0.3]))
def test_union_is_the_best_that_thresholds_at_one_place_reach(sample, rate):
    membership, scores = sample
    found = union(membership, scores, rate)
    singles = [metrics.tpr_at_fpr(membership, score, rate) for score in scores]
    if None in singles:
        assert found == Union(None, None, None, None)
        return
    accused = np.any([found_at(membership, score, rate) for score in scores], axis=0)
    assert found.tpr == accused[membership].mean()
    assert found.fpr == accused[~membership].mean()
    assert found.best_tpr == max(singles)
    outside = (~membership).sum()
    matched = []
    for place in range(outside):
        lines = [np.sort(score[~membership])[::-1][place] for score in scores]
        either = np.any([score > line for score, line in zip(scores, lines)], axis=0)
        if either[~membership].sum() <= outside * rate + 1e-9:
            matched.append(either[membership].mean())
    assert found.matched_tpr == pytest.approx(max(matched))
    assert found.matched_tpr <= found.tpr


def test_union_of_one_attack_or_of_the_same_twice_is_the_attack():
    rng = np.random.default_rng(0)
    membership = np.repeat([True, False], 100)
    scores = rng.normal(size=200) + membership
    alone = metrics.tpr_at_fpr(membership, scores, 0.1)
    expected = Union(alone, 0.1, alone, alone)
    assert union(membership, scores[None], 0.1) == expected
    # Only the order of an attack's scores counts.
    assert union(membership, np.stack([scores, np.exp(scores)]), 0.1) == expected


def test_attacks_that_find_other_people_find_more_together():
    rng = np.random.default_rng(0)
    membership = np.repeat([True, False], 500)
    scores = rng.normal(size=(2, 1000))
    scores[0, :100] += 6
    scores[1, 100:200] += 6
    found = union(membership, scores, 0.01)
    assert found.matched_tpr > found.best_tpr + 0.15
    assert 0.01 < found.fpr <= 0.02


def test_overlap_counts_members_alone():
    membership = np.array([True, True, True, True, False])
    first = np.array([True, True, False, False, True])
    second = np.array([False, True, True, False, True])
    assert overlap(membership, first, second) == Overlap(1, 1, 1, 1 / 3)
    nobody = np.zeros(5, bool)
    assert overlap(membership, nobody, nobody) == Overlap(0, 0, 0, None)
    assert overlap(~membership, first, first) == Overlap(1, 0, 0, 1.0)


def test_ever_and_always_ask_of_members_of_two_targets():
    membership = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 1, 0], [0, 1, 0, 1, 0]], bool)
    found = np.array([[1, 1, 1, 0, 1], [1, 0, 1, 0, 1], [0, 1, 1, 0, 1]], bool)
    # 0 always, 1 twice of three, 3 never; 2 is a member once, 4 of none.
    assert persistence(membership, found) == Persistence(asked=3, ever=2, always=1)
    assert persistence(membership[:1], found[:1]) == Persistence(0, 0, 0)


def test_a_rate_that_cannot_be_shown_accuses_nobody_knows_whom():
    membership = np.repeat([True, False], 5)
    assert found_at(membership, np.arange(10.0), 0.1) is None
    assert found_at(membership, -np.arange(10.0), 0.2).tolist() == [True] * 5 + [True] + [False] * 4
