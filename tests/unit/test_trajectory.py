"""The attack on loss trajectories, on trajectories whose truth is known."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mia_dual.attacks.trajectory import TrajectoryModel
from mia_dual.errors import DataError
from mia_dual.seeds import generator


def drawn(name, count=1000, members=500, gap=1.0):
    """Hard and easy records: a member's loss under the model is smaller than its student's says."""
    rng = generator(0, "trajectory", name)
    inside = np.arange(count) < members
    hardness = rng.normal(0, 2, (count, 1))
    logs = hardness - np.linspace(0, 1, 6) + rng.normal(0, 0.3, (count, 6))
    logs[:, -1] -= gap * inside
    return np.exp(logs), inside


def fitted(**kind):
    shadows = [drawn(f"shadow-{number}", **kind) for number in range(3)]
    return TrajectoryModel(*zip(*shadows))


def test_the_way_there_tells_what_the_end_alone_does_not():
    losses, inside = drawn("target")
    scores = fitted().scores(losses)
    assert scores.dtype == np.float64
    assert ((scores > 0) & (scores < 1)).all()
    assert roc_auc_score(inside, scores) > 0.9
    end = TrajectoryModel(*zip(*[(one[:, -1:], who) for one, who in [drawn("shadow-0")]]))
    assert roc_auc_score(inside, end.scores(losses[:, -1:])) < 0.7
    assert np.array_equal(fitted().scores(losses), scores)
    shuffled = generator(0, "order").permutation(len(losses))
    assert np.allclose(fitted().scores(losses[shuffled]), scores[shuffled], rtol=1e-12)


def test_scores_are_for_even_odds_whatever_shadows_were_asked_about():
    losses, inside = drawn("target")
    for members in (100, 500, 900):
        called = fitted(members=members).scores(losses) > 0.5
        assert (called == inside).mean() > 0.8
        assert called.mean() == pytest.approx(0.5, abs=0.1)


def test_nothing_to_learn_gives_even_odds():
    flat = np.full((10, 4), 80.0)
    model = TrajectoryModel([flat], [np.arange(10) < 5])
    assert model.scores(flat) == pytest.approx(0.5)
    assert model.scores(np.zeros((3, 4))) == pytest.approx(0.5)


@pytest.mark.parametrize("members", [0, 20])
def test_members_and_others_are_needed(members):
    losses, inside = drawn("one kind", count=20, members=members)
    with pytest.raises(DataError, match=f"{members} members and {20 - members} non-") as caught:
        TrajectoryModel([losses], [inside])
    assert "\n" not in str(caught.value)
