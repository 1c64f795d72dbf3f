"""The attacks that look at more than what models say of the records as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import numpy as np

from mia_dual.attacks.altered import Copies, LabelsKept, OfCopies
from mia_dual.attacks.base import Need
from mia_dual.attacks.gradient_view import OfGradients
from mia_dual.attacks.label_only import NEEDS
from mia_dual.attacks.panel import Panel
from mia_dual.attacks.record_attack import RecordAttack
from mia_dual.attacks.reference import calibration
from mia_dual.attacks.views import OfLogits, View

OUT = frozenset({Need.OUT})


def as_it_is(panel: Panel, population: Optional[Panel] = None) -> np.ndarray:
    """The signal itself, for a threshold that references set (Yeom et al. 2018; label-only in
    Choquette-Choo et al. 2021, where a shadow model sets it).
    """
    return panel.target


def label_only(copies: Copies) -> list[RecordAttack]:
    """Choquette-Choo et al. 2021: the share of copies that keep the right label, as it is and less
    what references that never saw the record keep (difficulty calibration, Watson et al. 2022).
    """
    views, needs = (LabelsKept(copies),), NEEDS | OUT
    return [
        RecordAttack("label_only", "share_kept", as_it_is, needs, through=views),
        RecordAttack("label_only_calibrated", "share_kept", calibration, needs, through=views),
    ]


def with_copies(attack: RecordAttack, copies: Copies) -> RecordAttack:
    """``attack`` over the records as they are and all their copies (Carlini et al. 2022, section
    VI, on the copies that training makes).

    It pays where models were trained on such copies. Where they were not, a copy says less of a
    record than the record does, and the attack is weaker than without: so no run has it by default.
    """
    places = range(len(copies.alterations))
    views: list[View] = [OfLogits(attack.signal)]
    views += [OfCopies(attack.signal, copies, place) for place in places]
    return replace(
        attack,
        name=f"{attack.name}_queries",
        needs=attack.needs | {Need.QUERIES},
        through=tuple(views),
    )


def gradients() -> list[RecordAttack]:
    """The gradient's norm (see :mod:`mia_dual.attacks.gradient_norm`), as it is and less that of
    references which never saw the record (difficulty calibration, Watson et al. 2022).
    """
    views, needs = (OfGradients(),), OUT | {Need.GRADIENTS}
    name = "gradient_norm"
    return [
        RecordAttack(name, name, as_it_is, needs, through=views),
        RecordAttack(f"{name}_calibrated", name, calibration, needs, through=views),
    ]
