"""From answers and scores to findings: the target, its groups, and each deletion."""

from __future__ import annotations

import numpy as np

from mia_dual.answers import Answers
from mia_dual.deletion.versions import version_logits
from mia_dual.plan.plan import Plan, PlannedDeletion
from mia_dual.plan.splits import Membership
from mia_dual.report.results import (
    AttackResult,
    BeforeAfter,
    DeletionAttack,
    DeletionResult,
    GroupedResult,
    ModelResult,
)
from mia_dual.signals import accuracy
from mia_dual.walks.assess import assess
from mia_dual.walks.scoring import Scores
from mia_dual.walks.truth import deletion_truths, target_truth


class Judge:
    """Measures the versions of a plan's target on its members, non-members and deleted records."""

    def __init__(self, plan: Plan, labels: np.ndarray, answers: Answers, scores: Scores) -> None:
        self._plan, self._answers, self._scores = plan, answers, scores
        self._labels = labels

    def model(self, version: str) -> ModelResult:
        """Accuracy on members and non-members."""
        target = self._plan.split.target
        return ModelResult(
            train_accuracy=self._accuracy(version, target.members),
            test_accuracy=self._accuracy(version, target.non_members),
        )

    def attacks(self, version: str) -> dict[str, AttackResult]:
        """Every attack's success on balanced members and non-members."""
        truth = target_truth(self._plan.seed, self._plan.split.target, self._labels)
        return {attack: self._success(attack, version, truth) for attack in self._scores.table}

    def grouped(self) -> GroupedResult | None:
        """The groups before any deletion; None where there are none."""
        if "groups" not in self._plan.versions:
            return None
        return GroupedResult(
            **self.model("groups").model_dump(),
            groups=len(self._plan.groups),
            attacks=self.attacks("groups"),
        )

    def deletion(self, deletion: PlannedDeletion, steps: int) -> DeletionResult:
        """One deletion, before and after; ``steps`` is what the retraining took."""
        request, before, after = deletion.request, deletion.before, deletion.after
        non_members = self._plan.split.target.non_members
        overall, deleted = deletion_truths(
            self._plan.seed,
            request.name,
            request.retained,
            request.deleted,
            non_members,
            self._labels,
        )

        def both(attack: str, truth: Membership) -> BeforeAfter:
            return BeforeAfter(
                before=self._success(attack, before, truth),
                after=self._success(attack, after, truth),
            )

        grouped = deletion.method == "grouped"
        return DeletionResult(
            request=request.name,
            method=deletion.method,
            ratio=request.ratio,
            deleted=len(request.deleted),
            retained=len(request.retained),
            groups=len(self._plan.groups) if grouped else None,
            groups_retrained=len(self._plan.versions[after].retrained) if grouped else None,
            steps=steps,
            train_accuracy=self._accuracy(after, request.retained),
            test_accuracy=self._accuracy(after, non_members),
            deleted_accuracy=self._accuracy(after, request.deleted),
            train_accuracy_before=self._accuracy(before, request.retained),
            test_accuracy_before=self._accuracy(before, non_members),
            deleted_accuracy_before=self._accuracy(before, request.deleted),
            attacks={
                attack: DeletionAttack(overall=both(attack, overall), deleted=both(attack, deleted))
                for attack in self._scores.table
            },
        )

    def _success(self, attack: str, version: str, truth: Membership) -> AttackResult:
        return assess(self._scores.of(attack, version, truth.rows), truth, self._labels)

    def _accuracy(self, version: str, rows: np.ndarray) -> float:
        logits = version_logits(self._plan.versions[version], self._answers, rows)
        return accuracy(logits, self._labels[rows])
