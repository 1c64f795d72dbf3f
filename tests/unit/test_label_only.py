"""What is made of labels and of several queries."""

import numpy as np
import pytest

from mia_dual.attacks.label_only import rightly_called, share_kept
from mia_dual.attacks.looking import as_it_is
from mia_dual.attacks.over_queries import over_queries
from mia_dual.attacks.panel import Panel


def test_nothing_but_the_predicted_label_counts():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 2, 50, 4)).astype(np.float32)
    labels = rng.integers(0, 4, 50)
    right = rightly_called(logits, labels)
    np.testing.assert_array_equal(right, logits.argmax(axis=-1) == labels)
    scale = rng.uniform(0.1, 10, size=(3, 2, 50, 1))
    np.testing.assert_array_equal(rightly_called(logits * scale + 5, labels), right)
    # Nor what classes are called.
    names = rng.permutation(4)
    np.testing.assert_array_equal(rightly_called(logits[..., np.argsort(names)], names[labels]),
                                  right)  # fmt: skip


def test_a_tie_is_no_call_whichever_class_comes_first():
    logits = np.array([[1.0, 1.0, 0.0], [0.0, np.inf, 1.0], [np.inf, np.inf, 0.0]])
    assert rightly_called(logits, np.array([0, 1, 0])).tolist() == [False, True, False]
    assert rightly_called(logits, np.array([1, 1, 1])).tolist() == [False, True, False]


def test_the_share_of_kept_labels():
    right = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0]], bool)
    assert share_kept(right).tolist() == [1.0, 0.5, 0.0]


def panel(target):
    target = np.asarray(target, np.float64)
    nothing = np.empty((0, len(target)))
    return Panel(target, nothing, nothing.astype(bool), np.zeros(len(target), np.int64))


def test_queries_are_averaged_each_with_its_own_population():
    def gap(asked, population):
        return asked.target - population.target.mean()

    panels, populations = [panel([1, 2]), panel([3, 8])], [panel([0, 1]), panel([2, 2])]
    assert over_queries(gap, panels, populations).tolist() == [0.75, 3.75]
    np.testing.assert_array_equal(
        over_queries(gap, panels[:1], populations[:1]), gap(panels[0], populations[0])
    )


def test_more_queries_tell_members_better():
    """Gaussian signals of known overlap: independent queries add their evidence."""
    from mia_dual import metrics

    rng = np.random.default_rng(0)
    member = np.arange(4000) < 2000
    panels = [panel(rng.normal(size=4000) + member) for _ in range(9)]
    one, nine = (
        metrics.auc(member, over_queries(as_it_is, panels[:count], [None] * count))
        for count in (1, 9)
    )
    # Phi(sqrt(queries / 2)).
    assert one == pytest.approx(0.760, abs=0.02)
    assert nine == pytest.approx(0.983, abs=0.01)
