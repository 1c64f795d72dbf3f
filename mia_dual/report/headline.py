"""How exposed a run found members to be, in plain words and with how sure it is.

Nothing is computed again: a headline picks figures of results, and says them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

from mia_dual.report.results import AttackResult, Interval, Results
from mia_dual.report.strength import by_strength, rate_told

Grade = Literal["most", "many", "some", "group", "none"]
"""What is shown of members: that most, many or some of them can be found one by one, that they can
be told from others only as a group, or nothing.
"""

LEAST: dict[Grade, float] = {"most": 0.5, "many": 0.1}
"""Share of members that the lower end of the interval shows to be found, for these words."""


@dataclass(frozen=True)
class Headline:
    """The strongest attack's figures, and what they come to.

    ``found``: share of ``members`` found while at most ``rate`` of ``non_members`` are accused;
    ``rate`` is the lowest of .01 and .1 that so few non-members can show, None where neither can
    be. Intervals are of 95 %; a record counts once a target. ``attacks``: how many were tried, of
    which this one is the luckiest, too.
    """

    grade: Grade
    attack: str
    attacks: int
    rate: Optional[float]
    found: Optional[float]
    found_interval: Optional[Interval]
    auc: Optional[float]
    auc_interval: Optional[Interval]
    members: int
    non_members: int
    targets: int

    @property
    def verdict(self) -> str:
        """Who is exposed, to which attack, and how sure that is."""
        return f"{self._exposed()} {self._measured()}"

    @property
    def limits(self) -> str:
        """What the figures do not show."""
        limits = ["that a better attack finds no more"]
        if self.attacks > 1:
            limits.append(
                f"that {self.attack}, the best of {self.attacks} on these records, does as well on "
                "others"
            )
        if self.targets == 1:
            limits.append("how other models of this kind fare, since one was audited")
        return f"Not shown: {'; '.join(limits)}."

    def _exposed(self) -> str:
        if self.rate is None or self.found is None:
            return f"{_WORDS[self.grade]}: {self.attack} has {self._auc()}; guessing has .5."
        found = (
            f"{self.attack} finds {_percent(self.found)} % of members"
            f"{_between(self.found_interval)} while it accuses at most {100 * self.rate:g} % of "
            "non-members"
        )
        if self.grade in ("group", "none"):
            guessing = f"guessing finds {100 * self.rate:g} %"
            return f"{_WORDS[self.grade]}: {found}, and {guessing}; {self._auc()}, guessing's .5."
        return f"{_WORDS[self.grade]}: {found}; guessing finds {100 * self.rate:g} %."

    def _auc(self) -> str:
        if self.auc is None:
            return "no AUC"
        interval = self.auc_interval
        sure = "" if interval is None else f" (95 %: {interval[0]:.3f} to {interval[1]:.3f})"
        return f"an AUC of {self.auc:.3f}{sure}"

    def _measured(self) -> str:
        of = "one target" if self.targets == 1 else f"{self.targets} targets"
        return f"Measured on {self.members:,} members and {self.non_members:,} non-members of {of}."


_WORDS: dict[Grade, str] = {
    "most": "Most members are exposed",
    "many": "Many members are exposed",
    "some": "Some members are exposed",
    "group": "Members can be told from others as a group, but none is shown to be found",
    "none": "No member is shown to be exposed",
}


def headline(results: Results) -> Headline:
    """The headline of ``results``: of the strongest attack, or, where that finds no more members
    one by one than guessing does, of the one with the surest AUC.
    """
    attacks = results.attacks
    rate = rate_told(attacks)
    name = by_strength(attacks)[0]
    grade = _alone(attacks[name], rate)
    if grade is None:
        surest = max(attacks, key=lambda attack: _least_auc(attacks[attack]))
        is_group = _least_auc(attacks[surest]) > 0.5
        grade, name = ("group", surest) if is_group else ("none", name)
    found = attacks[name]
    return Headline(
        grade=grade,
        attack=name,
        attacks=len(attacks),
        rate=None if rate is None else float(rate),
        found=None if rate is None else found.tpr_at_fpr[rate],
        found_interval=None if rate is None else found.tpr_interval[rate],
        auc=found.auc,
        auc_interval=found.auc_interval,
        members=found.members,
        non_members=found.non_members,
        targets=results.targets,
    )


def _alone(found: AttackResult, rate: Optional[str]) -> Optional[Grade]:
    """How many members are surely found one by one; None where no more than by guessing."""
    interval = None if rate is None else found.tpr_interval[rate]
    if rate is None or interval is None or interval[0] <= float(rate):
        return None
    return next((grade for grade, least in LEAST.items() if interval[0] >= least), "some")


def _least_auc(found: AttackResult) -> float:
    return 0.0 if found.auc_interval is None else found.auc_interval[0]


def _between(interval: Optional[Interval]) -> str:
    if interval is None:
        return ""
    return f" (95 %: {_percent(interval[0])} to {_percent(interval[1])})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
