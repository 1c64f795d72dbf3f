"""Pieces of work on threads, a core each; what a piece computes does not depend on how many.

Threads and not processes: trees, products and distances let go of Python's lock, and processes
take three seconds to start and import scikit-learn. Each piece computes on one thread alone, since
sums that are split among threads round otherwise.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Callable

import joblib
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import ThreadpoolController

from mia_dual.execution import Execution

LIBRARIES = ThreadpoolController()


def run(works: Sequence[Callable[[], Any]], execution: Execution) -> Iterator[Any]:
    """What each of ``works`` gives, as it is done."""
    workers = min(execution.workers or joblib.cpu_count(), len(works))
    # OpenBLAS takes its limit for the process, OpenMP for each thread.
    with LIBRARIES.limit(limits=1), warnings.catch_warnings():
        # How long a model may take is an option of it; that it took as long is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield from joblib.Parallel(workers, backend="threading", return_as="generator_unordered")(
            joblib.delayed(_alone)(work) for work in works
        )


def _alone(work: Callable[[], Any]) -> Any:
    with LIBRARIES.limit(limits=1, user_api="openmp"):
        return work()
