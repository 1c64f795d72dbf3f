"""The results as rows, one a measurement, for whoever counts with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from mia_dual.report.results import AttackResult, Results, Success

FIGURES = ("auc", "accuracy", "advantage", "precision", "recall", "f1", "tpr_at_fpr_")
"""How the columns of figures begin that may be None."""


def tidy_rows(results: Results) -> list[dict[str, Any]]:
    """One row for each attack, version of the target, side measured, and scope.

    ``version``: ``original`` (the target), ``groups`` (grouped models before any deletion), or
    ``<method>-<request>`` (``full-10%``, after it, or ``reference-10%`` and the like, a model to
    compare it with). ``side``: what is told from non-members: ``members``; around a deletion
    ``retained`` or ``deleted``. ``request`` and ``method``: what was asked and what was done, None
    beside the target's own rows; versions before have rows for each request, since its records are
    measured then, too. ``scope``: ``all``; ``class`` with its ``label``, and ``target`` with its
    ``target``, on the target's own rows. Then every figure of
    :class:`mia_dual.report.results.Success`, the interval as ``auc_low`` and ``auc_high``, and
    true-positive rates as ``tpr_at_fpr_0.001`` and the like, with ``_low`` and ``_high``.
    """
    return [
        {"network": results.network, "data": results.data.name, "backend": results.backend,
         "seed": results.seed, **row}
        for row in _rows(results)
    ]  # fmt: skip


def types(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The pandas type of each column of ``rows`` that would be guessed otherwise where all of its
    values are None, or some.
    """
    first = next(iter(rows), {})
    figures = [name for name in first if name.startswith(FIGURES)]
    return {"label": "Int64", **dict.fromkeys(figures, "float64")} if first else {}


def _rows(results: Results) -> Iterator[dict[str, Any]]:
    for attack, found in results.attacks.items():
        yield from _of(attack, "original", "members", found)
    if results.grouped is not None:
        for attack, found in results.grouped.attacks.items():
            yield from _of(attack, "groups", "members", found)
    for deletion in (*results.deletion, *results.compared):
        before = "original" if deletion.groups is None else "groups"
        after = f"{deletion.method}-{deletion.request}"
        asked = (deletion.request, deletion.method)
        for attack, pair in deletion.attacks.items():
            for side, change in (("retained", pair.overall), ("deleted", pair.deleted)):
                yield from _of(attack, before, side, change.before, *asked)
                yield from _of(attack, after, side, change.after, *asked)


def _of(
    attack: str,
    version: str,
    side: str,
    found: Success,
    request: Optional[str] = None,
    method: Optional[str] = None,
) -> Iterator[dict[str, Any]]:
    place = {
        "attack": attack,
        "version": version,
        "side": side,
        "request": request,
        "method": method,
    }
    yield {**place, "scope": "all", "label": None, "target": None, **success_figures(found)}
    if isinstance(found, AttackResult):
        for row in found.per_class:
            one = {"scope": "class", "label": row.label, "target": None}
            yield {**place, **one, **success_figures(row)}
        for of_target in found.per_target:
            one = {"scope": "target", "label": None, "target": of_target.target}
            yield {**place, **one, **success_figures(of_target)}


def success_figures(found: Success) -> dict[str, Any]:
    """Every figure of ``found`` by the name of its column; None where it cannot be known."""
    figures = found.model_dump(include=set(Success.model_fields))
    low, high = figures.pop("auc_interval") or (None, None)
    rates, intervals = figures.pop("tpr_at_fpr"), figures.pop("tpr_interval")
    of_rates = {}
    for rate, share in rates.items():
        ends = intervals[rate] or (None, None)
        of_rates[f"tpr_at_fpr_{rate}"] = share
        of_rates[f"tpr_at_fpr_{rate}_low"], of_rates[f"tpr_at_fpr_{rate}_high"] = ends
    return {**figures, "auc_low": low, "auc_high": high, **of_rates}
