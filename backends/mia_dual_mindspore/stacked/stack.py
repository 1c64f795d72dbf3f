"""Many models of one network, their gradients taken together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from mia_dual.interface import NetworkSpec, Optimizer, Records, Weights
from mia_dual_mindspore.moments import Moments
from mia_dual_mindspore.same_shapes import always_alike
from mia_dual_mindspore.stacked.places import Places


class Losses(nn.Cell):
    """Weighted cross entropy of each model."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.cross_entropy = ops.SoftmaxCrossEntropyWithLogits()

    def construct(self, inputs: Tensor, truth: Tensor, shares: Tensor) -> tuple:
        """(sum of all, (models,)); ``truth`` is shaped as the logits."""
        logits = self.network(inputs)
        models, records, classes = logits.shape
        losses, _ = self.cross_entropy(
            logits.reshape(models * records, classes), truth.reshape(models * records, classes)
        )
        losses = (losses.reshape(models, records) * shares).sum(1)
        return losses.sum(), losses


class Gradients(nn.Cell):
    """Each model's loss, and the gradients of the stacked parameters."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.losses = Losses(network)
        self.parameters = ms.ParameterTuple(network.trainable_params())
        self.differentiate = ms.value_and_grad(self.losses, None, self.parameters, has_aux=True)

    def construct(self, inputs: Tensor, truth: Tensor, shares: Tensor) -> Any:
        """(losses (models,), gradients in the order of the parameters)."""
        (_, losses), gradients = self.differentiate(inputs, truth, shares)
        return losses, gradients


class Descent(nn.Cell):
    """A step of SGD, all of whose models have the same rate, that is one graph with its gradients.

    Bit for bit what :class:`mia_dual_mindspore.updates.HostUpdate` does.
    """

    def __init__(self, gradients: Gradients, optimizer: Optimizer) -> None:
        super().__init__(auto_prefix=False)
        self.gradients = gradients
        self.weights = gradients.parameters
        self.velocities = ms.ParameterTuple(
            Parameter(ops.zeros_like(weight), name=f"{weight.name}.velocity", requires_grad=False)
            for weight in self.weights
        )
        self.momentum, self.decay = optimizer.momentum, optimizer.weight_decay
        self.move = ops.ApplyMomentum()

    def construct(self, inputs: Tensor, truth: Tensor, shares: Tensor, rate: Tensor) -> Tensor:
        """Losses (models,) before the step, whose learning rate is ``rate``, a float32."""
        losses, gradients = self.gradients(inputs, truth, shares)
        for place, weight in enumerate(self.weights):
            gradient = gradients[place]
            if self.decay:
                gradient = gradient + self.decay * weight
            self.move(weight, self.velocities[place], rate, gradient, self.momentum)
        return losses


class Stack:
    """``models`` models of ``spec`` side by side, compiled for ``batch`` records a step."""

    def __init__(self, spec: NetworkSpec, models: int, batch: int) -> None:
        self.spec, self.models = spec, models
        self._places = Places(spec, models, batch)
        self.parameters: list[Parameter] = self._places.parameters
        self._gradients = always_alike(Gradients(self._places.network).set_train(True))
        self._descents: dict[Optimizer, Descent] = {}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape of the stacked parameters, in the order of their gradients."""
        return {name: array.shape for name, array in self._places.named().items()}

    def put(self, place: int, weights: Weights) -> None:
        """Make ``weights`` the model at ``place``; raises NetworkError where they do not fit."""
        self._places.put(place, weights)

    def taken(self, place: int) -> dict[str, np.ndarray]:
        """Copies of the weights of the model at ``place``: canonical name -> float32."""
        return {name: array[place].copy() for name, array in self._places.named().items()}

    def descent(self, optimizer: Optimizer, moments: Moments) -> Callable[..., Tensor]:
        """What takes a step in place of ``optimizer``'s update: a function of what :meth:`given`
        gives, and of a rate. ``moments``, all zeros but for what is put there, become its own.
        """
        if optimizer not in self._descents:
            descent = Descent(self._gradients, optimizer).set_train(True)
            self._descents[optimizer] = always_alike(descent)
        descent = self._descents[optimizer]
        velocities = [velocity.asnumpy() for velocity in descent.velocities]
        for velocity, first in zip(velocities, moments.first):
            velocity[...] = first
        moments.first = velocities

        def take(given: Sequence[Tensor], rate: float) -> Tensor:
            moments.count()
            return descent(*given, Tensor(np.array(rate, np.float32)))

        return take

    def given(
        self, records: Records, rows: np.ndarray, truth: np.ndarray, shares: np.ndarray
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What a step takes for ``rows`` (models, batch), which ``truth`` (models, batch, classes)
        float32 says the answers of.
        """
        return (
            self._places.inputs(records, rows),
            Tensor.from_numpy(truth),
            Tensor.from_numpy(np.ascontiguousarray(shares)),
        )

    def differentiate(self, given: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """(losses (models,), gradients)."""
        losses, gradients = self._gradients(*given)
        return losses, list(gradients)
