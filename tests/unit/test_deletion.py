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
from mia_dual.plan.groups import Group, draw_groups, fewest_groups, slice_epochs
from mia_dual.plan.requests import Drawn, draw_requests
from mia_dual.plan.splits import Membership
from mia_dual.seeds import generator

MEMBERS = np.arange(0, 400, 2)
OTHERS = np.arange(1, 201, 2)
LABELS = np.arange(400) // 4 % 10


def config_of(targets=1, **deletion):
    return Config.model_validate({"targets": targets, "deletion": {"ratios": [], **deletion}})


def requests(parts=None, target=(), members=MEMBERS, others=OTHERS, exposure=None, **deletion):
    config = config_of(**deletion)
    parts = [group.records for group in parts or draw_groups(config, members)]
    drawn = Drawn(Membership(members, others), parts, LABELS, exposure=exposure)
    return draw_requests(config, drawn, *target)


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
    groups = draw_groups(config_of(groups=10), MEMBERS)
    (request,) = requests(groups, ratios=[ratio], placement="concentrated")
    assert len(request.deleted) == round(ratio * len(MEMBERS))
    assert sum(np.isin(group.records, request.deleted).any() for group in groups) == hit


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
        parts = [group.records for group in groups]
        drawn = Drawn(Membership(MEMBERS, OTHERS), parts, LABELS)
        (request,) = draw_requests(config, drawn)
        assert len(request.deleted) == 19
        assert sum(np.isin(part, request.deleted).any() for part in parts) == 1


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
    groups = [group.records for group in draw_groups(config, rows)]
    assert np.array_equal(np.sort(np.concatenate(groups)), rows)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


@given(st.integers(1, 6), st.integers(1, 5), st.data())
def test_slices_part_each_group_evenly_and_deleting_keeps_them(count, slices, data):
    members = data.draw(st.integers(2 * count * slices, 120))
    rows = np.arange(members) * 3
    groups = draw_groups(config_of(groups=count, slices=slices), rows)
    assert np.array_equal(np.sort(np.concatenate([one.records for one in groups])), rows)
    for group in groups:
        sizes = [len(part) for part in group.slices]
        assert len(sizes) == slices
        assert max(sizes) - min(sizes) <= 1
        deleted = np.array(data.draw(st.lists(st.sampled_from(rows.tolist()), max_size=4)))
        left = group.without(deleted)
        assert np.array_equal(left.records, np.setdiff1d(group.records, deleted))
        # What comes before the first slice touched stays as it is, and that one does not.
        untouched = group.untouched(deleted)
        for one, other in zip(group.slices[:untouched], left.slices):
            assert np.array_equal(one, other)
        assert untouched == slices or len(left.slices[untouched]) < sizes[untouched]


def test_slices_hold_the_members_that_the_groups_had_without_them():
    plain, sliced = (draw_groups(config_of(groups=5, slices=slices), MEMBERS) for slices in (1, 4))
    for one, other in zip(plain, sliced):
        assert np.array_equal(one.records, other.records)
    with pytest.raises(ConfigError, match=r"deletion.slices: 21 slices of each of 5 groups of 200"):
        draw_groups(config_of(groups=5, slices=21), MEMBERS)


@pytest.mark.parametrize(
    ("epochs", "slices", "each"), [(30, 1, 30), (30, 2, 20), (30, 4, 12), (10, 3, 5), (1, 9, 1)]
)
def test_slices_see_as_many_records_as_training_without_them(epochs, slices, each):
    assert slice_epochs(epochs, slices) == each
    if epochs * 2 % (slices + 1) == 0:
        assert each * sum(range(1, slices + 1)) == epochs * slices


