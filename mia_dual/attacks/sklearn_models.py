"""The shadow attack with scikit-learn's classifiers as attack models, one a class."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

from mia_dual.attacks.asked import Asked
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.evidence import Evidence
from mia_dual.attacks.features import Features
from mia_dual.attacks.references import References
from mia_dual.seeds import generator
from mia_dual.signals import confidences


class SklearnAttack:
    """Shokri et al. 2017, section VI: an attack model per class on confidence vectors."""

    needs = frozenset({Need.SHADOWS})
    by_target = False

    def __init__(self, model: str, features: Features, seed: int) -> None:
        self.name = f"shadow_{model}{features.suffix}"
        self._model, self._features, self._seed = model, features, seed

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        return {"name": self.name, "seed": self._seed, "scikit-learn": version("scikit-learn")}

    def fit(self, references: References) -> SklearnScorer:
        """Fit a classifier for each class."""
        shadows = references.shadows
        return SklearnScorer(
            shadows.evidence, shadows.audited_labels, self._model, self._features, self._seed
        )


class SklearnScorer:
    """The fitted classifiers; ``labels`` are those of the audited records."""

    def __init__(
        self, evidence: Evidence, labels: np.ndarray, model: str, features: Features, seed: int
    ) -> None:
        self._labels, self._features = labels, features
        self._models = {}
        self._known = Known(np.empty(len(evidence.labels)), evidence.membership)
        vectors, parts = features.of(evidence.confidences), features.parts(evidence.labels)
        # scikit-learn takes a second to import, and a finished run asks nothing of it. Threads of
        # its libraries can be limited once those are there.
        import_module("sklearn")
        from threadpoolctl import threadpool_limits

        # Sums that are split among threads round otherwise, and threads wait for small ones longer
        # than these take.
        with threadpool_limits(limits=1):
            for label in np.unique(parts):
                rows = parts == label
                classifier = _classifier(model, seed, int(label))
                classifier.fit(vectors[rows], evidence.membership[rows])
                self._models[int(label)] = classifier
                self._known.scores[rows] = _of_own(classifier, vectors[rows])

    def known(self) -> Known:
        """Of the evidence; a forest's trees are asked about what each was not grown on."""
        return self._known

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """Probability of membership; see :class:`mia_dual.attacks.base.Scorer`."""
        vectors = self._features.of(confidences(asked.logits(rows)))
        labels = self._features.parts(self._labels[rows])
        scores = np.empty(vectors.shape[:2])
        for label in np.unique(labels):
            chosen = labels == label
            # One by one: a product of more rows rounds otherwise, and a score would depend on
            # what else is scored.
            for row, said in zip(scores, vectors):
                row[chosen] = self._models[int(label)].predict_proba(said[chosen])[:, 1]
        return scores


def _classifier(model: str, seed: int, label: int) -> Any:
    if model == "logistic_regression":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000)
    from sklearn.ensemble import RandomForestClassifier

    state = int(generator(seed, "attack", model, f"class-{label}").integers(2**31))
    # Leaves of several records, or the forest's shares would be 0 and 1 and little between.
    return RandomForestClassifier(
        n_estimators=100, min_samples_leaf=5, oob_score=True, random_state=state
    )


def _of_own(classifier: Any, vectors: np.ndarray) -> np.ndarray:
    """Probability of membership of the ``vectors`` that ``classifier`` was fitted on."""
    if hasattr(classifier, "oob_decision_function_"):
        found: np.ndarray = classifier.oob_decision_function_[:, 1]
        return found
    scores: np.ndarray = classifier.predict_proba(vectors)[:, 1]
    return scores
