"""What approximate methods train on: shares, targets, masks and steps, done by hand."""

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.deletion.approximate import SALIENT, TREATMENTS, Case
from mia_dual.deletion_settings import DeletionSettings
from mia_dual.errors import NetworkError
from mia_dual.interface import NO_RECORD, Capability, NetworkSpec
from mia_dual.plan.draft import draft_plan
from mia_dual.plan.plan import COMPARED
from mia_dual.seeds import generator
from mia_dual.training.family import Family, Member
from mia_dual.training_settings import TrainingSettings
from mia_dual.walks.approximations import check_treatable, outlined_members, treated_models

FORGET, RETAIN = np.array([2, 7]), np.array([1, 3, 4, 5, 8])
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
SAID = np.tile(np.array([0.5, 0.3, 0.2], np.float32), (len(LABELS), 1))
TRAINING = TrainingSettings(epochs=20, batch_size=2, learning_rate=0.5, momentum=0.0)
GRADIENT = {
    "a": np.array([[0.0, -4.0], [1.0, 2.0]], np.float32),
    "b": np.array([0.0, 0.0, -3.0], np.float32),
}


def case(gradient=None, forget=FORGET, **settings):
    return Case(
        forget=forget,
        retain=RETAIN,
        labels=LABELS,
        classes=3,
        training=TRAINING,
        settings=DeletionSettings.model_validate(settings),
        said=lambda rows: SAID[rows],
        gradient=gradient,
        rng=generator(0, "case"),
    )


def family(classes=3, **settings):
    training = TRAINING.model_copy(update=settings)
    return Family(NetworkSpec("fcnet", (4,), classes), training, "digest", lambda: None)


def trained_on(treatment):
    """Batches, shares and rates of the training, a row a step."""
    member = Member("m", 0, treatment.segments, treatment.targets)
    batches, shares = family().batches(member)
    rates = np.repeat(family().rates(member), np.diff([0, *family().ends(member)]))
    return batches, shares, rates


def test_every_method_that_trains_has_a_treatment():
    assert {"reference", "nothing", *TREATMENTS} == set(COMPARED)
    assert set(TREATMENTS) >= SALIENT


@pytest.mark.parametrize(("method", "epochs"), [("fine_tune", 2), ("warm_start", 20)])
def test_going_on_sees_the_retain_set_alone(method, epochs):
    treatment = TREATMENTS[method](case())
    batches, shares, rates = trained_on(treatment)
    # Five records in batches of two: the one left over has no batch of its own.
    assert batches.shape == (epochs * 2, 2)
    assert set(batches.ravel()) <= set(RETAIN.tolist())
    assert shares is None
    assert treatment.targets is None
    assert treatment.mask is None
    assert (rates == 0.5).all()


def test_neg_grad_plus_weighs_each_side_by_its_share_in_every_step():
    treatment = TREATMENTS["neg_grad_plus"](case(neg_grad_plus={"retain_share": 0.75}))
    batches, shares, rates = trained_on(treatment)
    assert batches.shape == (4, 4)
    assert np.isin(batches[:, :2], RETAIN).all()
    # A forget set of one batch comes whole, each time.
    assert (np.sort(batches[:, 2:], axis=1) == FORGET).all()
    assert shares == pytest.approx(np.tile([0.375, 0.375, -0.125, -0.125], (4, 1)))
    assert (rates == 0.5).all()


def test_neg_grad_plus_takes_a_forget_set_larger_than_a_batch_in_turn():
    many = np.array([0, 2, 6, 7, 9])
    batches, shares, _ = trained_on(TREATMENTS["neg_grad_plus"](case(forget=many)))
    risen = batches[:, 2:].ravel()
    assert risen[:5].tolist() != many.tolist()
    assert sorted(risen[:5]) == many.tolist()
    assert shares[:, 2:] == pytest.approx(np.full((4, 2), -0.05))


