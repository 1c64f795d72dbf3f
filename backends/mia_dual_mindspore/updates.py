"""How weights are updated: the rules of :class:`mia_dual.interface.Optimizer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from mia_dual.interface import Optimizer

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Update(Protocol):
    """Changes the parameters it was made for."""

    def apply(self, gradients: Sequence[Tensor], rate: float) -> None:
        """Take one step at learning rate ``rate``."""
        ...


class HostUpdate:
    """The update in NumPy, for a CPU: there a kernel's launch costs more than the arithmetic."""

    def __init__(self, optimizer: Optimizer, parameters: Sequence[Parameter]) -> None:
        self._optimizer = optimizer
        self._parameters = parameters
        self._weights = [np.array(parameter.asnumpy()) for parameter in parameters]
        self._first = [np.zeros_like(weight) for weight in self._weights]
        self._second = [np.zeros_like(weight) for weight in self._weights]
        self._step = 0

    def apply(self, gradients: Sequence[Tensor], rate: float) -> None:
        """Take one step; waits for the gradients."""
        self._step += 1
        rule = self._adam if self._optimizer.name == "adam" else self._sgd
        for place, (parameter, tensor) in enumerate(zip(self._parameters, gradients)):
            weight = self._weights[place]
            gradient = tensor.asnumpy()
            if self._optimizer.weight_decay:
                gradient = gradient + np.float32(self._optimizer.weight_decay) * weight
            rule(place, gradient, rate)
            parameter.set_data(Tensor(weight))

    def _sgd(self, place: int, gradient: np.ndarray, rate: float) -> None:
        velocity = self._first[place]
        velocity *= np.float32(self._optimizer.momentum)
        velocity += gradient
        self._weights[place] -= np.float32(rate) * velocity

    def _adam(self, place: int, gradient: np.ndarray, rate: float) -> None:
        mean, square = self._first[place], self._second[place]
        mean += np.float32(1 - BETA1) * (gradient - mean)
        square *= np.float32(BETA2)
        square += np.float32(1 - BETA2) * np.square(gradient)
        corrected = np.sqrt(square) / np.float32(np.sqrt(1 - BETA2**self._step))
        size = np.float32(rate / (1 - BETA1**self._step))
        self._weights[place] -= size * mean / (corrected + np.float32(EPSILON))


class DeviceUpdate:
    """The update by MindSpore's kernels, for an accelerator: nothing leaves the device."""

    def __init__(self, optimizer: Optimizer, parameters: Sequence[Parameter]) -> None:
        self._optimizer = optimizer
        self._parameters = parameters
        self._first = [_zeros(parameter, "first") for parameter in parameters]
        self._second = [_zeros(parameter, "second") for parameter in parameters]
        self._sgd = ops.ApplyMomentum()
        self._adam = ops.Adam()
        self._step = 0

    def apply(self, gradients: Sequence[Tensor], rate: float) -> None:
        """Take one step; waits for nothing."""
        self._step += 1
        for place, (parameter, gradient) in enumerate(zip(self._parameters, gradients)):
            if self._optimizer.weight_decay:
                gradient = gradient + self._optimizer.weight_decay * parameter
            if self._optimizer.name == "adam":
                self._take_adam(place, parameter, gradient, rate)
            else:
                self._sgd(parameter, self._first[place], rate, gradient, self._optimizer.momentum)

    def _take_adam(self, place: int, parameter: Parameter, gradient: Tensor, rate: float) -> None:
        power1, power2 = BETA1**self._step, BETA2**self._step
        # The kernel adds epsilon before it corrects the second moment, the rule after.
        epsilon = EPSILON * float(np.sqrt(1 - power2))
        self._adam(
            parameter, self._first[place], self._second[place],
            power1, power2, rate, BETA1, BETA2, epsilon, gradient,
        )  # fmt: skip


def _zeros(parameter: Parameter, name: str) -> Parameter:
    return Parameter(ops.zeros_like(parameter), name=f"{parameter.name}.{name}")


def make_update(optimizer: Optimizer, cell: nn.Cell, on_host: bool) -> Update:
    """The update of the trained parameters of ``cell``, in the order of its gradients."""
    rule = HostUpdate if on_host else DeviceUpdate
    return rule(optimizer, cell.trainable_params())
