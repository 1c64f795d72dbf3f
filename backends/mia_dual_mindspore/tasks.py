"""What one process is asked to do: plain data, so that it can be sent to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

import numpy as np

from mia_dual.interface import NetworkSpec, Optimizer, TrainingJob, Weights


@dataclass(frozen=True)
class Building:
    """Build a new model; gives one result, canonical name -> array."""

    spec: NetworkSpec
    seed: int


@dataclass(frozen=True)
class Training:
    """Train ``jobs`` together, the longest first, in ``places``; or, where that is 0, one after
    another. Gives a KeptState for each state reached.
    """

    spec: NetworkSpec
    optimizer: Optimizer
    jobs: tuple[TrainingJob, ...]
    places: int = 0


@dataclass(frozen=True)
class Question:
    """Ask ``models`` about ``rows`` (models, rows); gives one result, (models, rows, classes)
    float32.
    """

    spec: NetworkSpec
    models: tuple[Weights, ...]
    rows: np.ndarray


@dataclass(frozen=True)
class Differentiation:
    """Differentiate the losses of ``models`` on ``rows`` (models, rows), many records ``together``
    or one after another; gives one result, GradientNorms.
    """

    spec: NetworkSpec
    models: tuple[Weights, ...]
    rows: np.ndarray
    together: bool


Task = Union[Building, Training, Question, Differentiation]
