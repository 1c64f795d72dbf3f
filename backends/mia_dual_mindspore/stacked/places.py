"""Stacked parameters as places that a model each is put in."""

from __future__ import annotations

import numpy as np
from mindspore import Parameter, Tensor

from mia_dual.interface import NetworkSpec, Records, Weights
from mia_dual.networks import check_weights
from mia_dual_mindspore.stacked.networks import build_stacked


class Places:
    """``models`` models of ``spec`` in one cell, for ``batch`` records a pass each."""

    def __init__(self, spec: NetworkSpec, models: int, batch: int) -> None:
        self._spec, self._models, self._batch = spec, models, batch
        self.network = build_stacked(spec, models, batch)
        self.parameters: list[Parameter] = list(self.network.trainable_params())

    def put(self, place: int, weights: Weights) -> None:
        """Make ``weights`` the model at ``place``; raises NetworkError where they do not fit."""
        named = self.named()
        shapes = {name: tuple(array.shape[1:]) for name, array in named.items()}
        check_weights(self._spec, shapes, weights)
        for name, array in named.items():
            array[place] = weights[name]

    def named(self) -> dict[str, np.ndarray]:
        """Canonical name -> array that shares memory with the parameter, models first."""
        return {
            name: parameter.asnumpy() for name, parameter in self.network.parameters_and_names()
        }

    def inputs(self, records: Records, rows: np.ndarray) -> Tensor:
        """What the network takes for ``rows`` (models, batch)."""
        inputs = records.inputs(rows.ravel())
        if self._spec.name == "fcnet":
            return Tensor.from_numpy(inputs.reshape(self._models, self._batch, -1))
        images = inputs.reshape(self._models, self._batch, *inputs.shape[1:])
        return Tensor.from_numpy(self.network.conv1.windows(images))
