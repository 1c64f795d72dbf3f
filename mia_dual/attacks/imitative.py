"""IMIA (Du et al., USENIX Security 2026): LiRA on references that imitate the target.

How they are taught: :mod:`mia_dual.training.imitate`. Only originals are imitated, a training a
target and not one a version: versions after a deletion, and groups, are held against the imitators
of their own target's original, so that what differs before and after is the version alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.asked import Means
from mia_dual.attacks.base import Need
from mia_dual.attacks.on_records import PanelScorer
from mia_dual.attacks.pooled import POOLED
from mia_dual.attacks.references import References, Signals
from mia_dual.attacks.table import SignalTable
from mia_dual.config import ImitativeSettings
from mia_dual.interface import Targets
from mia_dual.training.family import Member
from mia_dual.training.imitate import ALPHA, halve, imitation_targets, in_members, out_members


class Imitative:
    """Online LiRA, all records' variance pooled since imitators are few."""

    name = "imitative"
    needs = frozenset({Need.TRAINING, Need.POPULATION})
    by_target = True

    def __init__(self, settings: ImitativeSettings) -> None:
        self._settings = settings

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        settings = self._settings.model_dump(mode="json")
        return {"name": self.name, "settings": settings, "alpha": ALPHA, "score": POOLED.describe()}

    def fit(self, references: References) -> PanelScorer:
        """Train the imitators of all targets, and compare this one's records with its own."""
        means, target = references.means, references.left_out
        if means is None or target is None:
            raise ValueError(f"{self.name} needs {Need.TRAINING.value}")
        labels = references.shadows.labels
        members, answers = self._imitators(means, references.shadows.answers, labels)
        own = members[target]
        table = SignalTable(
            list(own),
            {name: member.rows for name, member in own.items()},
            means.plan.target_rows,
            answers,
            labels,
        )
        stand_ins = [name for name, inside in zip(table.names, table.inside) if inside.any()]
        signals = Signals(audited=table, population=None, known=table, stand_ins=stand_ins)
        return PanelScorer(POOLED, replace(references, signals=signals, left_out=None))

    def _imitators(
        self, means: Means, answers: Answers, labels: np.ndarray
    ) -> tuple[dict[str, dict[str, Member]], Answers]:
        """All targets' imitators, by target, and what they say of audited records."""
        plan, usual = means.plan, means.family.settings.epochs
        count, population = self._settings.count, plan.split.population
        epochs, further = self._settings.epochs or usual, self._settings.further or usual
        targets = [target.name for target in plan.targets]
        taught: Mapping[str, Targets] = {
            name: imitation_targets(answers.of(name, population), labels[population], population)
            for name in targets
        }
        outs = {
            name: _by_name(out_members(name, taught[name], count, epochs, plan.seed))
            for name in targets
        }
        trained_outs = means.train("imitators", _joined(outs))
        halves = halve(plan.target_rows, count, plan.seed)
        ins = {
            name: _by_name(
                in_members(
                    name,
                    taught[name],
                    halves,
                    {out: trained_outs[out] for out in outs[name]},
                    further,
                    plan.seed,
                )
            )
            for name in targets
        }
        trained = {**trained_outs, **means.train("imitators", _joined(ins))}
        said = means.ask(trained, plan.target_rows)
        return {name: {**outs[name], **ins[name]} for name in targets}, said


def _by_name(members: list[Member]) -> dict[str, Member]:
    return {member.name: member for member in members}


def _joined(members: Mapping[str, Mapping[str, Member]]) -> dict[str, Member]:
    return {name: member for of_one in members.values() for name, member in of_one.items()}
