"""What references give attacks to look at."""

from __future__ import annotations

import numpy as np

from mia_dual.attacks.base import Need
from mia_dual.plan.plan import Plan


def offered_by_references(plan: Plan) -> frozenset[Need]:
    """The needs met by those models of ``plan`` that were asked about its audited records: shadows,
    and where there are several targets, these for each other.
    """
    others = [model for model in plan.references if model.role == "shadow" or len(plan.targets) > 1]
    rows = plan.target_rows
    known = np.union1d(rows, plan.split.population)
    there = {
        Need.OUT: any(not model.saw(rows).all() for model in others),
        Need.IN: any(model.saw(rows).any() for model in others),
        Need.PROXIES: any(model.saw(known).any() for model in others),
        Need.POPULATION: bool(others) and len(plan.split.population) > 0,
    }
    return frozenset(need for need, given in there.items() if given)
