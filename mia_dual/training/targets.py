"""What jobs are to answer: one table of distributions, and which of them each record is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.interface import TrainingJob


class TargetTable:
    """The targets of ``jobs``, taken by index.

    ``distributions``: (classes + all jobs' own, classes) float32; the first so many are the
    classes themselves, which stand for labels. Targets that jobs share are there once.
    ``labels``: (records,) of the call's records.
    """

    def __init__(self, jobs: Sequence[TrainingJob], labels: np.ndarray, classes: int) -> None:
        self._labels = labels
        parts = [np.eye(classes, dtype=np.float32)]
        starts: dict[int, int] = {}
        self._targets = []
        for job in jobs:
            if job.targets is not None and id(job.targets) not in starts:
                starts[id(job.targets)] = sum(map(len, parts))
                parts.append(job.targets.distributions)
            self._targets.append((job.targets, starts.get(id(job.targets), 0)))
        self.distributions = np.concatenate(parts, dtype=np.float32)

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Where the targets of ``rows`` (steps, models, batch) stand among the distributions.

        ``models`` are the first so many of the jobs. Returns int64 of the same shape.
        """
        places = self._labels[rows].astype(np.int64)
        for model, (targets, first) in enumerate(self._targets[: rows.shape[1]]):
            if targets is not None and len(targets.rows):
                asked = rows[:, model]
                found = np.searchsorted(targets.rows, asked)
                np.minimum(found, len(targets.rows) - 1, out=found)
                own = targets.rows[found] == asked
                places[:, model] = np.where(own, first + found, places[:, model])
        return places
