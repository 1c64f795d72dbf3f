"""The shadow attack with scikit-learn's classifiers as attack models, one a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from mia_dual.attacks.evidence import Evidence
from mia_dual.seeds import generator


class SklearnAttack:
    """Shokri et al. 2017, section VI: an attack model per class on confidence vectors."""

    def __init__(self, model: str, evidence: Evidence, seed: int) -> None:
        self.name = f"shadow_{model}"
        self._models = {}
        for label in np.unique(evidence.labels):
            rows = evidence.labels == label
            classifier = _classifier(model, seed, int(label))
            classifier.fit(evidence.confidences[rows], evidence.membership[rows])
            self._models[int(label)] = classifier

    def scores(self, confidences: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Probability of membership; see :class:`mia_dual.attacks.base.Attack`."""
        scores = np.empty(len(labels))
        for label in np.unique(labels):
            rows = labels == label
            scores[rows] = self._models[int(label)].predict_proba(confidences[rows])[:, 1]
        return scores


def _classifier(model: str, seed: int, label: int) -> Any:
    if model == "logistic_regression":
        return LogisticRegression(max_iter=1000)
    state = int(generator(seed, "attack", model, f"class-{label}").integers(2**31))
    # Leaves of several records, or the forest's shares would be 0 and 1 and little between.
    return RandomForestClassifier(n_estimators=100, min_samples_leaf=5, random_state=state)
