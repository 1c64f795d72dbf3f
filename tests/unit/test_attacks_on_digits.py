"""Attacks on single records on real ones: scikit-learn's digits, learnt by heart."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.panel import Panel
from mia_dual.attacks.record_attack import RecordAttack
from mia_dual.metrics import auc, tpr_at_fpr
from mia_dual.seeds import generator
from mia_dual.signals import SIGNALS

MODELS, AUDITED, WIDTH = 33, 1400, 400
PLAIN = RecordAttack("loss", "log_odds", lambda panel, population: panel.target, frozenset())
ATTACKS = {
    "loss": PLAIN,
    **{a.name: a for family in FAMILIES.values() for a in family(FamilySettings())},
}


class Digits:
    """Ridge regressions on random features, each of half of the digits."""

    def __init__(self):
        images, self.labels = load_digits(return_X_y=True)
        rng = generator(0, "digits")
        features = images / 16 @ rng.normal(size=(64, WIDTH)) + rng.normal(size=WIDTH)
        features = np.maximum(features, 0) / 20
        records = len(images)
        self.inside = np.argsort(rng.random((MODELS, records)), axis=0) < MODELS // 2
        wanted = 8 * np.eye(10)[self.labels]
        logits = []
        for inside in self.inside:
            seen = features[inside]
            inner = seen.T @ seen + 0.01 * np.eye(WIDTH)
            logits.append(features @ np.linalg.solve(inner, seen.T @ wanted[inside]))
        logits = np.array(logits, np.float32)
        self.signals = {name: signal(logits, self.labels) for name, signal in SIGNALS.items()}

    def panel(self, signal, target, references, rows):
        values = self.signals[signal][:, rows]
        inside = self.inside[references][:, rows]
        return Panel(values[target], values[references], inside, self.labels[rows])

    def success(self, name, count, measure=auc):
        """The mean over a few targets of what an attack with so many references reaches."""
        attack, found = ATTACKS[name], []
        for target in range(0, MODELS, 8):
            references = [each for each in range(MODELS) if each != target][:count]
            rows = np.arange(AUDITED)
            others = np.arange(AUDITED, len(self.labels))
            others = others[~self.inside[target, others]]
            panels = (
                self.panel(attack.signal, target, references, each) for each in (rows, others)
            )
            found.append(measure(self.inside[target, rows], attack.score(*panels)))
        return np.mean(found)


@pytest.fixture(scope="module")
def digits():
    return Digits()


def test_online_outdoes_offline_and_that_a_threshold(digits):
    for family in ("lira", "bavaria"):
        online = digits.success(f"{family}_online", 32)
        offline = digits.success(f"{family}_offline", 32)
        assert online > offline + 0.05
        assert offline > digits.success("loss", 32) + 0.05
    for name in ("rmia_online", "rmia_offline", "base", "attack_r", "calibration", "pmia"):
        assert digits.success(name, 32) > digits.success("loss", 32) + 0.05


def test_more_references_tell_more(digits):
    for name in ("lira_online", "bavaria_online", "base", "rmia_online", "attack_r"):
        few, some, many = (digits.success(name, count) for count in (2, 8, 32))
        assert few < some < many


def test_few_references_are_best_used_by_what_was_made_for_few(digits):
    assert digits.success("rmia_online", 1) > digits.success("attack_r", 1) + 0.01
    assert digits.success("base", 1) > digits.success("lira_online", 1) + 0.03
    assert digits.success("bavaria_offline", 1) > digits.success("lira_offline", 1)


def test_low_rates_are_where_likelihoods_pay(digits):
    def found(name):
        return digits.success(name, 32, lambda *given: tpr_at_fpr(*given, 0.01))

    assert found("loss") < 0.01
    assert min(found("lira_online"), found("bavaria_online")) > 0.08