def test_scrub_leaves_what_it_said_of_the_forget_set_and_keeps_to_it_and_labels_elsewhere():
    settings = {"epochs": 3, "rising_epochs": 2, "learning_rate": 0.25, "teacher_weight": 1.0}
    treatment = TREATMENTS["scrub"](case(scrub={**settings, "label_weight": 3.0}))
    batches, shares, rates = trained_on(treatment)
    sides = ["up" if np.isin(step[step != NO_RECORD], FORGET).all() else "down" for step in batches]
    assert sides == ["up", "down", "down", "up", "down", "down", "down", "down"]
    for side, step, share in zip(sides, batches, shares):
        # One over the batch's records, times minus one, or the weight of both terms.
        each = -0.5 if side == "up" else 4 / 2
        assert share[step != NO_RECORD] == pytest.approx([each, each])
        assert (share[step == NO_RECORD] == 0).all()
    assert (rates == 0.25).all()
    said = dict(zip(treatment.targets.rows.tolist(), treatment.targets.distributions))
    assert sorted(said) == sorted([*FORGET, *RETAIN])
    assert said[2] == pytest.approx([0.5, 0.3, 0.2])
    # (1 x what it said + 3 x the label) / 4, for record 4 of class 1.
    assert said[4] == pytest.approx([0.125, 0.825, 0.05])


def test_scrub_of_more_rising_epochs_than_epochs_rises_in_all():
    treatment = TREATMENTS["scrub"](case(scrub={"epochs": 2, "rising_epochs": 9}))
    assert [one.share for one in treatment.segments] == [-1.0, 1.5, -1.0, 1.5]


def test_salun_teaches_other_labels_to_the_weights_that_the_forget_set_pulls_at():
    treatment = TREATMENTS["salun"](case(GRADIENT, salun={"epochs": 2, "saliency": 0.4}))
    batches, shares, rates = trained_on(treatment)
    assert shares is None
    # Seven records, of which one is left over in each epoch.
    assert batches.shape == (6, 2)
    assert {*FORGET} & {*batches.ravel()}
    assert (rates == 0.05).all()
    assert treatment.targets.rows.tolist() == FORGET.tolist()
    wrong = treatment.targets.distributions
    assert (wrong.sum(axis=1) == 1).all()
    assert set(wrong.ravel()) == {0, 1}
    assert (wrong.argmax(axis=1) != LABELS[FORGET]).all()
    # 40 % of seven values are three: 4, 3 and 2.
    assert treatment.mask["a"].tolist() == [[False, True], [False, True]]
    assert treatment.mask["b"].tolist() == [False, False, True]


def test_salun_trains_no_weight_at_which_nothing_pulls():
    mask = TREATMENTS["salun"](case(GRADIENT, salun={"saliency": 1.0})).mask
    for name, part in GRADIENT.items():
        assert np.array_equal(mask[name], part != 0)


def planned(network="fcnet", ratio=0.1, **deletion):
    settings = {
        "split": {"target_members": 100, "target_non_members": 100, "shadow_members": 100},
        "target": {"network": network, "epochs": 20, "batch_size": 10},
        "shadows": {"count": 2},
        "deletion": {"ratios": [ratio], "methods": ["full"], **deletion},
    }
    config = Config.model_validate(settings)
    labels = np.arange(600) % 10
    return config, labels, draft_plan(config, labels, classes=10)


def test_what_models_will_take_is_known_before_what_they_go_on_from():
    config, labels, plan = planned(approximate=["nothing", *TREATMENTS])
    digits = family(classes=10, epochs=20, batch_size=10)
    members = outlined_members(plan, config, labels, digits)
    steps = {name: digits.steps(member) for name, member in members.items()}
    assert treated_models(plan).keys() == steps.keys()
    # 90 retained and 10 forgotten records in batches of 10 and, where SCRUB rises, of 32.
    assert steps == {
        "fine_tune-10pct": 2 * 9,
        "warm_start-10pct": 20 * 9,
        "neg_grad_plus-10pct": 2 * 9,
        "scrub-10pct": 4 * 9 + 2,
        "salun-10pct": 10 + 1,
    }


class Engine:
    """As much of an engine as is looked at where a network of ours would be trained by steps."""

    def __init__(self, capabilities):
        self.name, self.capabilities, self.backend = "some", capabilities, None


@pytest.mark.parametrize("method", ["scrub", "salun"])
def test_a_lone_record_is_refused_where_a_network_normalises(method):
    config, _, plan = planned("resnet18", 0.01, approximate=[method])
    images = Family(NetworkSpec("resnet18", (1, 8, 8), 10), config.target, "", lambda: None)
    with pytest.raises(NetworkError, match=f"normalises over each batch, and '{method}-1pct'"):
        check_treatable(plan, config, images, Engine(frozenset(Capability)))
    config, _, plan = planned("resnet18", 0.02, approximate=[method])
    check_treatable(plan, config, images, Engine(frozenset(Capability)))
    config, _, plan = planned("fcnet", 0.01, approximate=[method])
    check_treatable(plan, config, family(), Engine(frozenset(Capability)))
