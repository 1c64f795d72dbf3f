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


@dataclass(frozen=True)
class Scene:
    """The records looked at, and what is known of them: ``rows`` (record indices), their ``labels``
    (rows,) int64, the ``answers`` of the models looked at, each of which was asked about them, and
    the ``means`` that ask for what is not there; None where nothing can be asked.
    """

    rows: np.ndarray
    labels: np.ndarray
    answers: Answers
    means: Optional[Means]


class View(Protocol):
    """A signal with what it looks at. Panels of one view are all of the same signal."""

    def describe(self) -> dict[str, Any]:
        """All that the signal depends on beside models, records and labels; JSON can hold it."""
        ...

    def of(self, version: Version, scene: Scene) -> np.ndarray:
        """The signal of ``version``, a reference or one under attack: (rows,) float64, finite.

        What references stand in for is compared with what targets give: where signals are often
        equal, they are values of float32.
        """
        ...


@dataclass(frozen=True)
class OfLogits:
    """One of :data:`mia_dual.signals.SIGNALS`, of logits of the records as they are."""

    signal: str

    def describe(self) -> dict[str, Any]:
        """See :class:`View`."""
        return {"signal": self.signal}

    def of(self, version: Version, scene: Scene) -> np.ndarray:
        """See :class:`View`; it needs no ``means``."""
        logits = version_logits(version, scene.answers, scene.rows)
        return SIGNALS[self.signal](logits, scene.labels)


def need_means(means: Optional[Means]) -> Means:
    """``means``; ValueError where there are none, for a view that was not to be looked through."""
    if means is None:
        raise ValueError("models whose outputs are given cannot be asked for more")
    return means
