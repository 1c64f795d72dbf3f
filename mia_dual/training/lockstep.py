"""Training jobs that take their steps together: how they are grouped, and what a step feeds."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.engines.tasks import cut
from mia_dual.interface import NO_RECORD, TrainingJob


@dataclass(frozen=True)
class Block:
    """Consecutive steps of the same models.

    ``rows``: (steps, models, batch) int64 record indices, 0 where a batch has no record.
    ``shares``: (steps, models, batch) float32, what each record weighs in its model's loss, 0
    where there is none. ``rates``: (steps, models) float64. ``widths``: (steps,) int64, records
    of the fullest batch at each step. ``kept``: places of the models whose state is to be kept
    after the last of these steps, though it is not their last.
    """

    rows: np.ndarray
    shares: np.ndarray
    rates: np.ndarray
    widths: np.ndarray
    kept: tuple[int, ...]

    @property
    def steps(self) -> int:
        """How many steps."""
        return len(self.rows)

    @property
    def models(self) -> int:
        """How many models take them: the first so many of the chunk."""
        return int(self.rows.shape[1])


class Laps:
    """Shares the seconds of a chunk among the models that used them."""

    def __init__(self, models: int) -> None:
        self.seconds = [0.0] * models
        self._since = time.perf_counter()

    def end(self, active: int) -> None:
        """The first ``active`` models take what passed since the lap before, equally."""
        now = time.perf_counter()
        for place in range(active):
            self.seconds[place] += (now - self._since) / active
        self._since = now


def batch_sizes(job: TrainingJob) -> np.ndarray:
    """Real records at each step: (steps,) int64."""
    sizes: np.ndarray = (job.batches != NO_RECORD).sum(axis=1)
    return sizes


def form_chunks(
    jobs: Sequence[TrainingJob], most: int, workers: int = 1, alike: bool = False
) -> list[list[TrainingJob]]:
    """Cut ``jobs`` into chunks that are trained together: the largest chunk first, and the longest
    jobs first in each; see :func:`mia_dual.engines.tasks.cut`.

    A chunk has ``most`` jobs at most, and no more than its share of all jobs among ``workers``.
    Its batches are equally wide, its longest job has twice the steps of its shortest at most, and
    all of its jobs have targets or none has: learning labels is another kernel. All have masks or
    none has, so that those without need not multiply by them.
    With ``alike``, batches also hold equally many records at every step, as normalisation over a
    batch needs.
    """

    def kind(job: TrainingJob) -> Hashable:
        return kind_of(job), batch_sizes(job).tobytes() if alike else b""

    tasks = cut(jobs, kind, lambda job: job.batches.size, workers, most)
    return [list(task.models) for task in tasks]


def kind_of(job: TrainingJob) -> Hashable:
    """What jobs that are trained together have in common; see :func:`form_chunks`."""
    return job.batches.shape[1], job.targets is None, job.mask is None


def blocks(jobs: Sequence[TrainingJob], longest: int) -> Iterator[Block]:
    """The steps of a chunk, in order; ``jobs`` come with the longest first.

    A block has ``longest`` steps at most, and ends where a job does or keeps its state.
    """
    ends = sorted({step for job in jobs for step in (*job.keep, len(job.batches))})
    start = 0
    for end in ends:
        active = [job for job in jobs if len(job.batches) >= end]
        while start < end:
            stop = min(start + longest, end)
            yield _block(active, start, stop)
            start = stop


def job_shares(job: TrainingJob, start: int = 0, stop: Optional[int] = None) -> np.ndarray:
    """The shares of ``job`` at its steps from ``start`` to ``stop``: (steps, batch) float32."""
    if job.shares is not None:
        return job.shares[start:stop].astype(np.float32, copy=False)
    real = job.batches[start:stop] != NO_RECORD
    shares: np.ndarray = real / np.maximum(real.sum(axis=1, keepdims=True), 1)
    return shares.astype(np.float32)


def _block(jobs: Sequence[TrainingJob], start: int, stop: int) -> Block:
    rows = np.stack([job.batches[start:stop] for job in jobs], axis=1)
    real = rows != NO_RECORD
    return Block(
        rows=np.where(real, rows, 0),
        shares=np.stack([job_shares(job, start, stop) for job in jobs], axis=1),
        rates=np.stack([job.learning_rates[start:stop] for job in jobs], axis=1),
        widths=real.sum(axis=2).max(axis=1),
        kept=tuple(
            place for place, job in enumerate(jobs) if stop in job.keep and stop < len(job.batches)
        ),
    )
