"""What of a model a signal is worked out from: its logits, or something that takes more asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Protocol

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.asked import Means
from mia_dual.deletion.versions import version_logits
from mia_dual.plan.plan import Version
from mia_dual.signals import SIGNALS


class View(Protocol):
    """A signal with what it looks at. Panels of one view are all of the same signal."""

    def describe(self) -> dict[str, Any]:
        """All that the signal depends on beside models, records and labels; JSON can hold it."""
        ...

    def of(
        self,
        version: Version,
        answers: Answers,
        means: Optional[Means],
        rows: np.ndarray,
        labels: np.ndarray,
    ) -> np.ndarray:
        """The signal of ``version`` (a reference is one of one model): (rows,) float64, finite.

        ``rows``: record indices that its models were asked about; ``labels`` (rows,) are theirs.
        ``means`` ask for what is not in ``answers``. What references stand in for is compared
        with what targets give: where signals are often equal, they are values of float32.
        """
        ...


@dataclass(frozen=True)
class OfLogits:
    """One of :data:`mia_dual.signals.SIGNALS`, of logits of the records as they are."""

    signal: str

    def describe(self) -> dict[str, Any]:
        """See :class:`View`."""
        return {"signal": self.signal}

    def of(
        self,
        version: Version,
        answers: Answers,
        means: Optional[Means],
        rows: np.ndarray,
        labels: np.ndarray,
    ) -> np.ndarray:
        """See :class:`View`; it needs no ``means``."""
        return SIGNALS[self.signal](version_logits(version, answers, rows), labels)


def need_means(means: Optional[Means]) -> Means:
    """``means``; ValueError where there are none, for a view that was not to be looked through."""
    if means is None:
        raise ValueError("models whose outputs are given cannot be asked for more")
    return means
