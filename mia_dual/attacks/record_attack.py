"""An attack on single records, with all that a walk must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mia_dual.attacks.base import Need
from mia_dual.attacks.panel import Score
from mia_dual.attacks.views import OfLogits, View


@dataclass(frozen=True)
class RecordAttack:
    """``score`` on panels of ``signal``, a name of :data:`mia_dual.signals.SIGNALS`.

    Where there are ``through``, panels are of these views instead, and ``signal`` is their name;
    of several the mean of what ``score`` gives is taken
    (:func:`mia_dual.attacks.over_queries.over_queries`).
    ``settings`` are what ``score`` was made from, values that JSON can hold. Where ``needs`` are
    not met it may raise ValueError.
    """

    name: str
    signal: str
    score: Score
    needs: frozenset[Need]
    settings: Mapping[str, Any] = field(default_factory=dict)
    through: tuple[View, ...] = ()

    @property
    def views(self) -> tuple[View, ...]:
        """What its panels are of, one each."""
        return self.through or (OfLogits(self.signal),)

    def describe(self) -> dict[str, Any]:
        """All that its scores depend on beside panels; values that JSON can hold."""
        found: dict[str, Any] = {
            "name": self.name,
            "signal": self.signal,
            "settings": dict(self.settings),
        }
        if self.through:
            found["through"] = [view.describe() for view in self.through]
        return found
