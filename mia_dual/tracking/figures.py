"""The figures of a run that a tracker compares with those of other runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from mia_dual.plan.requests import slug_of
from mia_dual.report.results import AttackResult, DeletionResult, ModelResult, Results, Success
from mia_dual.report.rows import success_figures
from mia_dual.report.strength import by_strength


class Figure(NamedTuple):
    """A number, its ``name``, what it is ``of``, as in ``attacks/loss``, and of a curve's figures
    the ``step``: the point's epochs.
    """

    of: str
    name: str
    value: float
    step: int = 0

    @property
    def path(self) -> str:
        """Both names as one, for trackers that know but one."""
        return f"{self.of}/{self.name}"


def figures(results: Results) -> list[Figure]:
    """Accuracies, the training curve, each attack's success (of all records together), and each
    deletion's.

    ``of``: ``target``; ``target/curve``, with a step a point; ``attacks/<attack>``, the strongest
    first, where ``rank`` is 1; ``grouped`` and ``grouped/attacks/<attack>``;
    ``deletion/<request>/<method>``, and below it ``<attack>/<side>/<when>``, with the sides
    ``retained`` and ``deleted``, ``before`` and ``after``, with AUCs and true-positive rates alone;
    ``compared/...`` likewise. Names are those of :class:`mia_dual.report.results.Success` and
    :class:`mia_dual.report.results.CurvePoint`, with an interval's ends as in
    :func:`mia_dual.report.rows.tidy_rows`. What cannot be known is left out.
    """
    return list(_all(results))


def _all(results: Results) -> Iterator[Figure]:
    yield from _accuracies("target", results.target)
    for point in results.curve:
        for name, value in point.model_dump(exclude={"epochs"}).items():
            yield Figure("target/curve", name, value, point.epochs)
    yield from _attacks("attacks", results.attacks)
    if results.grouped is not None:
        yield from _accuracies("grouped", results.grouped)
        yield from _attacks("grouped/attacks", results.grouped.attacks)
    for kind, found in (("deletion", results.deletion), ("compared", results.compared)):
        for one in found:
            yield from _deletion(f"{kind}/{slug_of(one.request)}/{one.method}", one)


def _accuracies(of: str, model: ModelResult) -> Iterator[Figure]:
    yield Figure(of, "train_accuracy", model.train_accuracy)
    yield Figure(of, "test_accuracy", model.test_accuracy)


def _attacks(of: str, attacks: Mapping[str, AttackResult]) -> Iterator[Figure]:
    for rank, name in enumerate(by_strength(attacks), start=1):
        found = attacks[name]
        epsilons = {"epsilon": found.epsilon, "epsilon_one_run": found.epsilon_one_run}
        yield from _known(f"{of}/{name}", {"rank": rank, **success_figures(found), **epsilons})


def _deletion(of: str, deletion: DeletionResult) -> Iterator[Figure]:
    yield from _known(of, _numbers(deletion))
    for attack, around in deletion.attacks.items():
        for side, change in (("retained", around.overall), ("deleted", around.deleted)):
            yield from _known(f"{of}/{attack}/{side}/before", _short(change.before))
            yield from _known(f"{of}/{attack}/{side}/after", _short(change.after))


def _short(found: Success) -> dict[str, Any]:
    """The AUC with its interval, and members found: there are thousands of deletions' figures."""
    rates = {f"tpr_at_fpr_{rate}": share for rate, share in found.tpr_at_fpr.items()}
    figures = success_figures(found)
    return {**{name: figures[name] for name in ("auc", "auc_low", "auc_high")}, **rates}


def _numbers(part: BaseModel) -> dict[str, Any]:
    return {name: value for name, value in part if isinstance(value, (int, float))}


def _known(of: str, named: Mapping[str, Any]) -> Iterator[Figure]:
    for name, value in named.items():
        if value is not None:
            yield Figure(of, name, float(value))
