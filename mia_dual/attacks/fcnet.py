"""The shadow attack with FCNet attack models, trained by the backend under audit."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from mia_dual.attacks.evidence import Evidence
from mia_dual.config import TrainingSettings
from mia_dual.interface import NetworkSpec, Records
from mia_dual.training.trainer import Recipe, Trainer


class FCNetAttack:
    """Shokri et al. 2017, section VI: an attack model per class on confidence vectors."""

    name = "shadow_fcnet"

    def __init__(self, evidence: Evidence, settings: TrainingSettings, trainer: Trainer) -> None:
        classes = evidence.confidences.shape[1]
        self._trainer = trainer
        self._recipe = Recipe(
            NetworkSpec("fcnet", (classes,), classes=2, hidden=settings.hidden), settings
        )
        self._models = trainer.train(
            "attack models",
            self._recipe,
            {
                f"attack-{label}": np.flatnonzero(evidence.labels == label)
                for label in range(classes)
            },
            Records(evidence.confidences, evidence.membership.astype(np.int64)),
        )

    def scores(self, confidences: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Probability of membership; see :class:`mia_dual.attacks.base.Attack`."""
        records = Records(confidences, np.zeros(len(labels), np.int64))
        logits = self._trainer.query(self._recipe, list(self._models.values()), records)
        chosen = logits[labels, np.arange(len(labels))].astype(np.float64)
        scores: np.ndarray = softmax(chosen, axis=1)[:, 1]
        return scores
