"""What is left of a forget set: deleted records beside records that were never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional

import numpy as np

from mia_dual import metrics
from mia_dual.answers import Answers
from mia_dual.deletion.versions import version_logits
from mia_dual.forgetting.both_versions import (
    FORGOTTEN,
    RETAINED,
    UNSEEN,
    attack_both_versions,
)
from mia_dual.forgetting.iam import completeness, iam_signal
from mia_dual.forgetting.neighbours import nearest_retained
from mia_dual.forgetting.quality import forgetting_quality
from mia_dual.forgetting.u_lira import u_lira
from mia_dual.metrics.repeated import Estimate, pooled_differences, pooled_figures
from mia_dual.metrics.repeats import mean_interval
from mia_dual.metrics.two_samples import about_own_mean, kolmogorov_smirnov
from mia_dual.plan.plan import Plan, PlannedDeletion, Version, single
from mia_dual.plan.splits import Membership, balanced
from mia_dual.report.forgetting import (
    BothVersions,
    Completeness,
    Figure,
    Forgetting,
    Neighbour,
    Neighbours,
    PerRecord,
    Quality,
    Separation,
    Traces,
)
from mia_dual.seeds import generator
from mia_dual.signals import log_confidence, log_odds
from mia_dual.walks.scoring import Scores
from mia_dual.walks.trials import Place, trials_at

FPR = 0.01
"""Where deleted records are found."""

TOLD = 0.05
"""What p a record is told by."""

DRAWS = 199
"""Draws of who deleted a record, by which chance is told."""


@dataclass(frozen=True)
class Inquiry:
    """Looks at the deletions of ``plan``; ``labels`` (records,) and ``features`` (records, ...) are
    those of all records. ``attacks``: by strength; the first that ran judges neighbours.
    ``by_record`` gathers what is found of single records, as ``forgetting.npz`` holds it.
    """

    plan: Plan
    labels: np.ndarray
    features: np.ndarray
    answers: Answers
    scores: Scores
    attacks: Sequence[str]
    by_record: dict[str, np.ndarray] = field(default_factory=dict)

    def into(
        self, deletions: Sequence[PlannedDeletion], truths: Sequence[Membership]
    ) -> Forgetting:
        """One request carried out by one method, a target each; ``truths``: its deleted records,
        and those they are held against.
        """
        case = _Case.of(self.plan, self.labels, self.answers, deletions, truths)
        self._keep(case, "rows", case.rows)
        return Forgetting(
            traces={
                name: self._traces(case, name) for name in self.scores.attacks(deletions[0].after)
            },
            per_record=self._per_record(case),
            quality=self._quality(case),
            completeness=self._completeness(case),
            both_versions=self._both_versions(case),
            neighbours=self._neighbours(case),
        )

    def _keep(self, case: _Case, what: str, found: np.ndarray) -> None:
        first = case.deletions[0]
        self.by_record[f"{first.request.slug}/{first.method}/{what}"] = found

    def _rng(self, case: _Case, what: str) -> np.random.Generator:
        first = case.deletions[0]
        return generator(self.plan.seed, "forgetting", first.request.name, first.method, what)

    def _traces(self, case: _Case, attack: str) -> Traces:
        table = self._table(case, attack, [deletion.after for deletion in case.deletions])
        several = len(case.deletions) > 1
        compared = about_own_mean(table, case.asked) if several else table
        rng = self._rng(case, attack)
        found = kolmogorov_smirnov(case.deleted, compared, rng, case.asked, DRAWS)
        differences = {}
        reference = self._references(case)
        if reference is not None:
            others = self._table(case, attack, reference)
            differences = pooled_differences(case.deleted, others, table, (FPR,), rng, case.asked)
        return Traces(
            ks=None if found is None else found.statistic,
            ks_p=None if found is None else found.p,
            ks_how=None if found is None else found.how,
            auc_difference=_figure(differences.get("auc")),
            tpr_difference=_figure(differences.get(f"tpr@{FPR}")),
        )

    def _references(self, case: _Case) -> Optional[list[str]]:
        """The versions that never saw the forget set; None where there are none but these."""
        first = case.deletions[0]
        if first.method == "reference":
            return None
        found = {
            deletion.target: deletion.after
            for deletion in self.plan.deletions
            if deletion.method == "reference" and deletion.request.name == first.request.name
        }
        return [found[deletion.target] for deletion in case.deletions] if found else None

    def _table(self, case: _Case, attack: str, versions: Sequence[str]) -> np.ndarray:
        """(targets, records) float64: what ``attack`` scored, 0 where it is not asked."""
        places = [Place(*pair) for pair in zip(versions, case.truths)]
        return trials_at(self.scores, attack, places).matrices()[1]

    def _per_record(self, case: _Case) -> Optional[PerRecord]:
        rng = self._rng(case, "u_lira")
        found = u_lira(case.odds, case.deleted, (FPR,), rng, case.asked, draws=DRAWS)
        known = found.known
        if not known.any():
            return None
        self._keep(case, "auc", found.auc)
        self._keep(case, "p", found.p)
        return PerRecord(
            records=int(known.sum()),
            models=float((found.deleted_by + found.unseen_by)[known].mean()),
            pooled=_separation(found.pooled),
            accuracy=_figure(mean_interval(found.accuracy[known].tolist())),
            told=float((found.p[known] <= TOLD).mean()),
        )

    def _quality(self, case: _Case) -> Optional[Quality]:
        rng = self._rng(case, "quality")
        found = forgetting_quality(case.odds, case.deleted, rng, case.asked)
        if found.value is None:
            return None
        self._keep(case, "epsilon", found.epsilon)
        self._keep(case, "epsilon_least", found.least)
        median = float(np.nanmedian(found.epsilon))
        return Quality(
            value=found.value,
            by_chance=found.by_chance,
            p=found.p,
            epsilon=median if np.isfinite(median) else None,
            epsilon_most=float(np.nanmax(found.most)),
            epsilon_least=float(np.nanmax(found.least)),
        )

    def _completeness(self, case: _Case) -> Optional[Completeness]:
        shadows = self._shadows(case)
        if not shadows:
            return None
        labels = self.labels

        def signals(version: Version, rows: np.ndarray) -> np.ndarray:
            said = version_logits(version, self.answers, rows)
            return iam_signal(log_confidence(said, labels[rows]))

        said = [signals(version, case.rows) for version in shadows.values()]
        inside = [self.plan.models[name].members for name in shadows]
        own = [signals(version, rows) for version, rows in zip(shadows.values(), inside)]
        outside = np.stack([~np.isin(case.rows, rows) for rows in inside])
        signal = iam_signal(log_confidence(case.after, labels[case.rows]))
        fitted = float(np.mean([of_shadow.mean() for of_shadow in own]))
        found = completeness(signal, np.stack(said), fitted, outside)
        asked = case.asked & ~np.isnan(found)
        deleted, unseen = asked & case.deleted, asked & ~case.deleted
        if not deleted.any() or not unseen.any():
            return None
        rng = self._rng(case, "completeness")
        left = np.where(asked, -found, 0.0)
        return Completeness(
            deleted=float(found[deleted].mean()),
            unseen=float(found[unseen].mean()),
            separation=_separation(pooled_figures(case.deleted, left, (FPR,), rng, asked)),
        )

    def _shadows(self, case: _Case) -> Mapping[str, Version]:
        """The shadows that were asked about the records, trained as the target is."""
        names = [model.name for model in self.plan.shadows if self.plan.references]
        grouped = {version.name: version for version in self.plan.shadow_groups}
        if case.deletions[0].method == "grouped" and grouped:
            return {name: grouped[name] for name in names}
        return {name: single(name) for name in names}

    def _both_versions(self, case: _Case) -> Optional[BothVersions]:
        if all(
            self.plan.versions[one.before].models == self.plan.versions[one.after].models
            for one in case.deletions
        ):
            return None
        rng = self._rng(case, "both versions")
        # As many as were deleted, since classifiers weigh classes alike and rows take time.
        retained = [
            rng.choice(rows, min(len(rows), len(deletion.request.deleted)), replace=False)
            for deletion in case.deletions
            for rows in [deletion.request.retained]
        ]
        rows = np.union1d(case.rows, np.concatenate(retained))
        state = np.full((len(case.deletions), len(rows)), -1)
        for place, truth in enumerate(case.truths):
            state[place, np.isin(rows, retained[place])] = RETAINED
            state[place, np.isin(rows, truth.members)] = FORGOTTEN
            state[place, np.isin(rows, truth.non_members)] = UNSEEN
        before, after = (
            np.stack(
                [version_logits(self.plan.versions[name], self.answers, rows) for name in names]
            )
            for names in (
                [deletion.before for deletion in case.deletions],
                [deletion.after for deletion in case.deletions],
            )
        )
        found = attack_both_versions(before, after, self.labels[rows], state)

        def told(scores: Optional[np.ndarray]) -> Optional[Separation]:
            if scores is None:
                return None
            asked = ~np.isnan(scores)
            left = np.where(asked, scores, 0.0)
            return _separation(pooled_figures(state == FORGOTTEN, left, (FPR,), rng, asked))

        fall = told(found.fall_unseen)
        assert fall is not None
        three = found.three
        return BothVersions(
            fall=fall,
            two=told(found.two_unseen),
            three=None if three is None else told(three.unseen),
            three_retained=None if three is None else told(three.retained),
            three_accuracy=None if three is None else float(np.nanmean(three.balanced_accuracies)),
        )

    def _neighbours(self, case: _Case) -> Optional[Neighbours]:
        truths: tuple[list[Membership], list[Membership]] = ([], [])
        rng = self._rng(case, "neighbours")
        for deletion in case.deletions:
            request = deletion.request
            members = np.union1d(request.deleted, request.retained)
            found = nearest_retained(self.features, self.labels, members, request.deleted, 1, rng)
            outside = next(
                target.membership.non_members
                for target in self.plan.targets
                if target.name == deletion.target
            )
            # Records of the forget set's draw are of another kind, where it was chosen.
            if request.unseen is not None:
                outside = np.setdiff1d(outside, request.unseen)
            for truth, rows in zip(truths, (found.near, found.control)):
                truth.append(balanced(rows, outside, self.labels, rng))
        ran = self.scores.attacks(case.deletions[0].after)
        attack = next((name for name in self.attacks if name in ran), None)
        if attack is None:
            return None
        near, others = (self._neighbour(case, attack, truth, rng) for truth in truths)
        if near is None or others is None:
            return None
        return Neighbours(attack=attack, near=near, others=others)

    def _neighbour(
        self, case: _Case, attack: str, truths: Sequence[Membership], rng: np.random.Generator
    ) -> Optional[Neighbour]:
        both = [
            trials_at(self.scores, attack, [Place(*pair) for pair in zip(versions, truths)])
            for versions in (
                [deletion.before for deletion in case.deletions],
                [deletion.after for deletion in case.deletions],
            )
        ]
        _, before, inside, asked = both[0].matrices()
        after = both[1].matrices()[1]
        if not (inside & asked).any() or not (asked & ~inside).any():
            return None
        difference = pooled_differences(inside, before, after, (), rng, asked)["auc"]
        aucs = [metrics.auc(trials.membership, trials.scores) for trials in both]
        return Neighbour(
            records=int((inside & asked).sum()),
            before=aucs[0],
            after=aucs[1],
            difference=_figure(difference),
        )


@dataclass(frozen=True)
class _Case:
    """``rows`` (records,): all that are deleted or held against those. ``deleted`` and ``asked``
    (targets, records) bool; ``after`` (targets, records, classes): what the versions after say, and
    ``odds`` (targets, records) their log odds at the label.
    """

    deletions: Sequence[PlannedDeletion]
    truths: Sequence[Membership]
    rows: np.ndarray
    deleted: np.ndarray
    asked: np.ndarray
    after: np.ndarray
    odds: np.ndarray

    @staticmethod
    def of(
        plan: Plan,
        labels: np.ndarray,
        answers: Answers,
        deletions: Sequence[PlannedDeletion],
        truths: Sequence[Membership],
    ) -> _Case:
        rows = np.unique(np.concatenate([truth.rows for truth in truths]))
        deleted = np.stack([np.isin(rows, truth.members) for truth in truths])
        outside = np.stack([np.isin(rows, truth.non_members) for truth in truths])
        after = np.stack(
            [version_logits(plan.versions[one.after], answers, rows) for one in deletions]
        )
        odds = log_odds(after, labels[rows])
        return _Case(deletions, truths, rows, deleted, deleted | outside, after, odds)


def _separation(found: Mapping[str, Estimate]) -> Separation:
    return Separation(auc=_figure(found["auc"]), tpr=_figure(found[f"tpr@{FPR}"]))


def _figure(estimate: Optional[tuple[Optional[float], Optional[tuple[float, float]]]]) -> Figure:
    value, interval = estimate or (None, None)
    return Figure(value=value, interval=interval)
