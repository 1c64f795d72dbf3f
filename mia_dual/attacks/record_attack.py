"""An attack on single records: a pure function of panels, by name, with what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mia_dual.attacks.base import Need
from mia_dual.attacks.panel import Score
from mia_dual.interface import Option


@dataclass(frozen=True)
class RecordAttack:
    """``score`` on the signal of that name (see :data:`mia_dual.signals.SIGNALS`).

    ``settings``: all that ``score`` depends on beside its panels.
    """

    name: str
    signal: str
    score: Score
    needs: frozenset[Need]
    settings: Mapping[str, Option] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """All that scores depend on beside panels, as values that JSON can hold."""
        return {"name": self.name, "signal": self.signal, **self.settings}
