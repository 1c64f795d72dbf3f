"""What every attack is: fitted on reference models of known membership, then asked for scores."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Optional, Protocol

import numpy as np

from mia_dual.attacks.asked import Asked
from mia_dual.attacks.references import References


class Need(Enum):
    """What an attack cannot do without; the value says what it is."""

    SHADOWS = "shadow models whose members and non-members are known"
    OUT = "reference models that were trained without the record, and asked about it"
    IN = "reference models that were trained with the record, and asked about it"
    POPULATION = "records that the target never saw, and that all models were asked about"
    PROXIES = "records of any kind that some reference models were trained on, and asked about"
    ATTACK_MODELS = "a backend that trains attack models"
    FEATURES = "the records themselves, and not only what models say of them"
    QUERIES = "models that can be asked about altered records"
    GRADIENTS = "a backend that gives gradients by record"
    SINGLE = "references of one model each, as those that it trains itself"
    TRAINING = "a backend that trains more models, which see what the target answers"


@dataclass(frozen=True)
class Known:
    """Scores of references, as if each were the target: ``scores`` (n,) float64, each of a
    reference and record of known ``membership`` (n,) bool.
    """

    scores: np.ndarray
    membership: np.ndarray


class Scorer(Protocol):
    """A fitted attack, from references alone; a target's memberships never reach it."""

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """How much each record looks like a member: (versions, records) float64, finite.

        The higher, the more; what is high enough to call a record a member, references say.
        ``asked`` are the versions under attack; ``rows`` (records,) are audited records.
        """
        ...

    def known(self) -> Optional[Known]:
        """The same of references, for thresholds to be fitted on; None where it needs none."""
        ...


class Attack(Protocol):
    """An attack and its settings, not fitted yet.

    ``by_target``: whether it looks at what references say of the very records it scores, and so
    is fitted for each target anew, on all models but that one.
    """

    name: str
    needs: frozenset[Need]
    by_target: bool

    def describe(self) -> dict[str, Any]:
        """All that its scores depend on beside references and what is scored: name, settings,
        seed, versions of libraries; values that JSON can hold.
        """
        ...

    def fit(self, references: References) -> Scorer:
        """Learn from ``references``."""
        ...
