"""What every attack is: fitted on reference models of known membership, then asked for scores."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

import numpy as np

from mia_dual.attacks.references import References


class Need(Enum):
    """What an attack cannot do without; the value says what it is."""

    SHADOWS = "shadow models whose members and non-members are known"
    OUT = "reference models that were trained without the record, and asked about it"
    IN = "reference models that were trained with the record, and asked about it"
    POPULATION = "records that the target never saw, and that all models were asked about"
    ATTACK_MODELS = "a backend that trains attack models"
    FEATURES = "the records themselves, and not only what models say of them"
    QUERIES = "models that can be asked about altered records"
    GRADIENTS = "a backend that gives gradients by record"
    TRAINING = "a backend that trains more models, which see what the target answers"


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
