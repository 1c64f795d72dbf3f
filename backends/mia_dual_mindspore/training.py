"""Which jobs are trained together."""

from __future__ import annotations

from collections.abc import Sequence

from mia_dual.execution import Execution, models_that_fit
from mia_dual.interface import NetworkSpec, Optimizer, TrainingJob
from mia_dual.training.lockstep import form_chunks
from mia_dual_mindspore.stacked.sizes import LAYERED, bytes_a_model
from mia_dual_mindspore.tasks import Training

MOST = 16
"""Models in a chunk beyond which nothing is gained on a CPU (see benchmarks/README.md)."""


def training_tasks(
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    together: bool,
    execution: Execution,
    workers: int,
) -> list[Training]:
    """``jobs`` cut into tasks for ``workers``; how they are cut moves no bit of a model."""
    if not together:
        longest_first = sorted(jobs, key=lambda job: -len(job.batches))
        return [Training(spec, optimizer, (job,)) for job in longest_first]
    batch = max(job.batches.shape[1] for job in jobs)
    masked = any(job.mask is not None for job in jobs)
    each = bytes_a_model(spec, batch, masked)
    most = min(MOST, models_that_fit(execution.room // workers, each))
    chunks = form_chunks(jobs, most, workers)
    # Equally many places everywhere, so that a process compiles once.
    places = max(len(chunk) for chunk in chunks)
    return [Training(spec, optimizer, tuple(chunk), places) for chunk in chunks]


def pays_together(spec: NetworkSpec, on_host: bool, execution: Execution) -> bool:
    """Whether jobs of ``spec`` are trained with stacked parameters.

    On a CPU that was faster at every batch measured, for a single model too; on Ascend nobody
    measured it yet, and it is done where it is asked for. Networks without layers of ours are
    trained one by one.
    """
    if spec.name not in LAYERED:
        return False
    return on_host if execution.together == "auto" else execution.together == "always"
