"""What is deleted, from which groups, and what the groups say together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.config import Config
from mia_dual.deletion.aggregation import aggregate
from mia_dual.errors import ConfigError, DataError
from mia_dual.plan.groups import draw_groups
from mia_dual.plan.requests import draw_requests

MEMBERS = np.arange(0, 400, 2)
LABELS = np.arange(400) // 4 % 10


def requests(groups=None, **deletion):
    config = Config.model_validate({"deletion": {"ratios": [], **deletion}})
    return draw_requests(config, MEMBERS, LABELS, groups or draw_groups(config, MEMBERS))


def test_ratios_are_of_the_original_members_and_never_stacked():
    five, ten = requests(ratios=[0.05, 0.1])
    assert (len(five.deleted), len(ten.deleted)) == (10, 20)
    for request in (five, ten):
        together = np.sort(np.concatenate([request.deleted, request.retained]))
        assert np.array_equal(together, MEMBERS)
    assert (five.name, five.ratio) == ("5%", 0.05)
    # Drawn apart: the larger is not the smaller and more.
    assert not np.isin(five.deleted, ten.deleted).all()


@pytest.mark.parametrize(("ratio", "hit"), [(0.05, 1), (0.1, 1), (0.2, 2), (0.15, 2)])
def test_concentrated_deletion_hits_the_fewest_groups(ratio, hit):
    config = Config.model_validate({"deletion": {"groups": 10}})
    groups = draw_groups(config, MEMBERS)
    (request,) = requests(groups, ratios=[ratio], placement="concentrated")
    assert len(request.deleted) == round(ratio * len(MEMBERS))
    assert sum(np.isin(group, request.deleted).any() for group in groups) == hit


def test_indices_come_from_a_file(tmp_path):
    file = tmp_path / "forget.txt"
    file.write_text("4\n2\n4\n")
    (request,) = requests(indices=file)
    assert request.deleted.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("", "names no record"),
        ("2\nx\n", "'x' in .* is no record index"),
        ("-2", "'-2' in .* is no record index"),
        ("3", "record 3 .* is no member of the target"),
    ],
)
def test_bad_files_of_indices_are_named(tmp_path, content, message):
    file = tmp_path / "forget.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(DataError, match=message):
        requests(indices=file)


def test_classes_go_whole():
    (request,) = requests(classes=[3, 5])
    assert set(LABELS[request.deleted]) == {3, 5}
    assert not np.isin(LABELS[request.retained], [3, 5]).any()


def test_deletions_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="no member of class 12"):
        requests(classes=[12])
    with pytest.raises(ConfigError, match="leave the target no members"):
        requests(classes=list(range(10)))
    with pytest.raises(ConfigError, match="101 groups of 200 members"):
        draw_groups(Config.model_validate({"deletion": {"groups": 101}}), MEMBERS)


@given(st.integers(4, 300), st.integers(2, 20))
def test_groups_part_the_members_evenly(members, count):
    config = Config.model_validate({"deletion": {"groups": count}})
    rows = np.arange(members) * 7
    if members < 2 * count:
        with pytest.raises(ConfigError):
            draw_groups(config, rows)
        return
    groups = draw_groups(config, rows)
    assert np.array_equal(np.sort(np.concatenate(groups)), rows)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


def test_groups_speak_by_mean_or_by_vote():
    answers = [
        np.array([[0.6, 0.4, 0.0]], np.float32),
        np.array([[0.5, 0.4, 0.1]], np.float32),
        np.array([[0.0, 0.4, 0.6]], np.float32),
    ]
    assert aggregate(answers, "mean")[0] == pytest.approx([1.1 / 3, 0.4, 0.7 / 3])
    assert aggregate(answers, "vote")[0] == pytest.approx([2 / 3, 0, 1 / 3])
