"""Measures scores of known membership: of one target, or of several at once."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, Optional

import numpy as np

from mia_dual import metrics
from mia_dual.attacks.cuts import AIMED_RATES
from mia_dual.metrics.epsilon import epsilon_from_one_run, epsilon_from_rates
from mia_dual.metrics.rates import (
    advantage,
    false_positive_rate,
    precision_at,
    true_positive_rate,
    wilson,
)
from mia_dual.metrics.repeated import pooled_figures
from mia_dual.report.results import AttackResult, ClassResult, Decision, Success, TargetSuccess
from mia_dual.seeds import generator
from mia_dual.walks.trials import Trials

RATES = {"0": 0.0, **{str(rate): rate for rate in sorted(AIMED_RATES)}}
"""Where the ROC curve is read: an attack that matters finds members without false alarms."""

PRIORS = (0.5, 0.1, 0.01)
"""Shares of members among all people at which precision is told."""


def assess(
    trials: Trials, labels: np.ndarray, targets: Sequence[str], seed: int, drawn: bool
) -> AttackResult:
    """An attack's success, overall, per class and per target.

    ``labels`` are those of all records, ``targets`` the names of those that ``trials`` are of.
    Memberships are used here, to score, and nowhere else. ``seed`` draws what is resampled.
    ``drawn``: whether members were drawn at random, as a bound of epsilon from one run supposes.
    """
    per_class = [
        ClassResult(label=int(label), **_figures(trials.take(chosen), seed))
        for label in np.unique(labels[trials.rows])
        for chosen in [labels[trials.rows] == label]
    ]
    alone = [trials.take(trials.target == number) for number in range(len(targets))]
    several = len(targets) > 1
    return AttackResult(
        **_figures(trials, seed),
        decisions=_decisions(trials),
        epsilon=_epsilon(trials),
        epsilon_one_run=_one_run(alone, labels, seed) if drawn else None,
        per_class=per_class,
        per_target=[
            TargetSuccess(target=name, **_figures(one, seed))
            for name, one in zip(targets, alone)
            if several
        ],
    )


def succeed(trials: Trials, seed: int) -> Success:
    """An attack's success overall."""
    return Success(**_figures(trials, seed))


def _figures(trials: Trials, seed: int) -> dict[str, Any]:
    membership, accused = trials.membership, trials.accused()
    there = {} if accused is None else {"membership": membership, "accused": accused}
    return {
        "members": int(membership.sum()),
        "non_members": int((~membership).sum()),
        "accuracy": metrics.accuracy(**there) if there else None,
        "advantage": advantage(**there) if there else None,
        "precision": metrics.precision(**there) if there else None,
        "recall": metrics.recall(**there) if there else None,
        "f1": metrics.f1(**there) if there else None,
        **_ranked(trials, seed),
    }


def _ranked(trials: Trials, seed: int) -> dict[str, Any]:
    """What needs no threshold: the AUC and the TPRs, with intervals."""
    membership, scores = trials.membership, trials.scores
    if len(np.unique(trials.target)) > 1:
        _, table, inside, asked = trials.matrices()
        rng = generator(seed, "findings", "resampling")
        found = pooled_figures(inside, table, list(RATES.values()), rng, asked)
        of_rates = {name: found[f"tpr@{rate}"] for name, rate in RATES.items()}
        return {
            "auc": found["auc"].value,
            "auc_interval": found["auc"].interval,
            "tpr_at_fpr": {name: figure.value for name, figure in of_rates.items()},
            "tpr_interval": {name: figure.interval for name, figure in of_rates.items()},
        }
    members = int(membership.sum())
    rates = {name: metrics.tpr_at_fpr(membership, scores, rate) for name, rate in RATES.items()}
    return {
        "auc": metrics.auc(membership, scores),
        "auc_interval": metrics.auc_interval(membership, scores),
        "tpr_at_fpr": rates,
        "tpr_interval": {
            name: None if found is None else wilson(round(found * members), members)
            for name, found in rates.items()
        },
    }


def _decisions(trials: Trials) -> list[Decision]:
    found = []
    for cut, aimed in enumerate(AIMED_RATES, start=1):
        accused = trials.accused(cut)
        if accused is None:
            continue
        inside, outside = accused[trials.membership], accused[~trials.membership]
        tpr = true_positive_rate(trials.membership, accused)
        fpr = false_positive_rate(trials.membership, accused)
        found.append(
            Decision(
                aimed_fpr=aimed,
                fpr=fpr,
                fpr_interval=wilson(int(outside.sum()), len(outside)),
                tpr=tpr,
                tpr_interval=wilson(int(inside.sum()), len(inside)),
                precision_at_prior={str(prior): precision_at(prior, tpr, fpr) for prior in PRIORS},
            )
        )
    return found


def _epsilon(trials: Trials) -> Optional[float]:
    accused = [trials.accused(cut) for cut in range(1 + len(AIMED_RATES))]
    fitted = [decisions for decisions in accused if decisions is not None]
    if not fitted:
        return None
    return epsilon_from_rates(trials.membership, np.stack(fitted))


def _one_run(alone: Sequence[Trials], labels: np.ndarray, seed: int) -> Optional[float]:
    found = [
        epsilon_from_one_run(
            one.membership,
            one.scores,
            generator(seed, "findings", "pairs", str(number)),
            # Records are balanced class by class, so only those of one class could change places.
            strata=labels[one.rows],
        )
        for number, one in enumerate(alone)
    ]
    known = [epsilon for epsilon in found if epsilon is not None]
    return median(known) if known else None
