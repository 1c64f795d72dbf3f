"""An attack on single records, with all that a walk must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mia_dual.attacks.base import Need
from mia_dual.attacks.panel import Score


@dataclass(frozen=True)
class RecordAttack:
    """``score`` on panels of ``signal``, a name of :data:`mia_dual.signals.SIGNALS`.

    ``settings`` are what ``score`` was made from, values that JSON can hold. Where ``needs`` are
    not met it may raise ValueError.
    """

    name: str
    signal: str
    score: Score
    needs: frozenset[Need]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """All that its scores depend on beside panels; values that JSON can hold."""
        return {"name": self.name, "signal": self.signal, "settings": dict(self.settings)}
