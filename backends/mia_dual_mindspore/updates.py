"""How weights are updated: the rules of :class:`mia_dual.interface.Optimizer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Union

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from mia_dual.interface import Optimizer

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

Rate = Union[float, np.ndarray]
"""A learning rate, or one for each model: (models,) float64."""


class Update(Protocol):
    """Changes the parameters it was made for."""

    def apply(self, gradients: Sequence[Tensor], rate: Rate) -> None:
        """Take one step at learning rate ``rate``: one, or one a model of stacked parameters."""
        ...


class HostUpdate:
    """The update in NumPy, for a CPU: there a kernel's launch costs more than the arithmetic.

    Parameters are changed where they lie: on a CPU ``asnumpy`` shares their memory, and graph
    mode computes with what is there.
    """

    def __init__(self, optimizer: Optimizer, parameters: Sequence[Parameter]) -> None:
        self._optimizer = optimizer
        self._weights = [parameter.asnumpy() for parameter in parameters]
        self._first = [np.zeros_like(weight) for weight in self._weights]
        self._second = [np.zeros_like(weight) for weight in self._weights]
        self._scratch = [np.empty_like(weight) for weight in self._weights]
        self._step = 0

    def apply(self, gradients: Sequence[Tensor], rate: Rate) -> None:
        """Take one step; waits for the gradients."""
        self._step += 1
        rule = self._adam if self._optimizer.name == "adam" else self._sgd
        for place, (weight, tensor) in enumerate(zip(self._weights, gradients)):
            gradient = tensor.asnumpy()
            if self._optimizer.weight_decay:
                gradient = gradient + np.float32(self._optimizer.weight_decay) * weight
            weight -= rule(place, gradient, _shaped(rate, weight.ndim))

    def _sgd(self, place: int, gradient: np.ndarray, rates: np.ndarray) -> np.ndarray:
        velocity = self._first[place]
        velocity *= np.float32(self._optimizer.momentum)
        velocity += gradient
        return np.multiply(velocity, rates, out=self._scratch[place])

    def _adam(self, place: int, gradient: np.ndarray, rates: np.ndarray) -> np.ndarray:
        mean, square, way = self._first[place], self._second[place], self._scratch[place]
        mean += np.float32(1 - BETA1) * (gradient - mean)
        square *= np.float32(BETA2)
        square += np.float32(1 - BETA2) * np.square(gradient)
        np.sqrt(square, out=way)
        way /= np.float32(np.sqrt(1 - BETA2**self._step))
        way += np.float32(EPSILON)
        np.divide(mean, way, out=way)
        way *= rates / np.float32(1 - BETA1**self._step)
        return way


def _shaped(rate: Rate, dimensions: int) -> np.ndarray:
    rates = np.asarray(rate, np.float32)
    return rates.reshape(rates.shape + (1,) * (dimensions - rates.ndim))


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

    def apply(self, gradients: Sequence[Tensor], rate: Rate) -> None:
        """Take one step; waits for nothing."""
        self._step += 1
        if isinstance(rate, np.ndarray):
            self._apply_stacked(gradients, rate)
            return
        for place, (parameter, gradient) in enumerate(zip(self._parameters, gradients)):
            if self._optimizer.weight_decay:
                gradient = gradient + self._optimizer.weight_decay * parameter
            if self._optimizer.name == "adam":
                self._take_adam(place, parameter, gradient, rate)
            else:
                self._sgd(parameter, self._first[place], rate, gradient, self._optimizer.momentum)

    def _apply_stacked(self, gradients: Sequence[Tensor], rates: np.ndarray) -> None:
        # The kernels above know one rate.
        for place, (parameter, gradient) in enumerate(zip(self._parameters, gradients)):
            if self._optimizer.weight_decay:
                gradient = gradient + self._optimizer.weight_decay * parameter
            first, second = self._first[place], self._second[place]
            shaped = Tensor(_shaped(rates, parameter.ndim))
            if self._optimizer.name == "adam":
                ops.assign(first, first + (1 - BETA1) * (gradient - first))
                ops.assign(second, BETA2 * second + (1 - BETA2) * gradient * gradient)
                size = ops.sqrt(second) / float(np.sqrt(1 - BETA2**self._step)) + EPSILON
                way = first / size / (1 - BETA1**self._step)
            else:
                ops.assign(first, self._optimizer.momentum * first + gradient)
                way = first
            ops.assign(parameter, parameter - shaped * way)

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
