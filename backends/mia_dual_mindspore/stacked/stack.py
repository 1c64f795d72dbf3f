"""Many models of one network, their gradients taken together."""

from __future__ import annotations

from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from mia_dual.interface import NetworkSpec, Records, Weights
from mia_dual_mindspore.stacked.places import Places
from mia_dual_mindspore.steps import Steps


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
        parameters = ms.ParameterTuple(network.trainable_params())
        self.differentiate = ms.value_and_grad(self.losses, None, parameters, has_aux=True)

    def construct(self, inputs: Tensor, truth: Tensor, shares: Tensor) -> Any:
        """(losses (models,), gradients in the order of the parameters)."""
        (_, losses), gradients = self.differentiate(inputs, truth, shares)
        return losses, gradients


class Stack:
    """``models`` models of ``spec`` side by side, compiled for ``batch`` records a step.

    ``steps`` takes steps with what :meth:`given` gives.
    """

    def __init__(self, spec: NetworkSpec, models: int, batch: int) -> None:
        self.spec, self.models = spec, models
        self._places = Places(spec, models, batch)
        self.steps = Steps(Gradients(self._places.network), self._places.parameters, alike=True)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape of the stacked parameters, in the order of their gradients."""
        return {name: array.shape for name, array in self._places.named().items()}

    def put(self, place: int, weights: Weights) -> None:
        """Make ``weights`` the model at ``place``; raises NetworkError where they do not fit."""
        self._places.put(place, weights)

    def taken(self, place: int) -> dict[str, np.ndarray]:
        """Copies of the weights of the model at ``place``: canonical name -> float32."""
        return {name: array[place].copy() for name, array in self._places.named().items()}

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
