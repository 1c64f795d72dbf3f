"""The optimizer's averages between steps, of one model or of stacked ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Union

import numpy as np

from mia_dual.errors import NetworkError
from mia_dual.interface import Optimizer, State


@dataclass
class Moments:
    """``first`` and ``second`` (empty where the rule has none): an array for each of ``names``.

    ``steps``: taken since they were zero, one count, or of stacked models an array (models,).
    """

    names: Sequence[str]
    first: list[np.ndarray]
    second: list[np.ndarray]
    steps: Union[int, np.ndarray]

    def count(self) -> None:
        """A step more."""
        self.steps = self.steps + 1

    def corrections(self, beta: float) -> np.ndarray:
        """1 - beta ** steps, float64, of the shape of ``steps``."""
        # Python's power, since NumPy's may round an array's numbers by their place in it.
        steps = np.asarray(self.steps)
        found = [1 - beta ** int(step) for step in steps.ravel()]
        return np.array(found).reshape(steps.shape)

    def put(self, place: int, state: State) -> None:
        """Make the moments of ``state`` those of the stacked model at ``place``."""
        for kind, arrays in (("first", self.first), ("second", self.second)):
            for name, array in zip(self.names, arrays):
                array[place] = _given(state, f"{kind}/{name}", array[place].shape)
        assert isinstance(self.steps, np.ndarray)
        self.steps[place] = state.steps

    def state(self, weights: Mapping[str, np.ndarray], place: Optional[int] = None) -> State:
        """``weights`` with copies of these moments, of the model at ``place`` of stacked ones."""
        chosen = () if place is None else (place,)
        moments = {
            f"{kind}/{name}": array[chosen].copy()
            for kind, arrays in (("first", self.first), ("second", self.second))
            for name, array in zip(self.names, arrays)
        }
        steps = self.steps if place is None else np.asarray(self.steps)[place]
        return State(weights, moments, int(steps))


def still_moments(
    optimizer: Optimizer, shapes: Mapping[str, tuple[int, ...]], models: Optional[int] = None
) -> Moments:
    """Zeros, for parameters of ``shapes``, stacked ones where ``models`` is given."""
    sizes = list(shapes.values())
    return Moments(
        list(shapes),
        [np.zeros(size, np.float32) for size in sizes],
        [np.zeros(size, np.float32) for size in sizes if optimizer.name == "adam"],
        0 if models is None else np.zeros(models, np.int64),
    )


def moments_of(
    state: State, optimizer: Optimizer, shapes: Mapping[str, tuple[int, ...]]
) -> Moments:
    """Copies of the moments of ``state``, for parameters of ``shapes``."""
    still = still_moments(optimizer, shapes)
    for kind, arrays in (("first", still.first), ("second", still.second)):
        for name, array in zip(still.names, arrays):
            array[...] = _given(state, f"{kind}/{name}", array.shape)
    still.steps = state.steps
    return still


def _given(state: State, name: str, shape: tuple[int, ...]) -> Union[float, np.ndarray]:
    found = state.moments.get(name)
    if found is None:
        return 0.0
    if found.shape != shape:
        raise NetworkError(
            f"a state does not fit its network: moment '{name}' is {found.shape}, expected {shape}"
        )
    return found
