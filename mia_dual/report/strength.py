"""Which attack is the strongest: what a reader is told first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

from mia_dual.report.results import AttackResult, DeletionResult, Results

SHADOW = "shadow_"
"""Begins the names of the shadow attack's, one for each kind of attack model."""


def by_strength(attacks: Mapping[str, AttackResult]) -> list[str]:
    """Names of ``attacks``, the strongest first.

    By members found at a false-positive rate of 1 %, and where too few non-members show that for
    any of them, of 10 %; then by AUC. The first of many is the luckiest, too: its figures on these
    records flatter it.
    """
    shown = rates_shown(attacks)

    def strength(name: str) -> tuple[float, ...]:
        found = attacks[name]
        figures = [*(found.tpr_at_fpr[rate] for rate in shown), found.auc]
        return tuple(-1.0 if figure is None else figure for figure in figures)

    return sorted(attacks, key=strength, reverse=True)


def rates_shown(attacks: Mapping[str, AttackResult]) -> list[str]:
    """Of the false-positive rates 1 % and 10 %, those that non-members of all ``attacks`` show, as
    ``tpr_at_fpr`` names them.
    """
    return [
        rate
        for rate in ("0.01", "0.1")
        if all(found.tpr_at_fpr[rate] is not None for found in attacks.values())
    ]


def rate_told(attacks: Mapping[str, AttackResult]) -> Optional[str]:
    """The lowest of :func:`rates_shown`, by which attacks are told and ordered; None where
    non-members are too few for either.
    """
    return next(iter(rates_shown(attacks)), None)


def strongest_around(results: Results, entries: Sequence[DeletionResult]) -> Optional[str]:
    """The strongest attack that ran around each of ``entries``; None where none did, and without
    any.
    """
    if not entries:
        return None
    names = by_strength(results.attacks)
    return next((one for one in names if all(one in entry.attacks for entry in entries)), None)


def shown_around_deletions(attacks: Mapping[str, AttackResult]) -> list[str]:
    """Those of ``attacks`` that a reader is shown before and after each deletion: the strongest,
    and the tutorial's. All are in ``results.json``.
    """
    chosen = [by_strength(attacks)[0], *(name for name in attacks if name.startswith(SHADOW))]
    return list(dict.fromkeys(chosen))
