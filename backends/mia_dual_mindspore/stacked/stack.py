"""Many models of one network, their gradients taken together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from mia_dual.interface import NetworkSpec, Records
from mia_dual.networks import check_weights
from mia_dual_mindspore.stacked.networks import build_stacked


class Losses(nn.Cell):
    """Weighted mean cross entropy of each model."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.cross_entropy = ops.SoftmaxCrossEntropyWithLogits()

    def construct(self, inputs: Tensor, truth: Tensor, shares: Tensor) -> tuple:
        """(sum of all, (models,)); ``truth`` is one-hot, shaped as the logits."""
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
    """``models`` models of ``spec`` side by side, compiled for ``batch`` records a step."""

    def __init__(self, spec: NetworkSpec, models: int, batch: int) -> None:
        self.spec, self.models, self.batch = spec, models, batch
        self.network = build_stacked(spec, models, batch)
        self.parameters: list[Parameter] = list(self.network.trainable_params())
        self._gradients = Gradients(self.network)
        self._gradients.set_train(True)
        self._identity = np.eye(spec.classes, dtype=np.float32)

    def put(self, place: int, weights: Mapping[str, np.ndarray]) -> None:
        """Make ``weights`` the model at ``place``; raises NetworkError where they do not fit."""
        named = self._named()
        shapes = {name: tuple(array.shape[1:]) for name, array in named.items()}
        check_weights(self.spec, shapes, weights)
        for name, array in named.items():
            array[place] = weights[name]

    def taken(self, place: int) -> dict[str, np.ndarray]:
        """Copies of the weights of the model at ``place``: canonical name -> float32."""
        return {name: array[place].copy() for name, array in self._named().items()}

    def differentiate(
        self, records: Records, rows: np.ndarray, shares: np.ndarray
    ) -> tuple[Tensor, list[Tensor]]:
        """(losses (models,), gradients) over ``rows`` (models, batch)."""
        inputs = records.inputs(rows.ravel())
        if self.spec.name == "fcnet":
            inputs = inputs.reshape(self.models, self.batch, -1)
        else:
            # (models, records, channels, ...) to (models, channels, records, ...)
            inputs = inputs.reshape(self.models, self.batch, *inputs.shape[1:]).swapaxes(1, 2)
        truth = self._identity[records.labels[rows]]
        losses, gradients = self._gradients(
            Tensor.from_numpy(np.ascontiguousarray(inputs)),
            Tensor.from_numpy(truth),
            Tensor.from_numpy(np.ascontiguousarray(shares)),
        )
        return losses, list(gradients)

    def _named(self) -> dict[str, np.ndarray]:
        # Arrays that share memory with the parameters; a convolution's weight lies a level down.
        return {
            name.replace(".convolution.", "."): parameter.asnumpy()
            for name, parameter in self.network.parameters_and_names()
        }
