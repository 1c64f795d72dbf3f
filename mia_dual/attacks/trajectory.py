"""The attack on loss trajectories (Liu et al. 2022): from how losses fell to who is a member."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.errors import DataError

LEAST = 1e-3
"""Added to a loss before its logarithm is taken: what is far below is a matter of rounding."""


class TrajectoryModel:
    """Tells members' trajectories from others', having learnt it from all shadow models' (section
    4.3).

    ``trajectories``: for each shadow (records, checkpoints) float64 losses, the last under the
    shadow itself; see :func:`mia_dual.training.distil.trajectories`. ``membership``: for each
    (records,) bool, whether it was trained on the record. Raises DataError where all records are
    members, or none is.

    The paper's classifier is a multilayer perceptron on losses. A logistic regression on their
    logarithms found as much here in an eighth of the time, and more than either on losses as they
    are, since members' span orders of magnitude.
    """

    def __init__(
        self, trajectories: Sequence[np.ndarray], membership: Sequence[np.ndarray]
    ) -> None:
        # scikit-learn takes a second to import, and a finished run asks nothing of it.
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        inside = np.concatenate(list(membership))
        members, others = int(inside.sum()), int((~inside).sum())
        if not members or not others:
            raise DataError(
                f"shadow models were asked about {members} members and {others} non-members: the "
                "attack on loss trajectories learns from both"
            )
        # Half of the weight to each kind, whichever of them shadows have more records of.
        self._model = make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced")
        )
        self._model.fit(_features(np.concatenate(list(trajectories))), inside)

    def scores(self, trajectories: np.ndarray) -> np.ndarray:
        """Probability of membership, in a set where half are members: (records,) float64.

        ``trajectories``: (records, checkpoints) of one model.
        """
        scores: np.ndarray = self._model.predict_proba(_features(trajectories))[:, 1]
        return scores


def _features(trajectories: np.ndarray) -> np.ndarray:
    features: np.ndarray = np.log(trajectories + LEAST)
    return features
