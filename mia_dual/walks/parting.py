"""How far the weights and logits of two runs have parted that began from equal weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.metrics.agreement import apart
from mia_dual.report.comparison import LogitParting, Parting
from mia_dual.walks.finished import FinishedRun

ATTACK = "attack"
"""The role of models that attack others, and stand in no plan."""


def unequal_start(first: FinishedRun, second: FinishedRun) -> Optional[str]:
    """Why models of one name did not begin from equal weights; None where they did.

    Initial weights are drawn from the seed, the model's name and the network, which the shape of
    a record and the number of classes complete.
    """
    ones, others = (
        {
            "seed": run.config.seed,
            "network": run.config.target.network,
            "hidden": run.config.target.hidden,
            "options": run.config.target.options,
            "shadows' network": run.config.shadows.network or run.config.target.network,
            "record's shape": run.results.data.shape,
        }
        for run in (first, second)
    )
    for key, value in ones.items():
        if others[key] != value:
            return f"the {key} is {value} and {others[key]}"
    return None


def weights_parted(first: FinishedRun, second: FinishedRun) -> tuple[list[Parting], list[str]]:
    """For each role in both runs, how far weights are apart; and what was left out, and why.

    A model is looked at where both have it and trained it on the same records.
    """
    tallies: dict[str, _Tally] = {}
    unlike: list[str] = []
    there = set(second.model_names())
    for name in first.model_names():
        if name not in there or not _trained_alike(first, second, name):
            continue
        ours, theirs = first.weights(name), second.weights(name)
        shapes = [{key: array.shape for key, array in found.items()} for found in (ours, theirs)]
        if shapes[0] != shapes[1]:
            unlike.append(name)
            continue
        tally = tallies.setdefault(_role(first, name), _Tally())
        tally.add(
            {
                f"{name} {key}": (apart(array, theirs[key]), np.abs(array, dtype=np.float64))
                for key, array in sorted(ours.items())
                if array.size
            }
        )
    left_out = (
        [f"weights whose arrays have other names or shapes: {', '.join(unlike)}"] if unlike else []
    )
    return [Parting(role=role, **tally.figures()) for role, tally in tallies.items()], left_out


def logits_parted(first: FinishedRun, second: FinishedRun) -> list[LogitParting]:
    """For each role in both plans, how far logits are apart, on the records both asked about."""
    tallies: dict[str, _Tally] = {}
    names = [name for name in first.plan.models if name in second.plan.models]
    for name in names:
        rows = np.intersect1d(first.asked(name), second.asked(name))
        if not len(rows) or not _trained_alike(first, second, name):
            continue
        ours, theirs = (run.answers([name]).of(name, rows) for run in (first, second))
        tally = tallies.setdefault(_role(first, name), _Tally())
        tally.add({f"{name} logits": (apart(ours, theirs), np.abs(ours, dtype=np.float64))}, rows)
        tally.answers += len(rows)
        tally.otherwise += int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum())
    return [
        LogitParting(
            role=role,
            **tally.figures(),
            answers=tally.answers,
            decided_otherwise=tally.otherwise,
        )
        for role, tally in tallies.items()
    ]


def _trained_alike(first: FinishedRun, second: FinishedRun, name: str) -> bool:
    planned = [name in run.plan.models for run in (first, second)]
    if not any(planned):
        return True
    return all(planned) and np.array_equal(first.members(name), second.members(name))


def _role(run: FinishedRun, name: str) -> str:
    return run.plan.models[name].role if name in run.plan.models else ATTACK


@dataclass
class _Tally:
    """What was seen of the models of a role."""

    models: int = 0
    largest: float = -1.0
    where: str = ""
    answers: int = 0
    otherwise: int = 0

    def __post_init__(self) -> None:
        self._medians: list[float] = []
        self._sizes: list[float] = []

    def add(
        self,
        found: Mapping[str, tuple[np.ndarray, np.ndarray]],
        rows: Optional[np.ndarray] = None,
    ) -> None:
        """One more model: its arrays' differences and sizes, by name. ``rows``: what a place on an
        array's first axis is the number of, where it is not the place itself.
        """
        self.models += 1
        for name, (differences, _) in found.items():
            place = np.unravel_index(int(differences.argmax()), differences.shape)
            if differences[place] > self.largest:
                first, *others = (int(index) for index in place)
                index = [first if rows is None else int(rows[first]), *others]
                self.largest = float(differences[place])
                self.where = f"{name}[{', '.join(map(str, index))}]"
        for kept, part in ((self._medians, 0), (self._sizes, 1)):
            values = [pair[part].ravel() for pair in found.values()]
            kept.append(float(np.median(np.concatenate(values))))

    def figures(self) -> dict[str, object]:
        """What a :class:`Parting` holds, but for the role."""
        return {
            "models": self.models,
            "largest": _finite(self.largest),
            "where": self.where,
            "median": _finite(float(np.median(self._medians))),
            "size": _finite(float(np.median(self._sizes))),
        }


def _finite(value: float) -> Optional[float]:
    return value if math.isfinite(value) else None
