"""IMIA (Du et al., USENIX Security 2026): what a record says on references that imitate the target.

How they are taught: :mod:`mia_dual.training.imitate`. References are those that went on with half
of the audited records each, so that what said of a record by some and by others differs in the
record alone; where they came from, imitators that never saw any, differs in how long it was trained
too. Only originals are imitated, a training a target and not one a version: versions after a
deletion, and groups, are held against the imitators of their own target's original, so that what
differs before and after is the version alone; but groups are only where their references are single
models, as imitators are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attack_settings import ImitativeSettings
from mia_dual.attacks.asked import Asked, Means
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.catalogue import FamilySettings, lira, ratio
from mia_dual.attacks.on_records import PanelScorer
from mia_dual.attacks.record_attack import RecordAttack
from mia_dual.attacks.references import References, Signals
from mia_dual.attacks.table import SignalTable
from mia_dual.plan.plan import single
from mia_dual.training.family import Member
from mia_dual.training.imitate import ALPHA, halve, imitation_targets, in_members, out_members

SCORES: Mapping[str, RecordAttack] = {
    "imitative_lira": lira(FamilySettings(lira_variance="pooled"))[0],
    "imitative_base": ratio(FamilySettings())[0],
}
"""How records are scored: online LiRA, all records' variance pooled since imitators are few, as in
the paper; and BASE, whose signal minds less that they are never as sure as the target, and which
found more on overfitted ConvNets.
"""


class Imitative:
    """The attack of ``name``, a key of :data:`SCORES`; all of them share their imitators."""

    needs = frozenset({Need.TRAINING, Need.SINGLE, Need.POPULATION})
    by_target = True

    def __init__(self, name: str, settings: ImitativeSettings) -> None:
        self.name, self._settings, self._score = name, settings, SCORES[name]

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        settings = self._settings.model_dump(mode="json")
        score = self._score.describe()
        return {"name": self.name, "settings": settings, "alpha": ALPHA, "score": score}

    def fit(self, references: References) -> ImitativeScorer:
        """Train the imitators of all targets, and compare this one's records with its own."""
        means, target, signals = references.means, references.left_out, references.signals
        if means is None or target is None or signals is None:
            raise ValueError(f"{self.name} needs {Need.TRAINING.value}")
        labels = references.shadows.labels
        members, answers = self._imitators(means, references.shadows.answers, labels)
        own = members[target]
        inside = {name: member.rows for name, member in own.items()}
        imitators = [single(name) for name in own]
        table = SignalTable(imitators, inside, means.plan.target_rows, answers, labels)
        own_signals = Signals(audited=table, population=None, known=table, stand_ins=table.names)
        scorer = PanelScorer(self._score, replace(references, signals=own_signals, left_out=None))
        return ImitativeScorer(scorer, self._score, table, signals.audited, target)

    def _imitators(
        self, means: Means, answers: Answers, labels: np.ndarray
    ) -> tuple[dict[str, dict[str, Member]], Answers]:
        """All targets' imitators that saw audited records, and what they say of those.

        They are by target and by name; those of all targets are trained together.
        """
        plan, usual = means.plan, means.family.settings.epochs
        count, population = self._settings.count, plan.split.population
        epochs, further = self._settings.epochs or usual, self._settings.further or usual
        halves = halve(plan.target_rows, count, plan.seed)
        taught = {
            target.name: imitation_targets(
                answers.of(target.name, population), labels[population], population
            )
            for target in plan.targets
        }
        outs = {
            target: _by_name(out_members(target, targets, count, epochs, plan.seed))
            for target, targets in taught.items()
        }
        trained = means.train("imitators", _joined(outs))
        ins = {
            target: _by_name(
                in_members(
                    target,
                    targets,
                    halves,
                    {name: trained[name] for name in outs[target]},
                    further,
                    plan.seed,
                )
            )
            for target, targets in taught.items()
        }
        return ins, means.ask(means.train("imitators", _joined(ins)), plan.target_rows)


class ImitativeScorer:
    """``scorer`` with the ``imitators`` of ``target``; ``peers`` are the run's own references."""

    def __init__(
        self,
        scorer: PanelScorer,
        score: RecordAttack,
        imitators: SignalTable,
        peers: SignalTable,
        target: str,
    ) -> None:
        self._scorer, self._score = scorer, score
        self._imitators, self._peers, self._target = imitators, peers, target

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """See :class:`mia_dual.attacks.base.Scorer`; ``rows`` are all audited records, sorted."""
        return self._scorer.scores(asked, rows)

    def known(self) -> Optional[Known]:
        """Of the run's references, each held against the target's imitators as the target is.

        That they imitate the target and not them is missed: imitators of each would have to be
        trained. Where none of them saw an audited record, imitators stand for the target in turn,
        which are nearer to each other than the target is to them, so that more non-members of
        the target's are accused than is aimed at.
        """
        peers, signal = self._peers, self._score.signal
        chosen = [place for place, name in enumerate(peers.names) if name != self._target]
        if not peers.inside[chosen].any():
            return self._scorer.known()
        values = peers.values(signal)
        scores = [
            self._score.score(self._imitators.panel(signal, values[place], ()), None)
            for place in chosen
        ]
        return Known(np.concatenate(scores), np.concatenate(peers.inside[chosen]))


def _by_name(members: list[Member]) -> dict[str, Member]:
    return {member.name: member for member in members}


def _joined(members: Mapping[str, Mapping[str, Member]]) -> dict[str, Member]:
    return {name: member for own in members.values() for name, member in own.items()}
