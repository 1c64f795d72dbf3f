"""CMIA (Du et al., NDSS 2026; arXiv 2507.21412): what is decided conditions the next references.

References that halve the audited records at random stand for any membership. Once a few records
are decided, references that have all decided members and none of the decided non-members are
nearer to the target's own, and say more of the rest.

A round scores the records that are not decided yet, by BASE, and decides those whose scores are
beyond nearly all of references' non-members, or below nearly all of their members
(:func:`mia_dual.attacks.cuts.anchor_cuts`; the paper takes the highest non-member and the tenth
lowest member). The first round takes the run's own references, each further one trains its own,
which halve what is not decided, and takes them beside the run's: a few alone said less. A record
keeps the score of the round that decided it, the others that of the last: all are logs of what the
target says over what references do, about half of which saw the record, and so on one scale. (The
run's are so where their design is ``in_and_out``; disjoint ones, beside other targets, set scores
higher, those of the first round most.)

Who is decided follows from what the target's original says: that conditions a training, which is
one a target and a round, not one a version. Versions after a deletion, and groups, go through the
rounds of their own target's original, each record scored where the original's was; but groups do
only where their references are single models, as all that it trains are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attack_settings import CascadeSettings
from mia_dual.attacks.asked import Asked, Means
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.catalogue import FamilySettings, ratio
from mia_dual.attacks.cuts import anchor_cuts
from mia_dual.attacks.on_records import PanelScorer
from mia_dual.attacks.references import References, Signals
from mia_dual.attacks.table import SignalTable
from mia_dual.plan.plan import single
from mia_dual.training.family import Member
from mia_dual.training.imitate import halve

BASE = ratio(FamilySettings())[0]
"""The attack of every round. The paper takes any; LiRA, of as few references, found less here."""


@dataclass(frozen=True)
class _Round:
    """Scores ``rows`` (sorted record indices). What of them the target's original is decided about
    is above the cut ``over`` or below ``under``: nothing, where these are infinite.
    """

    scorer: PanelScorer
    rows: np.ndarray
    over: float = np.inf
    under: float = -np.inf

    def known(self) -> Optional[Known]:
        """Scores of references, where these have this round's score and no later one's."""
        known = self.scorer.known()
        if known is None or not np.isfinite([self.over, self.under]).any():
            return known
        members, others = _decided(known.scores, self.over, self.under)
        return Known(known.scores[members | others], known.membership[members | others])


@dataclass(frozen=True)
class _Course:
    """How far a target has come: its ``rounds``, whom they found to be ``members``, and the
    records ``left``, all sorted.
    """

    rounds: tuple[_Round, ...]
    members: np.ndarray
    left: np.ndarray


class Cascade:
    """Rounds of BASE (:func:`mia_dual.attacks.ratio.base`)."""

    name = "cascade"
    needs = frozenset({Need.TRAINING, Need.SINGLE, Need.IN, Need.OUT})
    by_target = True

    def __init__(self, settings: CascadeSettings) -> None:
        self._settings = settings
        self._gone: Optional[tuple[Signals, dict[str, _Course]]] = None

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        settings = self._settings.model_dump(mode="json")
        return {"name": self.name, "settings": settings, "score": BASE.describe()}

    def fit(self, references: References) -> CascadeScorer:
        """Take all targets through all rounds, a training a round, and this one's for scores."""
        means, target = references.means, references.left_out
        if means is None or target is None or references.signals is None:
            raise ValueError(f"{self.name} needs {Need.TRAINING.value}")
        # All targets go together, so that the next one to be fitted finds its rounds here.
        if self._gone is None or self._gone[0] is not references.signals:
            self._gone = (references.signals, self._courses(means, references, references.signals))
        return CascadeScorer(self._gone[1][target].rounds)

    def _courses(
        self, means: Means, references: References, signals: Signals
    ) -> dict[str, _Course]:
        """Every target after all rounds."""
        # As many of each round, so that each has its share in what thresholds are fitted on.
        count = min(len(signals.stand_ins), self._settings.count)
        fewer = replace(references, signals=replace(signals, stand_ins=signals.stand_ins[:count]))
        rows = means.plan.target_rows
        courses = {
            target.name: _Course(
                (_Round(PanelScorer(BASE, fewer.without(target.name)), rows),), rows[:0], rows
            )
            for target in means.plan.targets
        }
        for number in range(1, self._settings.rounds + 1):
            courses = self._further(courses, number, count, means, references)
        return courses

    def _further(
        self,
        courses: Mapping[str, _Course],
        number: int,
        count: int,
        means: Means,
        references: References,
    ) -> dict[str, _Course]:
        """``courses`` after one more round, with references of its own."""
        answers, labels = references.shadows.answers, references.shadows.labels
        decided = {name: self._decide(name, course, answers) for name, course in courses.items()}
        members = {
            name: self._members(name, course, number, means) for name, course in decided.items()
        }
        trained = means.train(
            f"cascade, round {number}",
            {name: member for own in members.values() for name, member in own.items()},
        )
        said = means.ask(trained, means.plan.target_rows)

        def later(target: str) -> _Course:
            course, own = decided[target], members[target]
            if not own:
                return course
            others = references.without(target).versions
            inside = {version.name: means.plan.models[version.name].members for version in others}
            inside.update({name: member.rows for name, member in own.items()})
            versions = [*map(single, own), *others]
            table = SignalTable(versions, inside, course.left, said | answers, labels)
            signals = Signals(table, None, table, table.names[:count])
            scorer = PanelScorer(BASE, replace(references, signals=signals, left_out=None))
            return replace(course, rounds=(*course.rounds, _Round(scorer, course.left)))

        return {target: later(target) for target in courses}

    def _decide(self, target: str, course: _Course, answers: Answers) -> _Course:
        """Whom the last round is sure about."""
        *before, last = course.rounds
        over, under = anchor_cuts(last.scorer.known(), self._settings.mistakes)
        original = Asked([single(target)], answers)
        members, others = _decided(last.scorer.scores(original, last.rows)[0], over, under)
        return _Course(
            (*before, replace(last, over=over, under=under)),
            np.union1d(course.members, last.rows[members]),
            last.rows[~(members | others)],
        )

    def _members(
        self, target: str, course: _Course, number: int, means: Means
    ) -> dict[str, Member]:
        """A target's references of a round; none where too few records are left to be halved."""
        if len(course.left) < 2:
            return {}
        seed, epochs = means.plan.seed, means.family.settings.epochs
        halves = halve(course.left, self._settings.count, seed)
        names = [f"{target}-cascade-{number}-{place:02d}" for place in range(len(halves))]
        return {
            name: Member.of(name, np.union1d(course.members, half), epochs, seed)
            for name, half in zip(names, halves)
        }


class CascadeScorer:
    """The rounds of one target."""

    def __init__(self, rounds: Sequence[_Round]) -> None:
        self._rounds = rounds

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """See :class:`mia_dual.attacks.base.Scorer`; ``rows`` are all audited records, sorted."""
        scores = np.empty((len(asked.versions), len(rows)))
        for each in self._rounds:
            scores[:, np.searchsorted(rows, each.rows)] = each.scorer.scores(asked, each.rows)
        return scores

    def known(self) -> Optional[Known]:
        """See :class:`mia_dual.attacks.base.Scorer`: of each round as many stand-ins, and of those
        what the round decides; of the last, everything.
        """
        found = [known for each in self._rounds for known in [each.known()] if known is not None]
        if not found:
            return None
        return Known(
            np.concatenate([known.scores for known in found]),
            np.concatenate([known.membership for known in found]),
        )


def _decided(scores: np.ndarray, over: float, under: float) -> tuple[np.ndarray, np.ndarray]:
    """Who are members and who are not: (records,) bool both. Where the cuts cross, records between
    them are neither.
    """
    members, others = scores > over, scores < under
    return members & ~others, others & ~members
