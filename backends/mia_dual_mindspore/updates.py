"""How weights are updated: the rules of :class:`mia_dual.interface.Optimizer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Union

import numpy as np
from mindspore import Parameter, Tensor, ops

from mia_dual.interface import Optimizer
from mia_dual_mindspore.moments import Moments

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

Rate = Union[float, np.ndarray]
"""A learning rate, or one for each model: (models,) float64."""


class Update(Protocol):
    """Changes the parameters it was made for, and moves their moments.

    Made with ``masks``, float32 of the parameters' shapes and in their order, it multiplies the
    gradients by them, weight decay included; with none it does not.
    """

    def apply(self, gradients: Sequence[Tensor], rate: Rate) -> None:
        """Take one step at learning rate ``rate``: one, or one a model of stacked parameters."""
        ...

    def moments(self) -> Moments:
        """Where the moments stand, for reading: arrays of the host."""
        ...


class HostUpdate:
    """The update in NumPy, for a CPU, of what :class:`.steps.Descent` does not know: a kernel's
    launch costs more there than the arithmetic.

    Parameters are changed where they lie: on a CPU ``asnumpy`` shares their memory, and graph
    mode computes with what is there.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        parameters: Sequence[Parameter],
        start: Moments,
        masks: Sequence[np.ndarray] = (),
    ) -> None:
        self._optimizer = optimizer
        self._weights = [parameter.asnumpy() for parameter in parameters]
        self._moments = start
        self._masks = list(masks)
        self._scratch = [np.empty_like(weight) for weight in self._weights]

    def apply(self, gradients: Sequence[Tensor], rate: Rate) -> None:
        """Take one step; waits for the gradients."""
        self._moments.count()
        rule = self._adam if self._optimizer.name == "adam" else self._sgd
        for place, (weight, tensor) in enumerate(zip(self._weights, gradients)):
            gradient = tensor.asnumpy()
            if self._optimizer.weight_decay:
                gradient = gradient + np.float32(self._optimizer.weight_decay) * weight
            if self._masks:
                gradient = gradient * self._masks[place]
            weight -= rule(place, gradient, shaped(rate, weight.ndim))

    def moments(self) -> Moments:
        """Where the moments stand: the very arrays that the next step changes."""
        return self._moments

    def _sgd(self, place: int, gradient: np.ndarray, rates: np.ndarray) -> np.ndarray:
        velocity = self._moments.first[place]
        velocity *= np.float32(self._optimizer.momentum)
        velocity += gradient
        return np.multiply(velocity, rates, out=self._scratch[place])

    def _adam(self, place: int, gradient: np.ndarray, rates: np.ndarray) -> np.ndarray:
        mean, square = self._moments.first[place], self._moments.second[place]
        way = self._scratch[place]
        mean += np.float32(1 - BETA1) * (gradient - mean)
        square *= np.float32(BETA2)
        square += np.float32(1 - BETA2) * np.square(gradient)
        np.sqrt(square, out=way)
        way /= shaped(np.sqrt(self._moments.corrections(BETA2)), way.ndim)
        way += np.float32(EPSILON)
        np.divide(mean, way, out=way)
        way *= rates / shaped(self._moments.corrections(BETA1), way.ndim)
        return way


class DeviceUpdate:
    """The update by MindSpore's kernels, for an accelerator: nothing leaves the device."""

    def __init__(
        self,
        optimizer: Optimizer,
        parameters: Sequence[Parameter],
        start: Moments,
        masks: Sequence[np.ndarray] = (),
    ) -> None:
        self._optimizer = optimizer
        self._parameters = parameters
        self._start = start
        self._masks = [Tensor(mask) for mask in masks]
        self._first = _on_device(parameters, start.first, "first")
        self._second = _on_device(parameters, start.second, "second")
        self._sgd = ops.ApplyMomentum()
        self._adam = ops.Adam()

    def apply(self, gradients: Sequence[Tensor], rate: Rate) -> None:
        """Take one step; waits for nothing."""
        self._start.count()
        if isinstance(rate, np.ndarray):
            self._apply_stacked(gradients, rate)
            return
        for place, (parameter, gradient) in enumerate(zip(self._parameters, gradients)):
            if self._optimizer.weight_decay:
                gradient = gradient + self._optimizer.weight_decay * parameter
            if self._masks:
                gradient = gradient * self._masks[place]
            if self._optimizer.name == "adam":
                self._take_adam(place, parameter, gradient, rate)
            else:
                self._sgd(parameter, self._first[place], rate, gradient, self._optimizer.momentum)

    def moments(self) -> Moments:
        """Where the moments stand, fetched from the device."""
        first, second = (
            [parameter.asnumpy() for parameter in kind] for kind in (self._first, self._second)
        )
        return Moments(self._start.names, first, second, self._start.steps)

    def _apply_stacked(self, gradients: Sequence[Tensor], rates: np.ndarray) -> None:
        # The kernels above know one rate.
        for place, (parameter, gradient) in enumerate(zip(self._parameters, gradients)):
            if self._optimizer.weight_decay:
                gradient = gradient + self._optimizer.weight_decay * parameter
            if self._masks:
                gradient = gradient * self._masks[place]
            first, axes = self._first[place], parameter.ndim
            if self._optimizer.name == "adam":
                second = self._second[place]
                ops.assign(first, first + (1 - BETA1) * (gradient - first))
                ops.assign(second, BETA2 * second + (1 - BETA2) * gradient * gradient)
                of_first, of_second = (
                    Tensor(shaped(self._start.corrections(beta), axes)) for beta in (BETA1, BETA2)
                )
                way = first / (ops.sqrt(second) / ops.sqrt(of_second) + EPSILON) / of_first
            else:
                ops.assign(first, self._optimizer.momentum * first + gradient)
                way = first
            ops.assign(parameter, parameter - Tensor(shaped(rates, axes)) * way)

    def _take_adam(self, place: int, parameter: Parameter, gradient: Tensor, rate: float) -> None:
        correction1, correction2 = (float(self._start.corrections(beta)) for beta in (BETA1, BETA2))
        # The kernel adds epsilon before it corrects the second moment, the rule after.
        epsilon = EPSILON * float(np.sqrt(correction2))
        self._adam(
            parameter, self._first[place], self._second[place],
            1 - correction1, 1 - correction2, rate, BETA1, BETA2, epsilon, gradient,
        )  # fmt: skip


def shaped(rate: Rate, dimensions: int) -> np.ndarray:
    """``rate`` as float32 that multiplies arrays of so many ``dimensions``, models first."""
    rates = np.asarray(rate, np.float32)
    return rates.reshape(rates.shape + (1,) * (dimensions - rates.ndim))


def _on_device(
    parameters: Sequence[Parameter], arrays: Sequence[np.ndarray], kind: str
) -> list[Parameter]:
    return [
        Parameter(Tensor(array), name=f"{parameter.name}.{kind}")
        for parameter, array in zip(parameters, arrays)
    ]


def make_update(
    optimizer: Optimizer,
    parameters: Sequence[Parameter],
    start: Moments,
    on_host: bool,
    masks: Sequence[np.ndarray],
) -> Update:
    """The update of ``parameters``, in the order of their gradients, from ``start``, which it
    may change; ``masks`` as :class:`Update` has them.
    """
    rule = HostUpdate if on_host else DeviceUpdate
    return rule(optimizer, parameters, start, masks)
