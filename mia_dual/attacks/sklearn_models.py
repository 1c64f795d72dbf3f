"""The shadow attack with scikit-learn's classifiers as attack models, one a class."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

from mia_dual.attacks.base import Need
from mia_dual.attacks.evidence import Evidence
from mia_dual.attacks.references import References
from mia_dual.seeds import generator
from mia_dual.signals import confidences


class SklearnAttack:
    """Shokri et al. 2017, section VI: an attack model per class on confidence vectors."""

    needs = frozenset({Need.SHADOWS})

    def __init__(self, model: str, seed: int) -> None:
        self.name = f"shadow_{model}"
        self._model, self._seed = model, seed

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        return {"name": self.name, "seed": self._seed, "scikit-learn": version("scikit-learn")}

    def fit(self, references: References) -> SklearnScorer:
        """Fit a classifier for each class."""
        return SklearnScorer(
            references.evidence, references.audited_labels, self._model, self._seed
        )


class SklearnScorer:
    """The fitted classifiers; ``labels`` are those of the audited records."""

    def __init__(self, evidence: Evidence, labels: np.ndarray, model: str, seed: int) -> None:
        self._labels = labels
        self._models = {}
        for label in np.unique(evidence.labels):
            rows = evidence.labels == label
            classifier = _classifier(model, seed, int(label))
            classifier.fit(evidence.confidences[rows], evidence.membership[rows])
            self._models[int(label)] = classifier

    def scores(self, logits: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Probability of membership; see :class:`mia_dual.attacks.base.Scorer`."""
        vectors = confidences(logits)
        labels = self._labels[rows]
        scores = np.empty(vectors.shape[:2])
        for label in np.unique(labels):
            chosen = labels == label
            # One by one: a product of more rows rounds otherwise, and a score would depend on
            # what else is scored.
            for row, asked in zip(scores, vectors):
                row[chosen] = self._models[int(label)].predict_proba(asked[chosen])[:, 1]
        return scores


def _classifier(model: str, seed: int, label: int) -> Any:
    # scikit-learn takes a second to import, and a finished run asks nothing of it.
    if model == "logistic_regression":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000)
    from sklearn.ensemble import RandomForestClassifier

    state = int(generator(seed, "attack", model, f"class-{label}").integers(2**31))
    # Leaves of several records, or the forest's shares would be 0 and 1 and little between.
    return RandomForestClassifier(n_estimators=100, min_samples_leaf=5, random_state=state)
