"""The update rules of :class:`mia_dual.interface.Optimizer`, a kernel a parameter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mindspore import Parameter, Tensor, ops

from mia_dual.interface import Optimizer

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Sgd:
    """SGD with momentum: a buffer of zeros makes the first one the gradient."""

    def __init__(self, optimizer: Optimizer, parameters: Sequence[Parameter]) -> None:
        self._parameters = parameters
        self._momentum = optimizer.momentum
        self._buffers = _zeros(parameters, "momentum")
        self._apply = ops.ApplyMomentum()

    def reset(self) -> None:
        """Forget the model before."""
        _fill_with_zeros(self._buffers)

    def update(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """One step."""
        for parameter, buffer, gradient in zip(self._parameters, self._buffers, gradients):
            self._apply(parameter, buffer, rate, gradient, self._momentum)


class Adam:
    """Adam as PyTorch has it.

    MindSpore's kernel adds epsilon before the second moment's bias is corrected, PyTorch after:
    an epsilon scaled by that correction makes them one formula.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._parameters = parameters
        self._first = _zeros(parameters, "first_moment")
        self._second = _zeros(parameters, "second_moment")
        self._apply = ops.Adam()
        self._beta1, self._beta2 = _scalar(BETA1), _scalar(BETA2)
        self._steps = 0

    def reset(self) -> None:
        """Forget the model before."""
        _fill_with_zeros(self._first)
        _fill_with_zeros(self._second)
        self._steps = 0

    def update(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """One step."""
        self._steps += 1
        power1, power2 = BETA1**self._steps, BETA2**self._steps
        settings = (
            _scalar(power1),
            _scalar(power2),
            rate,
            self._beta1,
            self._beta2,
            _scalar(EPSILON * (1 - power2) ** 0.5),
        )
        for parameter, first, second, gradient in zip(
            self._parameters, self._first, self._second, gradients
        ):
            self._apply(parameter, first, second, *settings, gradient)


def update_rule(optimizer: Optimizer, parameters: Sequence[Parameter]) -> Sgd | Adam:
    """The rule that ``optimizer`` names."""
    if optimizer.name == "adam":
        return Adam(parameters)
    return Sgd(optimizer, parameters)


def _scalar(value: float) -> Tensor:
    return Tensor(np.float32(value))


def _zeros(parameters: Sequence[Parameter], kind: str) -> list[Parameter]:
    return [
        Parameter(Tensor(np.zeros(parameter.shape, np.float32)), name=f"{kind}.{parameter.name}")
        for parameter in parameters
    ]


def _fill_with_zeros(buffers: Sequence[Parameter]) -> None:
    for buffer in buffers:
        buffer.set_data(Tensor(np.zeros(buffer.shape, np.float32)))
