"""How often a record is told apart, against the rule applied to each record by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual import metrics
from mia_dual.metrics.exposure import exposure


@st.composite
def repeated(draw):
    shape = draw(st.integers(1, 5)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    membership = rng.random(shape) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    scores = rng.integers(0, draw(st.sampled_from([1, 4, 1000])), shape) / 4
    return membership, scores, rng.random(shape) < draw(st.sampled_from([0.0, 0.7, 1.0]))


@given(repeated(), st.sampled_from([0.0, 0.1, 0.3]))
def test_counts_are_those_of_each_targets_thresholds(sample, rate):
    membership, scores, asked = sample
    found = exposure(membership, scores, rate, asked)
    records = membership.shape[1]
    expected = np.zeros((4, records), int)
    for member, score, chosen in zip(membership, scores, asked):
        high = metrics.threshold_at(member[chosen], score[chosen], rate)
        low = metrics.threshold_at(~member[chosen], -score[chosen], rate)
        for record in np.flatnonzero(chosen):
            if member[record] and high is not None:
                expected[0, record] += 1
                expected[1, record] += score[record] > high
            if not member[record] and low is not None:
                expected[2, record] += 1
                expected[3, record] += score[record] < -low
    assert np.array_equal(
        [found.times_in, found.found_in, found.times_out, found.found_out], expected
    )
    assert np.all((found.standing >= 0) & (found.standing <= 1))
    most = found.most(records)
    assert np.array_equal(np.sort(most), np.flatnonzero(found.found))
    keys = [(-found.found[record], -round(found.standing[record], 9), record) for record in most]
    assert keys == sorted(keys)
    assert np.array_equal(found.most(3), most[:3])


@given(repeated())
def test_turning_the_sides_turns_the_exposure(sample):
    membership, scores, asked = sample
    one = exposure(membership, scores, 0.1, asked)
    other = exposure(~membership, -scores, 0.1, asked)
    assert np.array_equal(one.found_in, other.found_out)
    assert np.array_equal(one.times_out, other.times_in)
    assert one.standing == pytest.approx(other.standing)


def test_the_most_exposed_record_is_the_one_that_stands_out():
    rng = np.random.default_rng(0)
    membership = np.stack([rng.permutation(200) < 100 for _ in range(8)])
    scores = rng.normal(size=(8, 200))
    scores[:, 17] = np.where(membership[:, 17], 9, -9)
    scores[:, 40] = np.where(membership[:, 40], 8, 0)
    found = exposure(membership, scores, 0.01)
    assert found.most(1).tolist() == [17]
    assert found.found[17] == 8
    assert found.standing[17] == 1
    assert found.times_in[17] == membership[:, 17].sum()
    assert found.found_in[40] == membership[:, 40].sum()
    assert found.found_out[40] == 0


def test_records_found_as_often_are_told_apart_by_their_scores():
    membership = np.array([[True, True, False, False, True, False]])
    scores = np.array([[5.0, 4, 1, 0, 0.5, 4.5]])
    found = exposure(membership, scores, 0.4)
    assert found.found.tolist() == [1, 1, 1, 1, 0, 0]
    # 0 outscores all three non-members, 3 is outscored by all three members; 1 and 2 by two.
    assert found.most(6).tolist() == [0, 3, 1, 2]
    assert exposure(membership, np.zeros((1, 6)), 0.4).most(6).tolist() == []
