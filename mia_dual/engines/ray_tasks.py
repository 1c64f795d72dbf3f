"""What is done in Ray's workers; a worker keeps its backend from one task to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Optional

import numpy as np

from mia_dual.execution import Execution
from mia_dual.interface import (
    Backend,
    GradientNorms,
    KeptState,
    NetworkSpec,
    Optimizer,
    Records,
    TrainingJob,
    Weights,
)
from mia_dual.progress import unheard
from mia_dual.registry import load_backend


@dataclass(frozen=True)
class Recipe:
    """How a worker makes its backend."""

    name: str
    device: str
    execution: Execution


@dataclass(frozen=True)
class Found:
    """What a worker's backend says of itself."""

    environment: dict[str, str]
    capabilities: frozenset[Any]
    networks: tuple[str, ...]


@lru_cache(maxsize=1)
def _backend(recipe: Recipe) -> Backend:
    return load_backend(recipe.name, recipe.device, recipe.execution)


def look(recipe: Recipe) -> Found:
    """The backend of the worker that is asked."""
    backend = _backend(recipe)
    return Found(backend.environment(), backend.capabilities, backend.networks)


def fresh(recipe: Recipe, spec: NetworkSpec, seed: int) -> dict[str, np.ndarray]:
    """See :meth:`mia_dual.interface.Backend.fresh`."""
    return _backend(recipe).fresh(spec, seed)


def train(
    recipe: Recipe,
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    records: Records,
) -> Iterator[Optional[KeptState]]:
    """None as soon as the work begins, then each state as it is reached."""
    backend = _backend(recipe)
    yield None
    # Steps are told by the states that come back.
    yield from backend.train(spec, optimizer, jobs, records, unheard)


def logits(
    recipe: Recipe, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
) -> np.ndarray:
    """See :meth:`mia_dual.interface.Backend.logits`."""
    return _backend(recipe).logits(spec, models, records, rows)


def gradient_norms(
    recipe: Recipe, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
) -> GradientNorms:
    """See :meth:`mia_dual.interface.Backend.gradient_norms`."""
    return _backend(recipe).gradient_norms(spec, models, records, rows)
