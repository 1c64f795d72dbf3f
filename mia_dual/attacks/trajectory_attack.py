"""Loss trajectories as an attack: shadows and versions under attack are distilled together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, Optional

import numpy as np

from mia_dual.attack_settings import TrajectorySettings
from mia_dual.attacks.asked import Asked, Means
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.evidence import balance
from mia_dual.attacks.references import References, Shadows
from mia_dual.attacks.trajectory import TrajectoryModel
from mia_dual.deletion.versions import version_logits
from mia_dual.training.distil import Teacher, trajectories

PARTS = 8
"""Shadows in so many parts at most are held out in turn where thresholds are fitted."""


class TrajectoryAttack:
    """Liu et al. 2022; see :mod:`mia_dual.attacks.trajectory`.

    Students are of the target's family, whatever their teacher is: a shadow or a version of a
    target, either of which may be several models that answer together.
    """

    name = "trajectory"
    needs = frozenset({Need.SHADOWS, Need.TRAINING})
    by_target = False

    def __init__(self, settings: TrajectorySettings) -> None:
        self._settings = settings

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        settings = self._settings.model_dump()
        return {"name": self.name, **settings, "scikit-learn": version("scikit-learn")}

    def fit(self, references: References) -> TrajectoryScorer:
        """Nothing is distilled yet, so that shadows and versions can be in one call."""
        if references.means is None:
            raise ValueError(f"trajectory needs {Need.TRAINING.value}")
        return TrajectoryScorer(references.shadows, references.means, self._settings.epochs)


class TrajectoryScorer:
    """The shadows, and their trajectories once they are distilled."""

    def __init__(self, shadows: Shadows, means: Means, epochs: int) -> None:
        self._labels, self._means, self._epochs = shadows.labels, means, epochs
        self._shadows: dict[str, Teacher] = {}
        self._inside: list[np.ndarray] = []
        chosen = balance(shadows.memberships, shadows.labels, shadows.seed)
        for shadow, membership in zip(shadows.versions, chosen):
            rows = np.sort(membership.rows)
            # A shadow that has no class on both sides has nothing to teach.
            if len(rows):
                said = partial(version_logits, shadow, shadows.answers)
                self._shadows[f"{shadows.prefix}{shadow.name}"] = Teacher(said, rows)
                self._inside.append(np.isin(rows, membership.members))
        self._taught: Optional[list[np.ndarray]] = None

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """Probability of membership; see :class:`mia_dual.attacks.base.Scorer`."""
        versions = {
            version.name: Teacher(partial(version_logits, version, asked.answers), rows)
            for version in asked.versions
        }
        found = self._distil({**self._shadows, **versions})
        self._taught = [found[name] for name in self._shadows]
        model = TrajectoryModel(self._taught, self._inside)
        return np.stack([model.scores(found[name]) for name in versions])

    def known(self) -> Known:
        """Of shadows' evidence, each shadow scored by a model that others taught; one that has no
        others by its own, whose few coefficients know it hardly too well.
        """
        if self._taught is None:
            self._taught = list(self._distil(self._shadows).values())
        taught = list(zip(self._taught, self._inside))
        scores, membership = [], []
        for part in range(min(PARTS, len(taught))):
            held = taught[part::PARTS]
            others = [one for place, one in enumerate(taught) if place % PARTS != part]
            model = TrajectoryModel(*zip(*(others or held)))
            scores += [model.scores(trajectory) for trajectory, _ in held]
            membership += [inside for _, inside in held]
        return Known(np.concatenate(scores), np.concatenate(membership))

    def _distil(self, teachers: Mapping[str, Teacher]) -> dict[str, np.ndarray]:
        means = self._means
        return trajectories(
            means.trainer,
            means.folder,
            means.family,
            teachers,
            means.plan.split.auxiliary,
            self._labels,
            self._epochs,
            means.plan.seed,
            means.progress,
        )
