"""Stacks of the networks that have layers of ours."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mia_dual.interface import NetworkSpec
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.layers import Parameter, Workspace
from mia_dual_torch.stacked.networks import layers_of


class LayerStack:
    """A chain of :mod:`mia_dual_torch.stacked.layers`. See
    :class:`mia_dual_torch.stacked.stack.Stack`; without ``learning`` it only answers.
    """

    trims = False

    def __init__(
        self,
        spec: NetworkSpec,
        models: int,
        batch: int,
        data: DeviceRecords,
        learning: bool = True,
    ) -> None:
        space = Workspace(models, batch, data.device, learning)
        self._data = data
        self._of_maps = spec.name != "fcnet"
        shape = spec.input_shape
        self._inputs = space.maps(*shape) if self._of_maps else space.vectors(math.prod(shape))
        self._passed = space.errors(batch, spec.classes)
        self._layers = layers_of(spec, space)
        parameters: dict[str, Parameter] = {}
        for layer in self._layers:
            parameters.update(layer.parameters)
        self.values = {name: parameter.value for name, parameter in parameters.items()}
        self.state = self.values
        self.gradients = [parameter.gradient for parameter in parameters.values()]
        self._less = torch.full((models, batch, 1), -1.0, device=data.device)

    def answer(self, rows: Tensor) -> Tensor:
        """Each model's logits for its rows (models, batch): (models, batch, classes).

        They stand in memory that the next call writes again.
        """
        given = self._input(rows.flatten(), rows.shape)
        for layer in self._layers:
            given = layer.forward(given)
        return given

    def differentiate(self, rows: Tensor, truth: Tensor, shares: Tensor, step: int) -> Tensor:
        """Write the gradients; returns that of the logits."""
        error = torch.softmax(self.answer(rows), 2)
        if truth.dim() == 2:
            error.scatter_add_(2, truth[:, :, None], self._less)
        else:
            error.sub_(truth)
        found = error.mul_(shares[:, :, None])
        passed: Tensor | None = self._passed.copy_(found)
        for layer in reversed(self._layers):
            assert passed is not None
            passed = layer.backward(passed)
        return found

    def _input(self, flat: Tensor, shape: tuple[int, ...]) -> Tensor:
        features = self._data.features.index_select(0, flat)
        if self._of_maps:
            features = features.view(*shape, *features.shape[1:]).permute(0, 2, 3, 4, 1)
        return self._data.scaled_(self._inputs.copy_(features.view_as(self._inputs)))


def forward_bytes(spec: NetworkSpec, batch: int) -> int:
    """What one model in a stack that only answers takes."""
    space = Workspace(1, batch, torch.device("meta"), learning=False)
    layers_of(spec, space)
    return space.bytes
