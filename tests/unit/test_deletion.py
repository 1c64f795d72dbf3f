"""What is deleted, from which groups, and what the groups say together."""

import itertools
import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from mia_dual.config import Config
from mia_dual.deletion.aggregation import aggregate
from mia_dual.errors import ConfigError, DataError
from mia_dual.plan.groups import draw_groups, fewest_groups
from mia_dual.plan.requests import draw_requests
from mia_dual.seeds import generator

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


def test_ratios_keep_their_draws_and_names_however_close():
    ratios = [0.05, 0.050000001, 0.1, 0.125, 1 / 3, 1e-9, 1e-300]
    drawn = requests(ratios=ratios)
    assert [request.name for request in drawn[:4]] == ["5%", "5.0000001%", "10%", "12.5%"]
    assert drawn[0].slug == "5pct"
    assert len({request.slug.lower() for request in drawn}) == len(ratios)
    for request in drawn:
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,40}", request.slug)
    assert not np.array_equal(drawn[0].deleted, drawn[1].deleted)
    # As they were drawn when a ratio's label was its first six digits.
    for request, label, count in ((drawn[0], "0.05", 10), (drawn[2], "0.1", 20)):
        expected = generator(0, "deletion", label).choice(MEMBERS, count, replace=False)
        assert np.array_equal(request.deleted, np.sort(expected))


def test_concentrated_deletion_stays_in_one_group_where_one_of_them_is_large_enough():
    # 200 members in 11 groups: two of 19, the others of 18.
    for seed in range(20):
        config = Config.model_validate(
            {
                "seed": seed,
                "deletion": {"groups": 11, "ratios": [0.095], "placement": "concentrated"},
            }
        )
        groups = draw_groups(config, MEMBERS)
        (request,) = draw_requests(config, MEMBERS, LABELS, groups)
        assert len(request.deleted) == 19
        assert sum(np.isin(group, request.deleted).any() for group in groups) == 1


@given(st.lists(st.integers(0, 12), min_size=1, max_size=9), st.data())
def test_groups_chosen_are_the_fewest(sizes, data):
    count = data.draw(st.integers(0, sum(sizes)))
    chosen = fewest_groups(sizes, count, np.random.default_rng(data.draw(st.integers(0, 99))))
    assert len(set(chosen)) == len(chosen)
    assert sum(sizes[group] for group in chosen) >= count
    for fewer in itertools.combinations(sizes, max(len(chosen) - 1, 0)):
        assert not chosen or sum(fewer) < count


