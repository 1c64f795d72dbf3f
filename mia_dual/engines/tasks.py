"""How models to train are shared out, whoever trains them: processes, Ray's workers or ranks.

Models that are trained alike come in tasks, so that a worker trains them together; how they are
cut and who takes which task moves no bit of a model (:mod:`mia_dual.interface`).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Callable, Generic, Optional, TypeVar

ROUNDS = 2
"""Tasks a worker, where there are models enough: what one does slowly, others need not wait for."""

LEAST_SPEED = 1e8
"""Counted operations a second that any worker is expected to do."""

PATIENCE = 600.0
"""Seconds that are granted beside, for what is compiled and loaded first."""

Model = TypeVar("Model")


@dataclass(frozen=True)
class Task(Generic[Model]):
    """``models`` that a worker trains together, the longest first, and their ``operations``."""

    models: tuple[Model, ...]
    operations: float

    @property
    def limit(self) -> float:
        """Seconds in which any worker has done it."""
        return PATIENCE + self.operations / LEAST_SPEED


def cut(
    models: Sequence[Model],
    kind: Callable[[Model], Hashable],
    operations: Callable[[Model], float],
    parts: int,
    most: Optional[int] = None,
) -> list[Task[Model]]:
    """Cut ``models`` into tasks, the largest first.

    A task has ``most`` models at most, and no more than its share of all among ``parts``. They are
    of one ``kind``, and the longest takes twice the ``operations`` of the shortest at most.
    """
    counted = [(float(operations(model)), model) for model in models]
    kinds: dict[Hashable, list[list[tuple[float, Model]]]] = {}
    for one in sorted(counted, key=lambda one: -one[0]):
        lengths = kinds.setdefault(kind(one[1]), [])
        if lengths and 2 * one[0] >= lengths[-1][0][0]:
            lengths[-1].append(one)
        else:
            lengths.append([one])
    share = -(-len(models) // parts)
    wanted = max(1, share if most is None else min(share, most))
    tasks = []
    for alike in (alike for lengths in kinds.values() for alike in lengths):
        count = -(-len(alike) // wanted)
        cuts = [len(alike) * number // count for number in range(count + 1)]
        for start, end in zip(cuts, cuts[1:]):
            sizes, chosen = zip(*alike[start:end])
            tasks.append(Task(tuple(chosen), sum(sizes)))
    return sorted(tasks, key=lambda task: -task.operations)


def deal(tasks: Sequence[Task[Model]], workers: int) -> list[list[Task[Model]]]:
    """The tasks of each worker: the largest first, each for whoever has least to do so far.

    So the busiest has a third more than it must at most (Graham 1969, "Bounds on multiprocessing
    timing anomalies").
    """
    dealt: list[list[Task[Model]]] = [[] for _ in range(workers)]
    sums = [0.0] * workers
    for task in sorted(tasks, key=lambda task: -task.operations):
        least = sums.index(min(sums))
        dealt[least].append(task)
        sums[least] += task.operations
    return dealt