def test_likely_deletions_lie_in_the_last_groups_and_there_in_the_last_slices(tmp_path):
    file = tmp_path / "likely.txt"
    likely = {record: (record % 7) / 10 for record in MEMBERS[:50].tolist()}
    file.write_text("\n".join(f"{record} {value}" for record, value in likely.items()) + "\n\n")
    groups = draw_groups(
        config_of(groups=4, slices=5, assignment="likelihood", likelihood=file), MEMBERS
    )
    met = [likely.get(record, 0.0) for group in groups for part in group.slices
           for record in [max(part.tolist(), key=lambda one: likely.get(one, 0.0))]]  # fmt: skip
    assert met == sorted(met)
    assert sum(likely.get(record, 0) > 0 for record in groups[3].records.tolist()) == 42
    # Equally likely ones are drawn at random, and again alike.
    assert groups[0].slices[0].tolist() != MEMBERS[50:60].tolist()
    again = draw_groups(
        config_of(groups=4, slices=5, assignment="likelihood", likelihood=file), MEMBERS
    )
    assert all(np.array_equal(one.records, other.records) for one, other in zip(groups, again))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\0", "cannot be read"),
        ("2 0.5\n4", r"line 2 of .* \('4'\) is not a record index and a number from 0 up"),
        ("2 0.5 0.5", "line 1"),
        ("two 0.5", "line 1"),
        ("-2 0.5", "line 1"),
        ("2 -0.5", "line 1"),
        ("2 nan", "line 1"),
        ("\n2 inf", "line 2"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_bad_files_of_likelihoods_are_named(tmp_path, content, message):
    file = tmp_path / "likely.txt"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    config = config_of(assignment="likelihood", likelihood=file)
    with pytest.raises(DataError, match=message) as raised:
        draw_groups(config, MEMBERS)
    assert str(raised.value).startswith("deletion.likelihood: ")
    assert "\n" not in str(raised.value)


def test_likelihoods_go_with_their_assignment_alone(tmp_path):
    for settings in ({"assignment": "likelihood"}, {"likelihood": tmp_path / "likely.txt"}):
        with pytest.raises(ValueError, match="likelihood goes with assignment: likelihood"):
            config_of(**settings)


def test_a_group_may_be_the_whole_in_slices():
    (group,) = draw_groups(config_of(groups=1, slices=4), MEMBERS)
    assert np.array_equal(group.records, MEMBERS)
    assert group.untouched(group.slices[2][:1]) == 2
    assert Group((MEMBERS[:3], MEMBERS[3:5])).without(MEMBERS[:3]).slices[0].tolist() == []


def test_draws_of_a_ratio_differ_and_the_first_is_the_only_one_there_was():
    (alone,) = requests(ratios=[0.1])
    drawn = requests(ratios=[0.1, 0.2], draws=3)
    assert [request.name for request in drawn] == [
        "10%", "20%", "10% draw 2", "20% draw 2", "10% draw 3", "20% draw 3",
    ]  # fmt: skip
    assert np.array_equal(drawn[0].deleted, alone.deleted)
    assert len({tuple(request.deleted) for request in drawn[::2]}) == 3


def test_shared_forget_sets_are_drawn_among_all_records_alike_for_all_targets():
    whole = np.sort(np.concatenate([MEMBERS, OTHERS]))
    halves = np.random.default_rng(0).permutation(whole)
    found = []
    for number, members in enumerate((np.sort(halves[:150]), np.sort(halves[150:]))):
        others = np.setdiff1d(whole, members)
        (request,) = requests(
            target=(f"target-{number:02d}",), members=members, others=others,
            ratios=[0.2], shared=True, groups=5,
        )  # fmt: skip
        assert np.isin(request.deleted, members).all()
        assert np.isin(request.unseen, others).all()
        assert np.array_equal(request.retained, np.setdiff1d(members, request.deleted))
        found.append(np.union1d(request.deleted, request.unseen))
    assert np.array_equal(*found)
    assert len(found[0]) == 60
    # Among members alone there is nobody unseen.
    (request,) = requests(ratios=[0.2])
    assert request.unseen is None


def test_the_most_exposed_go_first_and_none_before_exposure_is_known():
    exposure = np.full(400, np.nan)
    exposure[MEMBERS] = np.random.default_rng(0).normal(size=200)
    # So many targets that each record is in some and out of others.
    wanted = {"targets": 4, "ratios": [0.05], "choice": "exposed"}
    (request,) = requests(exposure=exposure, **wanted)
    assert request.name == "5% exposed"
    assert exposure[request.deleted].min() > exposure[request.retained].max()
    assert requests(**wanted) == []


def test_groups_speak_by_mean_by_vote_or_by_their_records():
    answers = [
        np.array([[0.6, 0.4, 0.0]], np.float32),
        np.array([[0.5, 0.4, 0.1]], np.float32),
        np.array([[0.0, 0.4, 0.6]], np.float32),
    ]
    assert aggregate(answers, "mean")[0] == pytest.approx([1.1 / 3, 0.4, 0.7 / 3])
    assert aggregate(answers, "vote")[0] == pytest.approx([2 / 3, 0, 1 / 3])
    assert aggregate(np.stack(answers), "vote")[0] == pytest.approx([2 / 3, 0, 1 / 3])
    weighted = aggregate(answers, "weighted", (2, 1, 1))
    assert weighted.dtype == np.float32
    assert weighted[0] == pytest.approx([1.7 / 4, 0.4, 0.7 / 4])
    assert np.array_equal(aggregate(answers, "weighted", (5, 5, 5)), aggregate(answers, "mean"))
    # A group that lost nearly all its records has nearly no say.
    assert aggregate(answers, "weighted", (1, 1, 10**6))[0] == pytest.approx(
        answers[2][0], abs=1e-5
    )


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