def test_every_choice_of_the_fewest_groups_is_drawn():
    sizes = [20, 19, 19, 20, 1, 38]
    drawn = [
        tuple(sorted(fewest_groups(sizes, 39, np.random.default_rng(seed)))) for seed in range(400)
    ]
    possible = {
        pair
        for pair in itertools.combinations(range(6), 2)
        if sum(sizes[group] for group in pair) >= 39
    }
    assert set(drawn) == possible
    # Equally large groups equally often: 20 of each of two, with the 38.
    assert abs(drawn.count((0, 5)) - drawn.count((3, 5))) < 40


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
        ("٢", "'٢' in .* is no record index"),
        ("2\n\0\x1b[31m", r"'\\x00\\x1b\[31m' in .* is no record index"),
        ("3", "record '3' .* is no member of the target"),
        ("9" * 19, f"record '{'9' * 19}' in .* is no member of the target"),
        ("7" * 10**6, r"record '7{80}\.\.\.' in .* is no member of the target"),
        ("x" * 10**6, r"'x{80}\.\.\.' in .* is no record index"),
        (b"\xff\xfe\0", "cannot be read"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bad_files_of_indices_are_named(tmp_path, content, message):
    file = tmp_path / "forget.txt"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as raised:
        requests(indices=file)
    assert len(str(raised.value)) < 200 + len(str(file))
    assert "\n" not in str(raised.value)


def test_an_index_may_have_leading_zeros_and_the_file_a_mark_of_its_encoding(tmp_path):
    file = tmp_path / "forget.txt"
    file.write_text("\ufeff4\r\n" + "0" * 5000 + "2 6\r\n", encoding="utf-8")
    (request,) = requests(indices=file)
    assert request.deleted.tolist() == [2, 4, 6]


def test_what_is_no_plain_file_of_indices_is_refused_without_waiting(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for file in (tmp_path, pipe, tmp_path / ("long" * 100), tmp_path / "gone" / "file"):
        with pytest.raises(DataError, match="cannot be read"):
            requests(indices=file)


def test_classes_go_whole():
    (request,) = requests(classes=[3, 5])
    assert set(LABELS[request.deleted]) == {3, 5}
    assert not np.isin(LABELS[request.retained], [3, 5]).any()


def test_deletions_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match=r"no member of class 12.*are 0 to 9"):
        requests(classes=[3, 12])
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
    assert aggregate(np.stack(answers), "vote")[0] == pytest.approx([2 / 3, 0, 1 / 3])


def test_tied_votes_go_to_the_class_of_the_highest_mean_confidence():
    answers = np.array(
        [
            # Surer of class 2; surer of class 0; torn itself, which the other settles.
            [[0.6, 0.4, 0.0], [0.0, 0.2, 0.8], [0.5, 0.5, 0.0]],
            [[0.0, 0.1, 0.9], [0.9, 0.1, 0.0], [0.1, 0.9, 0.0]],
        ],
        np.float32,
    )
    shares = aggregate(answers, "vote")
    assert shares.argmax(axis=-1).tolist() == [2, 0, 1]
    above = np.nextafter(np.float32(0.5), np.float32(1))
    assert shares[0].tolist() == [0.5, 0, above]
    assert shares[2].tolist() == [0, 1, 0]


@st.composite
def answers_of_groups(draw):
    groups, records, classes = (draw(st.integers(1, most)) for most in (7, 6, 5))
    values = arrays.arrays(np.int64, (groups, records, classes), elements=st.integers(0, 4))
    # Few distinct values, so that groups and classes tie; powers of two, so that sums are exact.
    return (draw(values) / 8).astype(np.float32)


@given(answers_of_groups(), st.randoms(use_true_random=False))
def test_votes_are_shares_and_decide_by_votes_then_mean(answers, random):
    groups, _, classes = answers.shape
    shares = aggregate(answers, "vote")
    assert shares.dtype == np.float32
    votes = np.rint(shares * groups)
    assert np.array_equal(votes.sum(axis=-1), np.full(len(shares), groups))
    assert np.abs(shares - (votes / groups).astype(np.float32)).max() <= 2**-24
    mean = answers.mean(axis=0, dtype=np.float64)
    for share, vote, confidence in zip(shares, votes, mean):
        tied = vote == vote.max()
        assert tied[share.argmax()]
        assert confidence[share.argmax()] == confidence[tied].max()
    # Neither the order of groups nor that of classes decides, unless all is equal.
    order = random.sample(range(groups), groups)
    assert np.array_equal(aggregate(answers[order], "vote"), shares)
    assert np.array_equal(aggregate(list(answers), "vote"), shares)
    names = random.sample(range(classes), classes)
    renamed = aggregate(answers[:, :, names], "vote")
    for record in range(len(shares)):
        if len(set(mean[record])) == classes:
            assert np.array_equal(renamed[record], shares[record][names])


def test_two_groups_trained_on_digits_are_decided_by_the_surer():
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    held_out = order[80:]
    answers = []
    for rows in (order[:40], order[40:80]):
        model = LogisticRegression(max_iter=1000).fit(images[rows], labels[rows])
        assert len(model.classes_) == 10
        answers.append(model.predict_proba(images[held_out]).astype(np.float32))
    votes = [answer.argmax(axis=-1) for answer in answers]
    apart = votes[0] != votes[1]
    assert apart.sum() > 300
    decided = aggregate(answers, "vote").argmax(axis=-1)
    right = (decided == labels[held_out])[apart].mean()
    lowest_right = (np.minimum(*votes) == labels[held_out])[apart].mean()
    assert right > lowest_right + 0.1
    surer = np.argmax([answer.max(axis=-1) for answer in answers], axis=0)
    assert (decided == np.choose(surer, votes))[apart].mean() > 0.95
