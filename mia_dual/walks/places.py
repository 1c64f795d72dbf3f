"""Where a finished run measured something: a version of its target, and records of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mia_dual import metrics
from mia_dual.errors import StoreError
from mia_dual.plan.plan import of_target
from mia_dual.plan.splits import Membership
from mia_dual.report.results import Success
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.trials import Place, Trials, trials_at
from mia_dual.walks.truth import deletion_truths, target_truth

ROUNDING = 1e-9
"""By which a figure worked out again may differ: machines sum in other orders."""


@dataclass(frozen=True)
class AttackPlace:
    """What attacks were scored on, a version of each target and its records, and what
    ``results.json`` says of it.
    """

    name: str
    parts: tuple[Place, ...]
    success: Mapping[str, Success]

    def trials(self, run: FinishedRun, attack: str) -> Trials:
        """What ``attack`` scored here in ``run``."""
        return trials_at(run.scores, attack, self.parts)

    @property
    def members(self) -> int:
        """How many, a record counting once a target."""
        return sum(len(part.truth.members) for part in self.parts)

    @property
    def non_members(self) -> int:
        """How many, likewise."""
        return sum(len(part.truth.non_members) for part in self.parts)


@dataclass(frozen=True)
class AccuracyPlace:
    """The records a version of each target was measured on, and the accuracy over all of them as
    ``results.json`` says.
    """

    name: str
    parts: tuple[tuple[str, np.ndarray], ...]
    accuracy: float

    def called_rightly(self, run: FinishedRun) -> np.ndarray:
        """(records,) bool: whether the version decides for the record's label.

        Raises StoreError where the answers do not give the accuracy that the results say.
        """
        right = np.concatenate(
            [
                run.logits(version, rows).argmax(axis=1) == run.labels[rows]
                for version, rows in self.parts
            ]
        )
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
            trials = place.trials(run, attack)
            found, told = metrics.auc(trials.membership, trials.scores), success.auc
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
    truths = {
        name: target_truth(seed, membership, labels, name)
        for name, membership in run.targets.items()
    }
    wholes = [("original", results.attacks)]
    if results.grouped is not None:
        wholes.append(("groups", results.grouped.attacks))
    for version, attacks in wholes:
        parts = tuple(Place(of_target(name, version), truth) for name, truth in truths.items())
        yield AttackPlace(version, parts, attacks)
    for deletions, found in run.deletions():
        sides: tuple[list[Membership], list[Membership]] = ([], [])
        for deletion in deletions:
            request = run.requests[deletion.target, deletion.request]
            pair = deletion_truths(
                seed,
                request,
                run.targets[deletion.target].non_members,
                labels,
                deletion.target,
            )
            for side, truth in zip(sides, pair):
                side.append(truth)
        name = f"{found.request} {found.method}"
        overall = {attack: change.overall for attack, change in found.attacks.items()}
        forgotten = {attack: change.deleted for attack, change in found.attacks.items()}
        for what, side, pairs in zip(("retained", "deleted"), sides, (overall, forgotten)):
            before = {attack: change.before for attack, change in pairs.items()}
            after = {attack: change.after for attack, change in pairs.items()}
            ones = tuple(map(Place, (deletion.before for deletion in deletions), side))
            others = tuple(map(Place, (deletion.after for deletion in deletions), side))
            yield AttackPlace(f"{name}: {what}, before", ones, before)
            yield AttackPlace(f"{name}: {what}, after", others, after)


def accuracy_places(run: FinishedRun) -> dict[str, AccuracyPlace]:
    """By name: the original and the groups on members and non-members, then each deletion."""
    return {place.name: place for place in _accuracy_places(run)}


def _accuracy_places(run: FinishedRun) -> Iterator[AccuracyPlace]:
    targets = run.targets
    wholes = {"original": run.results.target, "groups": run.results.grouped}
    for version, found in wholes.items():
        if found is not None:
            named = {name: of_target(name, version) for name in targets}
            inside = tuple((named[name], one.members) for name, one in targets.items())
            outside = tuple((named[name], one.non_members) for name, one in targets.items())
            yield AccuracyPlace(f"{version}: members", inside, found.train_accuracy)
            yield AccuracyPlace(f"{version}: non-members", outside, found.test_accuracy)
    for deletions, told in run.deletions():
        requests = [run.requests[deletion.target, deletion.request] for deletion in deletions]
        for what, rows, one, other in (
            (
                "retained",
                [request.retained for request in requests],
                told.train_accuracy_before,
                told.train_accuracy,
            ),
            (
                "deleted",
                [request.deleted for request in requests],
                told.deleted_accuracy_before,
                told.deleted_accuracy,
            ),
            (
                "non-members",
                [targets[deletion.target].non_members for deletion in deletions],
                told.test_accuracy_before,
                told.test_accuracy,
            ),
        ):
            name = f"{told.request} {told.method}: {what}"
            before = tuple(zip((deletion.before for deletion in deletions), rows))
            after = tuple(zip((deletion.after for deletion in deletions), rows))
            yield AccuracyPlace(f"{name}, before", before, one)
            yield AccuracyPlace(f"{name}, after", after, other)
