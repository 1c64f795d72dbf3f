"""Stacks of the networks that have layers of ours."""

from __future__ import annotations

import torch
from torch import Tensor

from mia_dual.interface import NetworkSpec
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.layers import Parameter, Workspace
from mia_dual_torch.stacked.networks import network_of


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
        self._inputs, self._layers = network_of(spec, space)
        self._classes = spec.classes
        self._passed = space.vector_errors(spec.classes)
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
        features, placed = self._data.features.index_select(0, rows.flatten()), self._inputs.placed
        self._data.scaled_(placed.copy_(features.view_as(placed)))
        given = self._inputs.laid_out()
        for layer in self._layers:
            given = layer.forward(given)
        return given[..., : self._classes]

    def differentiate(self, rows: Tensor, truth: Tensor, shares: Tensor, step: int) -> Tensor:
        """Write the gradients; returns that of the logits."""
        error = torch.softmax(self.answer(rows), 2)
        if truth.dim() == 2:
            error.scatter_add_(2, truth[:, :, None], self._less)
        else:
            error.sub_(truth)
        found = error.mul_(shares[:, :, None])
        self._passed[..., : self._classes].copy_(found)
        passed: Tensor | None = self._passed
        for layer in reversed(self._layers):
            assert passed is not None
            passed = layer.backward(passed)
        return found


def forward_bytes(spec: NetworkSpec, batch: int) -> int:
    """What one model in a stack that only answers takes."""
    space = Workspace(1, batch, torch.device("meta"), learning=False)
    network_of(spec, space)
    return space.bytes
