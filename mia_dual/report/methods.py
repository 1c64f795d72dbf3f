"""Every way of treating a request on one page: what deletes, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

from mia_dual.plan.plan import EXACT, Method
from mia_dual.report.results import DeletionResult, Results, Success

Kind = Literal["as it was", "deletion", "never saw it", "approximate"]
"""What a model is to the forget set: one that saw it and is as it was; one that was trained again
without it as a deletion asks; one that never saw it and differs by its draws; one that saw it and
was trained on.
"""

KIND_KEYS: dict[str, str] = {
    "deletion": "deletion",
    "never saw it": "reference",
    "approximate": "approximate",
}
"""Of those that are not as they were, the key that the page's words have each kind under."""

NOTE = "of these models only those by deletion are such; the others are to compare them with"
"""Beside tables of these rows. What approximates deletion is none, and nothing calls it so."""


@dataclass(frozen=True)
class MethodRow:
    """A request (with the size of its forget set) under one method, as one attack sees it.

    ``forgotten``: the forget set against records that the target never saw. ``retained``: the AUC
    of retained members against non-members. ``steps``: optimizer steps it took.
    """

    request: str
    kind: Kind
    method: str
    forgotten: Success
    retained: Optional[float]
    test_accuracy: float
    steps: int


def method_rows(results: Results, attack: str) -> list[MethodRow]:
    """By request: models before, then deletions, then what they are compared with."""
    found = [entry for entry in (*results.deletion, *results.compared) if attack in entry.attacks]
    rows = []
    for request in dict.fromkeys(entry.request for entry in found):
        entries = [entry for entry in found if entry.request == request]
        # Methods on one model start from the same one, and groups from their own.
        begun = {entry.groups is not None: entry for entry in reversed(entries)}
        rows += [_row(begun[grouped], attack, "as it was") for grouped in sorted(begun)]
        rows += [_row(entry, attack, kind_of(entry.method)) for entry in entries]
    return rows


def _row(entry: DeletionResult, attack: str, kind: Kind) -> MethodRow:
    sides, before = entry.attacks[attack], kind == "as it was"
    return MethodRow(
        request=f"{entry.request} ({entry.deleted})",
        kind=kind,
        method=entry.method if not before else "original" if entry.groups is None else "groups",
        forgotten=sides.deleted.before if before else sides.deleted.after,
        retained=(sides.overall.before if before else sides.overall.after).auc,
        test_accuracy=entry.test_accuracy_before if before else entry.test_accuracy,
        steps=0 if before else entry.steps,
    )


def kind_of(method: Method) -> Kind:
    """What a model that was made by ``method`` is to the forget set."""
    if method in EXACT:
        return "deletion"
    return "never saw it" if method == "reference" else "approximate"
