"""From pure functions of panels to attacks that are fitted on references and score targets."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from mia_dual.attacks.asked import Asked
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.over_queries import over_queries
from mia_dual.attacks.panel import Panel
from mia_dual.attacks.record_attack import RecordAttack
from mia_dual.attacks.references import References, Signals
from mia_dual.attacks.table import SignalTable
from mia_dual.attacks.views import View
from mia_dual.plan.plan import Version


class OnRecords:
    """An attack on single records: what it is told of each is a row of a panel."""

    by_target = True

    def __init__(self, attack: RecordAttack) -> None:
        self._attack = attack
        self.name, self.needs = attack.name, attack.needs

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        return self._attack.describe()

    def fit(self, references: References) -> PanelScorer:
        """Nothing is learnt before a record is seen: references are what it is compared with."""
        return PanelScorer(self._attack, references)


class PanelScorer:
    """The attack with the references of one target."""

    def __init__(self, attack: RecordAttack, references: References) -> None:
        if references.signals is None:
            raise ValueError(f"{attack.name} needs {Need.OUT.value}")
        self._attack = attack
        self._signals: Signals = references.signals
        self._left_out = references.left_out

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """See :class:`mia_dual.attacks.base.Scorer`; ``rows`` are all audited records, sorted."""
        audited, population = self._signals.audited, self._signals.population
        without = {self._left_out} if self._left_out else set()

        def panel(table: SignalTable, version: Version, view: View) -> Panel:
            return table.panel(view, table.of(version, view, asked.answers), without)

        scores = np.empty((len(asked.versions), len(rows)))
        for version, row in zip(asked.versions, scores):
            row[:] = over_queries(
                self._attack.score,
                [panel(audited, version, view) for view in self._attack.views],
                [
                    None if population is None else panel(population, version, view)
                    for view in self._attack.views
                ],
            )
        return scores

    def known(self) -> Optional[Known]:
        """See :class:`mia_dual.attacks.base.Scorer`; a stand-in is left out of its references."""
        table, population = self._signals.known, self._signals.population
        if table is None:
            return None
        scores, membership = [], []
        views = self._attack.views
        for stand_in in self._signals.stand_ins:
            if stand_in == self._left_out:
                continue
            place = table.place(stand_in)
            without = {stand_in, *([self._left_out] if self._left_out else [])}
            if without.issuperset(table.names):
                continue
            panels = [table.panel(view, table.values(view)[place], without) for view in views]
            unseen: list[Optional[Panel]] = [None] * len(views)
            # To a stand-in only records that it never saw are of the population.
            if population is not None and (apart := ~population.inside[place]).any():
                unseen = [
                    population.panel(view, population.values(view)[place], without, apart)
                    for view in views
                ]
            try:
                found = over_queries(self._attack.score, panels, unseen)
            except ValueError:
                # One reference fewer, and none may be left of a kind that the attack looks at.
                continue
            scores.append(found)
            membership.append(table.inside[place])
        if not scores:
            return None
        return Known(np.concatenate(scores), np.concatenate(membership))
