"""``study.json``: what a study found, every figure over seeds.

Nothing here depends on when or where it took place, nor on what was stored before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

from pydantic import BaseModel, ConfigDict, Field

from mia_dual import metrics
from mia_dual.report.results import BeforeAfter, DeletionResult, Results, Success
from mia_dual.study_settings import Study, Variation

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes."""

LOW_FPR = "0.1"
"""The false-positive rate of the figures ``tpr``."""


class _Finding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Finding):
    """A figure over seeds; null where no seed gives it."""

    mean: Optional[float]
    low: Optional[float] = Field(
        description="of the 95 % interval of the mean: Student's t over seeds, cut to what the "
        "figure can be; null for fewer than two seeds"
    )
    high: Optional[float]
    seeds: list[Optional[float]] = Field(description="a value each, in the order of the study's")


class Point(_Finding):
    """One value of what varies; in a study of deletions, one deletion at one value.

    ``figures`` by name. ``train_accuracy`` on members (after a deletion, on those left),
    ``test_accuracy`` on non-members, ``gap`` their difference. Of each attack ``auc.<attack>`` and
    ``tpr.<attack>``, the members found at a false-positive rate of .1, on members (those left)
    and non-members. Of a deletion also ``deleted_accuracy`` and ``auc_deleted.<attack>``, deleted
    records against non-members, ``auc_deleted_before.<attack>``, the same records before it, and
    ``auc_deleted_change.<attack>``, what the deletion changed. Where records were chosen by what
    they are, only the change tells of membership: outliers score low before and after.
    """

    value: str
    across: str = Field(description="the value; of a pair its first")
    series: str = Field(description="the second of a pair, what a deletion is of, or empty")
    number: Optional[float] = Field(
        description="where the point lies: the value where that is a number, or the share deleted"
    )
    deleted: Optional[float] = Field(
        description="share of the members deleted, 0 before any; null where none is studied"
    )
    method: Optional[str] = Field(description="of retraining; null where no deletion is studied")
    figures: dict[str, Figure]


class StudyResults(_Finding):
    """A whole study."""

    schema_version: int = SCHEMA_VERSION
    name: str
    backends: list[str]
    data: str
    keys: list[str] = Field(description="what varies; empty where each value names its settings")
    label: str = Field(description="what the values are, in words")
    seeds: list[int]
    attacks: list[str]
    x: str = Field(description="what is drawn across")
    y: list[str] = Field(description="what is drawn upwards")
    points: list[Point]
    finding: str = Field(description="what was found, in one sentence")


def gather(study: Study, results: Sequence[Results]) -> StudyResults:
    """The findings of ``study``, but for the sentence; ``results`` of its runs, in their order."""
    by_value: dict[str, tuple[Variation, list[Results]]] = {}
    for run, found in zip(study.runs, results):
        by_value.setdefault(run.variation.name, (run.variation, []))[1].append(found)
    points: list[Point] = []
    for variation, of_seeds in by_value.values():
        if study.settings.x == "deleted":
            points += _deletions(variation, of_seeds)
        else:
            points.append(_original(variation, of_seeds))
    any_run = results[0]
    return StudyResults(
        name=study.name,
        backends=sorted({found.backend for found in results}),
        data=any_run.data.name,
        keys=list(study.settings.key),
        label=study.settings.label or ", ".join(study.settings.key) or "settings",
        seeds=list(study.settings.seeds),
        attacks=list(dict.fromkeys(name for found in results for name in found.attacks)),
        x=study.settings.x,
        y=list(study.settings.y),
        points=points,
        finding="",
    )


def over_seeds(values: Sequence[Optional[float]], lowest: float, highest: float) -> Figure:
    """``values``, one a seed, as a figure that lies in ``lowest`` .. ``highest``."""
    known = [value for value in values if value is not None]
    if not known:
        return Figure(mean=None, low=None, high=None, seeds=list(values))
    mean, interval = metrics.mean_interval(known)
    low, high = interval or (None, None)
    return Figure(
        mean=mean,
        low=None if low is None else max(low, lowest),
        high=None if high is None else min(high, highest),
        seeds=list(values),
    )


def _original(variation: Variation, of_seeds: Sequence[Results]) -> Point:
    return Point(
        value=variation.name,
        across=variation.across,
        series=variation.series,
        number=variation.number,
        deleted=None,
        method=None,
        figures=_figures([_of_target(found) for found in of_seeds]),
    )


