"""Trains on processes, a core each: MindSpore runs one graph at a time in a process, and gains
little from a second thread on networks of this size (benchmarks/README.md).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Optional

import numpy as np
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from mia_dual.errors import BackendError
from mia_dual.interface import Records, ReportSteps, TrainedModel
from mia_dual_mindspore import device
from mia_dual_mindspore.cores import own_cores, stay_on_one
from mia_dual_mindspore.environment import worker_settings
from mia_dual_mindspore.workshop import Work, Workshop

IDLE_SECONDS = 60
"""How long workers wait for a next call before they end."""

ENDS_FIRST = 10
"""At an exit, before multiprocessing waits for children (priority 0)."""

LOOK_SECONDS = 0.2
"""How often progress is looked at."""


def run(
    works: Sequence[Work], workers: int, records: Records, report: ReportSteps
) -> Iterator[TrainedModel]:
    """Do ``works`` on ``workers`` processes; yields models as pieces of work are done."""
    with tempfile.TemporaryDirectory(prefix="mia-dual-") as name:
        folder = Path(name)
        np.save(folder / "features.npy", records.features)
        np.save(folder / "labels.npy", records.labels)
        # Each work counts its steps in a place of its own.
        np.save(folder / "steps.npy", np.zeros(len(works), np.int64))
        steps = np.load(folder / "steps.npy", mmap_mode="r")
        executor = get_reusable_executor(
            max_workers=workers,
            timeout=IDLE_SECONDS,
            initializer=_start,
            env=worker_settings(convolutions=not works[0].places),
        )
        # A process that is itself a child does not end before its children do.
        Finalize(
            executor, executor.shutdown, kwargs={"kill_workers": True}, exitpriority=ENDS_FIRST
        )
        scaling = (records.scale, records.shift)
        cores = own_cores()
        pending = {
            executor.submit(_do, work, name, place, scaling, cores, os.getpid())
            for place, work in enumerate(works)
        }
        told = 0
        try:
            while pending:
                done, pending = wait(pending, LOOK_SECONDS, FIRST_COMPLETED)
                total = int(steps.sum())
                if total > told:
                    report(total - told)
                    told = total
                for future in done:
                    yield from future.result()
        except BrokenProcessPool as error:
            raise BackendError(
                "a training process ended by itself, which most often means that memory ran "
                "out: lower it with --memory"
            ) from error
        finally:
            if pending:
                executor.shutdown(wait=True, kill_workers=True)


_workshop: Optional[Workshop] = None


def _start() -> None:
    global _workshop
    # Ctrl-C reaches every process of a terminal's group; the caller ends its workers itself.
    # Leaving the group, since MindSpore replaces a handler that ignores the signal.
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    device.choose("cpu", threads=1)
    _workshop = Workshop(on_host=True)


def _do(
    work: Work,
    name: str,
    place: int,
    scaling: tuple[float, float],
    cores: Sequence[int],
    caller: int,
) -> list[TrainedModel]:
    folder = Path(name)
    stay_on_one(cores, folder)
    features = np.load(folder / "features.npy", mmap_mode="r")
    labels = np.load(folder / "labels.npy")
    steps = np.load(folder / "steps.npy", mmap_mode="r+")

    def told(count: int) -> None:
        if os.getppid() != caller:
            os._exit(1)  # nobody is left to give the models to
        steps[place] += count

    assert _workshop is not None
    return list(_workshop.do(work, Records(features, labels, *scaling), told))
