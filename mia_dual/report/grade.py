"""How exposed a run found members to be: one grade, and the attack that shows it.

The terminal and the report page both tell this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

from mia_dual.report.results import AttackResult, Results
from mia_dual.report.strength import by_strength, rate_told

Grade = Literal["most", "many", "some", "group", "none", "unknown"]
"""What is shown of members: that most, many or some of them can be found one by one, that they can
be told from others only as a group, or nothing; unknown where records are too few for an interval.
"""

LEAST: dict[Grade, float] = {"most": 0.5, "many": 0.1}
"""Share of members that is shown to be found beyond those that guessing finds, for these grades."""

GUESSING = 0.5
"""The AUC of who guesses."""


@dataclass(frozen=True)
class Graded:
    """A ``grade``, and the ``attack`` that it is by.

    ``rate``: the false-positive rate that members found are told at, as ``tpr_at_fpr`` names it;
    None where non-members are too few. The grades most, many and some follow from the lower end of
    the interval there, group from that of the AUC.
    """

    grade: Grade
    attack: str
    rate: Optional[str]


def grade_of(results: Results) -> Graded:
    """The grade of ``results``, by the strongest attack.

    Where that finds no more members one by one than guessing does, by the attack with the surest
    AUC, if that is above guessing.
    """
    attacks = results.attacks
    rate = rate_told(attacks)
    strongest = by_strength(attacks)[0]
    alone = _one_by_one(attacks[strongest], rate)
    if alone is not None:
        return Graded(alone, strongest, rate)
    least = {
        name: found.auc_interval[0]
        for name, found in attacks.items()
        if found.auc_interval is not None
    }
    if not least:
        return Graded("unknown", strongest, rate)
    surest = max(least, key=lambda name: least[name])
    if least[surest] > GUESSING:
        return Graded("group", surest, rate)
    return Graded("none", strongest, rate)


def _one_by_one(found: AttackResult, rate: Optional[str]) -> Optional[Grade]:
    """How many members are surely found one by one; None where no more than by guessing."""
    interval = None if rate is None else found.tpr_interval[rate]
    if rate is None or interval is None or interval[0] <= float(rate):
        return None
    beyond = interval[0] - float(rate)
    return next((grade for grade, least in LEAST.items() if beyond >= least), "some")
