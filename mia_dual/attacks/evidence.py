"""What shadow models teach an attack: how outputs for members differ from those for others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mia_dual.plan.splits import ManyMembership, Membership, balanced
from mia_dual.seeds import generator
from mia_dual.signals import Signal, confidences


@dataclass(frozen=True)
class Evidence:
    """Outputs of known membership: ``logits`` (records, classes) float32 or float64, ``labels``
    (records,) int64 true classes, ``membership`` (records,) bool.
    """

    logits: np.ndarray
    labels: np.ndarray
    membership: np.ndarray

    @cached_property
    def confidences(self) -> np.ndarray:
        """(records, classes) float32."""
        return confidences(self.logits)


@dataclass(frozen=True)
class Told:
    """One signal of records of known membership: ``values`` (records,) float64, ``labels``
    (records,) of the smallest unsigned type that holds them, and ``membership`` (records,) bool.
    """

    values: np.ndarray
    labels: np.ndarray
    membership: np.ndarray


def gather_evidence(
    shadows: Sequence[Membership], logits: Iterable[np.ndarray], labels: np.ndarray, seed: int
) -> Evidence:
    """Balance each shadow's members and non-members, class by class, and join all shadows.

    ``logits``: for each shadow (its rows, classes), in the order of ``Membership.rows``, held in
    memory one at a time where they come so.
    """
    chosen = balance(shadows, labels, seed)
    membership = _members_first(chosen)
    found, of_found = np.empty(0), np.empty(len(membership), np.int64)
    start = 0
    for shadow, part, outputs in zip(shadows, chosen, logits):
        inside = np.searchsorted(shadow.members, part.members)
        outside = np.searchsorted(shadow.non_members, part.non_members)
        taken = outputs[np.concatenate([inside, len(shadow.members) + outside])]
        if not start:
            # Written into as they come: parts that are joined at the end are there twice.
            found = np.empty((len(membership), taken.shape[1]), taken.dtype)
        end = start + len(taken)
        found[start:end], of_found[start:end] = taken, labels[part.rows]
        start = end
    return Evidence(found, of_found, membership)


def gather_signal(
    shadows: Sequence[Membership],
    said: Callable[[int, np.ndarray], np.ndarray],
    labels: np.ndarray,
    signal: Signal,
    seed: int,
) -> Told:
    """A ``signal`` of what :func:`gather_evidence` would join, without the logits of all shadows.

    ``said``: from a shadow's number and some of its rows to logits (rows, classes).
    """
    chosen = balance(shadows, labels, seed)
    membership = _members_first(chosen)
    found = np.empty(len(membership))
    of_found = np.empty(len(membership), np.min_scalar_type(int(labels.max(initial=0))))
    start = 0
    for number, part in enumerate(chosen):
        rows = part.rows
        end = start + len(rows)
        of_found[start:end] = own = labels[rows]
        found[start:end] = signal(said(number, rows), own)
        start = end
    return Told(found, of_found, membership)


def _members_first(chosen: Sequence[Membership]) -> np.ndarray:
    """Which of the ``rows`` of all of ``chosen``, joined, are members: (rows,) bool."""
    sizes = [len(side) for part in chosen for side in (part.members, part.non_members)]
    return np.repeat(np.arange(len(sizes)) % 2 == 0, sizes)


def balance(shadows: Sequence[Membership], labels: np.ndarray, seed: int) -> list[Membership]:
    """Of each of ``shadows`` as many members as non-members, class by class."""
    drawn = (
        balanced(
            shadow.members,
            shadow.non_members,
            labels,
            generator(seed, "attack", "balance", f"shadow-{number}"),
        )
        for number, shadow in enumerate(shadows)
    )
    return [ManyMembership(one.members, one.non_members) for one in drawn]
