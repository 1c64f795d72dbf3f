"""How exposed a run found members to be, in plain words and with how sure it is.

Nothing is computed again: a headline picks figures of results, and says them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from mia_dual.report.grade import Grade, grade_of
from mia_dual.report.results import Interval, Results

IN_WORDS: dict[Grade, str] = {
    "most": "Most members are exposed",
    "many": "Many members are exposed",
    "some": "Some members are exposed",
    "group": "Members can be told from others as a group, but none is shown to be found",
    "none": "No member is shown to be exposed",
    "unknown": "Too few records to say whether members are exposed",
}
"""Each grade, as the page's English words also say it."""


@dataclass(frozen=True)
class Headline:
    """A grade, and the figures of the attack that it is by.

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
            return f"{IN_WORDS[self.grade]}: {self.attack} has {self._auc()}; guessing has .5."
        found = (
            f"{self.attack} finds {_percent(self.found)} % of members"
            f"{_between(self.found_interval)} while it accuses at most {100 * self.rate:g} % of "
            "non-members"
        )
        if self.grade in ("group", "none", "unknown"):
            guessing = f"guessing finds {100 * self.rate:g} %"
            return f"{IN_WORDS[self.grade]}: {found}, and {guessing}; {self._auc()}, guessing's .5."
        return f"{IN_WORDS[self.grade]}: {found}; guessing finds {100 * self.rate:g} %."

    def _auc(self) -> str:
        if self.auc is None:
            return "no AUC"
        interval = self.auc_interval
        sure = "" if interval is None else f" (95 %: {interval[0]:.3f} to {interval[1]:.3f})"
        return f"an AUC of {self.auc:.3f}{sure}"

    def _measured(self) -> str:
        of = "one target" if self.targets == 1 else f"{self.targets} targets"
        return f"Measured on {self.members:,} members and {self.non_members:,} non-members of {of}."


def headline(results: Results) -> Headline:
    """The headline of ``results``: their grade, and by what."""
    graded = grade_of(results)
    found, rate = results.attacks[graded.attack], graded.rate
    return Headline(
        grade=graded.grade,
        attack=graded.attack,
        attacks=len(results.attacks),
        rate=None if rate is None else float(rate),
        found=None if rate is None else found.tpr_at_fpr[rate],
        found_interval=None if rate is None else found.tpr_interval[rate],
        auc=found.auc,
        auc_interval=found.auc_interval,
        members=found.members,
        non_members=found.non_members,
        targets=results.targets,
    )


def _between(interval: Optional[Interval]) -> str:
    if interval is None:
        return ""
    return f" (95 %: {_percent(interval[0])} to {_percent(interval[1])})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