def _of_target(found: Results, grouped: bool = False) -> dict[str, Optional[float]]:
    model = found.grouped if grouped and found.grouped is not None else found.target
    attacks = found.grouped.attacks if grouped and found.grouped is not None else found.attacks
    return {
        **_accuracies(model.train_accuracy, model.test_accuracy),
        **_successes(attacks),
    }


def _deletions(variation: Variation, of_seeds: Sequence[Results]) -> list[Point]:
    methods = list(dict.fromkeys(deletion.method for deletion in of_seeds[0].deletion))
    points = []
    for method in methods:
        series = variation.name if len(methods) == 1 else f"{variation.name}, {method}"

        def point(
            share: float,
            figures: list[dict[str, Optional[float]]],
            series: str = series,
            method: str = method,
        ) -> Point:
            return Point(
                value=variation.name,
                across=variation.across,
                series=series,
                number=share,
                deleted=share,
                method=method,
                figures=_figures(figures),
            )

        points.append(point(0.0, [_of_target(found, method == "grouped") for found in of_seeds]))
        requests = [entry.request for entry in of_seeds[0].deletion if entry.method == method]
        for request in requests:
            found = [
                entry
                for results in of_seeds
                for entry in results.deletion
                if (entry.request, entry.method) == (request, method)
            ]
            share = sum(entry.ratio for entry in found) / len(found)
            points.append(point(share, [_of_deletion(entry) for entry in found]))
    return points


def _of_deletion(entry: DeletionResult) -> dict[str, Optional[float]]:
    overall = {name: attack.overall.after for name, attack in entry.attacks.items()}
    return {
        **_accuracies(entry.train_accuracy, entry.test_accuracy),
        **_successes(overall),
        "deleted_accuracy": entry.deleted_accuracy,
        **{
            key: value
            for name, attack in entry.attacks.items()
            for key, value in _of_deleted(name, attack.deleted).items()
        },
    }


def _of_deleted(attack: str, success: BeforeAfter) -> dict[str, Optional[float]]:
    before, after = success.before.auc, success.after.auc
    change = None if before is None or after is None else after - before
    return {
        f"auc_deleted.{attack}": after,
        f"auc_deleted_before.{attack}": before,
        f"auc_deleted_change.{attack}": change,
    }


def _accuracies(train: float, test: float) -> dict[str, Optional[float]]:
    return {"train_accuracy": train, "test_accuracy": test, "gap": train - test}


def _successes(attacks: Mapping[str, Success]) -> dict[str, Optional[float]]:
    found = {}
    for name, attack in attacks.items():
        found[f"auc.{name}"] = attack.auc
        found[f"tpr.{name}"] = attack.tpr_at_fpr[LOW_FPR]
    return found


def _figures(of_seeds: Sequence[dict[str, Optional[float]]]) -> dict[str, Figure]:
    return {
        name: over_seeds(
            [found.get(name) for found in of_seeds],
            -1.0 if name.partition(".")[0] in DIFFERENCES else 0.0,
            1.0,
        )
        for name in of_seeds[0]
    }


DIFFERENCES = ("gap", "auc_deleted_change")
"""Figures that may be below 0."""

TITLES = {
    "train_accuracy": "accuracy on members",
    "test_accuracy": "accuracy on non-members",
    "gap": "gap of accuracies",
    "auc": "AUC of {attack}",
    "tpr": "TPR at 10 % FPR of {attack}",
    "deleted_accuracy": "accuracy on deleted records",
    "auc_deleted": "AUC of {attack} on deleted records",
    "auc_deleted_before": "AUC of {attack} on the same records before",
    "auc_deleted_change": "change of AUC of {attack} on deleted records",
    "deleted": "share deleted",
}
"""Figures in words."""


def title(figure: str) -> str:
    """A figure's name, as ``auc.shadow_fcnet``, in words."""
    name, _, attack = figure.partition(".")
    return TITLES[name].format(attack=attack)


def drawn_figures(results: StudyResults, drawn: str) -> list[str]:
    """The figures that ``drawn``, one of a study's ``y``, stands for: one, or one an attack."""
    if "{attack}" in TITLES[drawn]:
        return [f"{drawn}.{attack}" for attack in results.attacks]
    return [drawn]
