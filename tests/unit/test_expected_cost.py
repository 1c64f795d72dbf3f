"""What deletion is expected to cost is what it costs on average, when it is played out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.deletion.expected_cost import (
    Passes,
    at_once,
    one_by_one,
    published_at_once,
    published_one_by_one,
    published_slices,
)

TRIALS = 800


def play(groups, epochs, requests):
    """Records seen by ``requests``, lists of records numbered through all slices of all groups."""
    place, first = [], 0
    for sizes in groups:
        place.append([set(range(end - size, end)) for size, end in zip(sizes, np.cumsum(sizes))])
        place[-1] = [{first + record for record in part} for part in place[-1]]
        first += sum(sizes)
    seen = 0
    for request in requests:
        for slices in place:
            touched = [bool(part & set(request)) for part in slices]
            for part in slices:
                part -= set(request)
            if any(touched):
                for number in range(touched.index(True), len(slices)):
                    seen += epochs * sum(map(len, slices[: number + 1]))
    return seen


def near(expected, found):
    """Within four standard errors of the mean of what was found."""
    return abs(expected - np.mean(found)) <= 4 * np.std(found) / np.sqrt(len(found)) + 1e-9


@pytest.mark.parametrize("groups", [[[12]], [[6], [6]], [[3, 4], [5]], [[2, 2, 2], [1, 3, 2]]])
def test_costs_are_those_of_requests_that_are_played_out(groups):
    passes = Passes.of(groups, 3)
    members = passes.members
    rng = np.random.default_rng(0)
    for count in (1, 2, 5):
        orders = [rng.choice(members, count, replace=False) for _ in range(TRIALS)]
        single = [play(groups, 3, [[one] for one in order]) for order in orders]
        assert near(one_by_one(passes, count), single)
        together = [play(groups, 3, [order]) for order in orders]
        assert near(at_once(passes, count), together)


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=6),
    st.integers(1, 5),
    st.data(),
)
def test_no_cost_is_below_zero_nor_above_retraining_every_pass(groups, epochs, data):
    passes = Passes.of(groups, epochs)
    count = data.draw(st.integers(1, passes.members))
    assert 0 <= at_once(passes, count) <= passes.seen()
    assert 0 <= one_by_one(passes, count) <= passes.seen() * count
    assert one_by_one(passes, 1) == pytest.approx(at_once(passes, 1))
    # What is deleted together is not trained again in between.
    assert at_once(passes, count) <= one_by_one(passes, count) + 1e-6 or count == 1
    if count == passes.members:
        assert at_once(passes, count) == pytest.approx(0)


@given(st.integers(2, 40), st.integers(1, 20), st.integers(1, 60))
def test_published_forms_are_near_those_without_replacement(size, groups, count):
    members = size * groups
    count = min(count, members)
    passes = Passes.of([[size]] * groups, 1)
    published = published_one_by_one(members, groups, count)
    assert published >= 0
    # They part by what is deleted from the group meanwhile: at most a record a request.
    assert abs(published - one_by_one(passes, count)) <= count
    assert published_at_once(members, groups, count) >= 0
    if groups == 1:
        assert published_at_once(members, 1, count) == members - count
        assert at_once(passes, count) == pytest.approx(members - count)
    assert published_at_once(members, groups, 1) == pytest.approx(size - 1)


@given(st.integers(1, 12))
def test_slices_save_a_third_at_most(slices):
    size = 1000
    passes = Passes.of([[size] * slices], 1)
    share = one_by_one(passes, 1) / passes.seen()
    assert share == pytest.approx(published_slices(slices), rel=2e-3)
    assert 2 / 3 < published_slices(slices) <= 1


def test_one_by_one_costs_the_share_of_a_group_whatever_the_number():
    """N members in S equal groups: (N / S - 1) / (N - 1) of retraining the whole each time."""
    whole, groups = Passes.of([[1000]], 30), Passes.of([[50]] * 20, 30)
    for count in (1, 10, 100, 900):
        share = one_by_one(groups, count) / one_by_one(whole, count)
        assert share == pytest.approx(49 / 999)
    assert one_by_one(whole, 100) == 30 * sum(range(900, 1000))
