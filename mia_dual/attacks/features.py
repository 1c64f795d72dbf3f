"""What an attack model looks at: a confidence vector, or what is left of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mia_dual.attack_settings import AttackFeature

TOP = 3
"""Confidences that ``top3`` keeps."""


@dataclass(frozen=True)
class Features:
    """``all`` confidences in the order of the classes, ``sorted`` from the largest, or the
    ``top3`` of them: of each class an attack model. ``unlabelled``: sorted, with one attack model
    for all, for an attacker who does not know a record's class (Salem et al. 2019, section IV).
    """

    name: AttackFeature

    @property
    def per_class(self) -> bool:
        """Whether each class has its own attack model."""
        return self.name != "unlabelled"

    @property
    def suffix(self) -> str:
        """What the names of attacks and attack models end with."""
        return "" if self.name == "all" else f"_{self.name}"

    def of(self, confidences: np.ndarray) -> np.ndarray:
        """(..., classes) float32 to (..., features) float32."""
        if self.name == "all":
            return confidences
        falling: np.ndarray = -np.sort(-confidences, axis=-1)
        return falling[..., :TOP] if self.name == "top3" else falling

    def parts(self, labels: np.ndarray) -> np.ndarray:
        """(records,) int64: which attack model each record of ``labels`` belongs to."""
        return labels if self.per_class else np.zeros_like(labels)
