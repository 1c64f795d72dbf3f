"""From answers and scores to findings: the targets, their groups, and each deletion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

import numpy as np

from mia_dual.answers import Answers
from mia_dual.deletion.versions import version_logits
from mia_dual.plan.plan import Method, Plan, PlannedDeletion, of_target
from mia_dual.plan.splits import Membership
from mia_dual.progress import Advance
from mia_dual.report.results import (
    AttackResult,
    BeforeAfter,
    DeletionAttack,
    DeletionResult,
    GroupedResult,
    ModelResult,
    Success,
)
from mia_dual.signals import accuracy
from mia_dual.walks.assess import assess, succeed
from mia_dual.walks.forgetting import Inquiry
from mia_dual.walks.scoring import Scores
from mia_dual.walks.trials import Place, trials_at
from mia_dual.walks.truth import deletion_truths, target_truth


class Judge:
    """Measures the versions of a plan's targets on members, non-members and deleted records.

    ``drawn``: whether members were drawn at random by the plan, and not given. ``single``: scores
    of groups beside ``scores``, by attacks that learnt from shadows of one model each; None where
    there are none beside.
    """

    def __init__(
        self,
        plan: Plan,
        labels: np.ndarray,
        answers: Answers,
        scores: Scores,
        drawn: bool,
        single: Optional[Scores] = None,
    ) -> None:
        self._plan, self._answers, self._scores = plan, answers, scores
        self._labels, self._drawn, self._single = labels, drawn, single
        self._found: dict[tuple[object, ...], Success] = {}

    def model(self, version: str) -> ModelResult:
        """Accuracy on members and non-members; ``version`` is named as the first target's is."""
        targets = self._plan.targets
        versions = [of_target(target.name, version) for target in targets]
        return ModelResult(
            train_accuracy=self._accuracy(
                versions, [target.membership.members for target in targets]
            ),
            test_accuracy=self._accuracy(
                versions, [target.membership.non_members for target in targets]
            ),
        )

    def places(self, version: str) -> list[Place]:
        """Every target's ``version``, and its balanced members and non-members."""
        plan = self._plan
        return [
            Place(
                of_target(target.name, version),
                target_truth(plan.seed, target.membership, self._labels, target.name),
            )
            for target in plan.targets
        ]

    def attacks(self, version: str) -> dict[str, AttackResult]:
        """Success on balanced members and non-members, of every attack that ran on ``version``."""
        return self._attacks(version, self._scores)

    def _attacks(self, version: str, scores: Scores) -> dict[str, AttackResult]:
        places = self.places(version)
        names = [target.name for target in self._plan.targets]
        return {
            attack: assess(
                trials_at(scores, attack, places),
                self._labels,
                names,
                self._plan.seed,
                self._drawn,
            )
            for attack in scores.attacks(version)
        }

    def grouped(self, not_run: Mapping[str, str]) -> Optional[GroupedResult]:
        """The groups before any deletion; None where there are none.

        ``not_run``: attacks that did not run on groups alone, and what each lacks.
        """
        if "groups" not in self._plan.versions:
            return None
        return GroupedResult(
            **self.model("groups").model_dump(),
            groups=len(self._plan.groups),
            fitted_on="grouped" if self._plan.shadow_groups else "single",
            attacks=self.attacks("groups"),
            attacks_with_single_shadows=None
            if self._single is None
            else self._attacks("groups", self._single),
            not_run=dict(not_run),
        )

    def deletions(
        self,
        methods: Sequence[Method],
        steps: dict[str, int],
        inquiry: Inquiry,
        report: Advance,
    ) -> list[DeletionResult]:
        """Every request by each of ``methods``, over all targets; ``steps`` are those of each
        model, ``inquiry`` looks at what is left of forget sets, and ``report`` is told of each
        target's deletion.
        """
        found = []
        for deletions in self._plan.deletions_alike(methods).values():
            found.append(self._deletion(deletions, steps, inquiry))
            report(len(deletions))
        return found

    def _deletion(
        self, deletions: Sequence[PlannedDeletion], steps: dict[str, int], inquiry: Inquiry
    ) -> DeletionResult:
        """One request by one method: ``deletions`` are those of the targets that take part, one
        each.
        """
        plan, first = self._plan, deletions[0]
        memberships = {target.name: target.membership for target in plan.targets}
        groups = {target.name: len(target.groups) for target in plan.targets}
        non_members = [memberships[deletion.target].non_members for deletion in deletions]
        requests = [deletion.request for deletion in deletions]
        truths = [
            deletion_truths(plan.seed, request, outside, self._labels, deletion.target)
            for deletion, request, outside in zip(deletions, requests, non_members)
        ]
        before = [deletion.before for deletion in deletions]
        after = [deletion.after for deletion in deletions]

        def both(scores: Scores, attack: str, side: int) -> BeforeAfter:
            chosen = [truth[side] for truth in truths]
            where = (first.request.name, side)
            return BeforeAfter(
                **{
                    when: self._succeed(scores, attack, where, versions, chosen)
                    for when, versions in (("before", before), ("after", after))
                }
            )

        grouped = first.method == "grouped"
        retained = [request.retained for request in requests]
        deleted = [request.deleted for request in requests]
        retrained = [plan.versions[name].retrained for name in after]
        return DeletionResult(
            request=first.request.name,
            method=first.method,
            ratio=first.request.ratio,
            deleted=sum(map(len, deleted)),
            retained=sum(map(len, retained)),
            groups=sum(groups[deletion.target] for deletion in deletions) if grouped else None,
            groups_retrained=sum(map(len, retrained)) if grouped else None,
            steps=sum(steps[model] for models in retrained for model in models),
            train_accuracy=self._accuracy(after, retained),
            test_accuracy=self._accuracy(after, non_members),
            deleted_accuracy=self._accuracy(after, deleted),
            train_accuracy_before=self._accuracy(before, retained),
            test_accuracy_before=self._accuracy(before, non_members),
            deleted_accuracy_before=self._accuracy(before, deleted),
            attacks={
                attack: DeletionAttack(
                    overall=both(self._scores, attack, 0), deleted=both(self._scores, attack, 1)
                )
                for attack in self._scores.attacks(first.after)
            },
            deleted_with_single_shadows=None
            if self._single is None or not grouped
            else {
                attack: both(self._single, attack, 1)
                for attack in self._single.attacks(first.after)
            },
            forgetting=inquiry.into(deletions, [forgotten for _, forgotten in truths]),
        )

    def _succeed(
        self,
        scores: Scores,
        attack: str,
        where: tuple[str, int],
        versions: Sequence[str],
        truths: Sequence[Membership],
    ) -> Success:
        """How well ``attack`` does on ``truths``, which are those of ``where``."""
        key = (scores is self._single, attack, *where, *versions)
        # Methods are many, and most go on from the same versions.
        if key not in self._found:
            places = [Place(*pair) for pair in zip(versions, truths)]
            trials = trials_at(scores, attack, places)
            self._found[key] = succeed(trials, self._plan.seed)
        return self._found[key]

    def _accuracy(self, versions: Sequence[str], rows: Sequence[np.ndarray]) -> float:
        """Over all targets: each version asked about its own rows."""
        said = [
            version_logits(self._plan.versions[version], self._answers, asked)
            for version, asked in zip(versions, rows)
        ]
        return accuracy(np.concatenate(said), self._labels[np.concatenate(rows)])
