"""Where a finished run measured something: a version of its target, and records of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mia_dual import metrics
from mia_dual.errors import StoreError
from mia_dual.plan.splits import Membership
from mia_dual.report.results import AttackResult
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.truth import deletion_truths, target_truth

ROUNDING = 1e-9
"""By which a figure worked out again may differ: machines sum in other orders."""


@dataclass(frozen=True)
class AttackPlace:
    """The members and non-members attacks were scored on, and what ``results.json`` says of it."""

    name: str
    version: str
    truth: Membership
    success: Mapping[str, AttackResult]

    @property
    def membership(self) -> np.ndarray:
        """(records,) bool, in the order of ``truth.rows``."""
        return np.repeat([True, False], [len(self.truth.members), len(self.truth.non_members)])


@dataclass(frozen=True)
class AccuracyPlace:
    """The records a version was measured on, and its accuracy as ``results.json`` says."""

    name: str
    version: str
    rows: np.ndarray
    accuracy: float

    def called_rightly(self, run: FinishedRun) -> np.ndarray:
        """(rows,) bool: whether the version decides for the record's label.

        Raises StoreError where the answers do not give the accuracy that the results say.
        """
        logits = run.logits(self.version, self.rows)
        right: np.ndarray = logits.argmax(axis=1) == run.labels[self.rows]
        if abs(float(right.mean()) - self.accuracy) > ROUNDING:
            raise _mixed(run, "answers/", f"the accuracy of {self.name}")
        return right


def attack_places(run: FinishedRun) -> dict[str, AttackPlace]:
    """By name: the original, the groups, then each deletion's retained and deleted records,
    before and after. Raises StoreError where scores do not give the AUC that the results say.
    """
    places = {place.name: place for place in _attack_places(run)}
    for place in places.values():
        for attack, success in place.success.items():
            scores = run.scores.of(attack, place.version, place.truth.rows)
            found = metrics.auc(place.membership, scores)
            told = success.auc
            if (found is None) != (told is None) or abs((found or 0) - (told or 0)) > ROUNDING:
                raise _mixed(run, "scores.npz", f"the AUC of {attack} on {place.name}")
    return places


def _mixed(run: FinishedRun, file: str, figure: str) -> StoreError:
    return StoreError(
        f"run '{run.path}': results.json and {file} do not belong together ({figure}): the "
        "command that made the run makes it again from what is stored"
    )


def _attack_places(run: FinishedRun) -> Iterator[AttackPlace]:
    results, seed, labels = run.results, run.results.seed, run.labels
    truth = target_truth(seed, run.target, labels)
    yield AttackPlace("original", "original", truth, results.attacks)
    if results.grouped is not None:
        yield AttackPlace("groups", "groups", truth, results.grouped.attacks)
    for planned, deletion in zip(run.plan.deletions, results.deletion):
        request = run.requests[planned.request]
        retained, deleted = deletion_truths(
            seed, request.name, request.retained, request.deleted, run.target.non_members, labels
        )
        name = f"{request.name} {planned.method}"
        overall = {attack: found.overall for attack, found in deletion.attacks.items()}
        forgotten = {attack: found.deleted for attack, found in deletion.attacks.items()}
        for what, truth_of, pairs in (
            ("retained", retained, overall),
            ("deleted", deleted, forgotten),
        ):
            before = {attack: pair.before for attack, pair in pairs.items()}
            after = {attack: pair.after for attack, pair in pairs.items()}
            yield AttackPlace(f"{name}: {what}, before", planned.before, truth_of, before)
            yield AttackPlace(f"{name}: {what}, after", planned.after, truth_of, after)


def accuracy_places(run: FinishedRun) -> dict[str, AccuracyPlace]:
    """By name: the original and the groups on members and non-members, then each deletion."""
    return {place.name: place for place in _accuracy_places(run)}


def _accuracy_places(run: FinishedRun) -> Iterator[AccuracyPlace]:
    members, non_members = run.target.members, run.target.non_members
    wholes = {"original": run.results.target, "groups": run.results.grouped}
    for version, found in wholes.items():
        if found is not None:
            yield AccuracyPlace(f"{version}: members", version, members, found.train_accuracy)
            yield AccuracyPlace(
                f"{version}: non-members", version, non_members, found.test_accuracy
            )
    for planned, told in zip(run.plan.deletions, run.results.deletion):
        request = run.requests[planned.request]
        name, before, after = f"{request.name} {planned.method}", planned.before, planned.after
        for what, rows, one, other in (
            ("retained", request.retained, told.train_accuracy_before, told.train_accuracy),
            ("deleted", request.deleted, told.deleted_accuracy_before, told.deleted_accuracy),
            ("non-members", non_members, told.test_accuracy_before, told.test_accuracy),
        ):
            yield AccuracyPlace(f"{name}: {what}, before", before, rows, one)
            yield AccuracyPlace(f"{name}: {what}, after", after, rows, other)
