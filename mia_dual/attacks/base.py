"""What every attack is: fitted on reference models of known membership, then asked for scores."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

import numpy as np

from mia_dual.attacks.references import References


class Need(Enum):
    """What an attack cannot do without; the value says what it is."""

    REFERENCES = "reference models that were trained without the records it scores"
    ATTACK_MODELS = "a backend that trains attack models"


class Scorer(Protocol):
    """A fitted attack. Its thresholds come from references; a target's memberships never reach
    it.
    """

    def scores(self, logits: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """How much each record looks like a member: (models, records) float64.

        The higher, the more; above .5 a record is called a member. ``logits`` (models, records,
        classes) float32 or float64, of ``rows`` (records,), indices of audited records.
        """
        ...


class Attack(Protocol):
    """An attack and its settings, not fitted yet."""

    name: str
    needs: frozenset[Need]

    def describe(self) -> dict[str, Any]:
        """All that its scores depend on beside references and what is scored: name, settings,
        seed, versions of libraries; values that JSON can hold.
        """
        ...

    def fit(self, references: References) -> Scorer:
        """Learn from ``references``."""
        ...
