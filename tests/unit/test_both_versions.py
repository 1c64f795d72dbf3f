"""An attacker who holds a model of before a deletion and the one of after."""

import numpy as np
import pytest

from mia_dual.data.load import load_dataset
from mia_dual.engine import Engine
from mia_dual.forgetting.both_versions import (
    CONSTRUCTIONS,
    FORGOTTEN,
    RETAINED,
    UNSEEN,
    attack_both_versions,
)
from mia_dual.metrics import auc
from mia_dual.training.family import Member
from mia_dual.training.jobs import first_state, make_job
from mia_dual.training.planned import dataset_family
from mia_dual.training_settings import TrainingSettings

TARGETS, RECORDS, EPOCHS = 6, 400, 40


@pytest.fixture(scope="module")
def deletions():
    """Before, after, labels, state: a fifth of each target's members deleted by retraining."""
    digits = load_dataset("digits")
    settings = TrainingSettings(network="fcnet", hidden=64, epochs=EPOCHS, learning_rate=0.05)
    family, backend = dataset_family(settings, None, digits), Engine("torch", "cpu").backend
    rng = np.random.default_rng(0)
    order = np.argsort(rng.random((TARGETS, RECORDS)), axis=1)
    state = np.where(order < 40, FORGOTTEN, np.where(order < 200, RETAINED, UNSEEN))
    members = [
        Member.of(f"{version}-{target}", np.flatnonzero(kept), EPOCHS, 0)
        for version, inside in (("before", state != UNSEEN), ("after", state == RETAINED))
        for target, kept in enumerate(inside)
    ]
    jobs = [
        make_job(family, member, member.name, first_state(family, member, backend), 0, ())
        for member in members
    ]
    trained = backend.train(family.spec, family.optimizer, jobs, family.records, lambda steps: None)
    weights = {kept.name: kept.state.weights for kept in trained}
    models = [weights[member.name] for member in members]
    rows = np.tile(np.arange(RECORDS), (len(models), 1))
    logits = backend.logits(family.spec, models, family.records, rows)
    return logits[:TARGETS], logits[TARGETS:], digits.labels[:RECORDS], state


@pytest.fixture(scope="module")
def attacked(deletions):
    return attack_both_versions(*deletions)


def success(scores, state):
    asked = ~np.isnan(scores)
    return auc(state[asked] == FORGOTTEN, scores[asked])


def test_who_holds_both_versions_finds_what_exact_retraining_deleted(deletions, attacked):
    state = deletions[3]
    # Of 240 forgotten and 1,200 unseen pairs the AUC of no knowledge has a deviation of .02.
    assert success(attacked.fall_unseen, state) > 0.57
    assert success(attacked.fall_retained, state) > 0.57
    assert success(attacked.two_unseen, state) > 0.57
    assert success(attacked.three.unseen, state) > 0.57
    assert success(attacked.three.retained, state) > 0.57
    assert attacked.three.balanced_accuracies.mean() > 1 / 3 + 0.05


def test_only_the_pair_is_scored(deletions, attacked):
    state = deletions[3]
    for scores in (attacked.fall_unseen, attacked.two_unseen, attacked.three.unseen):
        assert np.array_equal(np.isnan(scores), state == RETAINED)
    for scores in (attacked.fall_retained, attacked.three.retained):
        assert np.array_equal(np.isnan(scores), state == UNSEEN)


def test_where_nothing_changed_a_difference_says_nothing(deletions):
    before, _, labels, state = deletions
    found = attack_both_versions(before, before, labels, state, "sorted_difference")
    for scores in (found.fall_unseen, found.fall_retained, found.two_unseen, found.three.unseen):
        assert success(scores, state) == 0.5
    assert found.three.balanced_accuracies == pytest.approx(np.full(TARGETS, 1 / 3))


def test_a_targets_own_states_do_not_move_its_scores(deletions, attacked):
    before, after, labels, state = deletions
    other = state.copy()
    other[0, state[0] == FORGOTTEN] = UNSEEN
    other[0, np.flatnonzero(state[0] == UNSEEN)[:10]] = FORGOTTEN
    found = attack_both_versions(before, after, labels, other)
    kept = ~np.isnan(attacked.two_unseen[0])
    assert np.array_equal(found.two_unseen[0, kept], attacked.two_unseen[0, kept])
    assert not np.array_equal(found.two_unseen[1, kept], attacked.two_unseen[1, kept])


def test_records_left_out_are_neither_scored_nor_learnt_from(deletions):
    before, after, labels, state = deletions
    state = state.copy()
    state[:, 300:] = -1
    found = attack_both_versions(before, after, labels, state)
    alone = attack_both_versions(before[:, :300], after[:, :300], labels[:300], state[:, :300])
    assert np.isnan(found.three.unseen[:, 300:]).all()
    np.testing.assert_allclose(found.three.unseen[:, :300], alone.three.unseen, rtol=1e-6)
    np.testing.assert_array_equal(found.three.recalls, alone.three.recalls)


def test_one_target_has_the_score_without_a_fit_alone(deletions):
    before, after, labels, state = deletions
    found = attack_both_versions(before[:1], after[:1], labels, state[:1])
    assert success(found.fall_unseen, state[:1]) > 0.5
    assert found.two_unseen is None
    assert found.three is None


def test_without_retained_records_there_is_no_third_class(deletions):
    before, after, labels, state = deletions
    found = attack_both_versions(before, after, labels, np.where(state == RETAINED, -1, state))
    assert success(found.two_unseen, state) > 0.57
    assert found.three is None


def test_sorted_constructions_know_no_order_of_the_classes(deletions):
    before, after, labels, _ = deletions
    turned = (9 - labels)[:, None]
    for name, construction in CONSTRUCTIONS.items():
        same = np.allclose(
            construction(before, after, labels),
            construction(before[..., ::-1], after[..., ::-1], turned[:, 0]),
            atol=1e-6,
        )
        assert same == (not name.startswith("direct")), name
