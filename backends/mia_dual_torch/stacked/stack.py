"""Many models of one network, their gradients taken together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from mia_dual.interface import NetworkSpec
from mia_dual_torch.networks import build
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.layers import Parameter, Workspace
from mia_dual_torch.stacked.networks import LAYERED, layers_of
from mia_dual_torch.weights import COUNTER

State = dict[str, Tensor]
"""Canonical name -> stacked tensor (models, *shape) of all that makes up the models."""


class Stack(Protocol):
    """Models side by side; ``values`` and ``gradients`` are their trained parameters'.

    ``trims``: whether every row counts, so that batches must come without filling.
    """

    trims: bool
    state: State
    values: list[Tensor]
    gradients: list[Tensor]

    def differentiate(self, rows: Tensor, shares: Tensor) -> Tensor:
        """Write the gradients of each model's loss over its rows (models, records).

        Returns what shows whether the loss was finite: (models, ...).
        """
        ...


def make_stack(spec: NetworkSpec, models: int, batch: int, data: DeviceRecords) -> Stack:
    """A stack of ``models`` models that see ``batch`` records a step."""
    if spec.name in LAYERED:
        return LayerStack(spec, models, batch, data)
    return ModuleStack(spec, models, data)


def bytes_a_model(spec: NetworkSpec, batch: int, data: DeviceRecords) -> int:
    """What one more model in a stack takes, its momenta included; near enough to plan by."""
    if spec.name in LAYERED:
        space = Workspace(1, batch, torch.device("meta"))
        stack = layers_of(spec, space)
        parameters = [each.value for layer in stack for each in layer.parameters.values()]
        return space.bytes + 3 * _bytes(parameters)
    module = build(spec).to(data.device)
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: _note(kept, tensor), lambda t: t):
        module(torch.zeros(batch, *spec.input_shape, device=data.device))
    # What is saved for the way back, about as much on that way, and five times the parameters.
    return 2 * _bytes(kept) + 5 * _bytes(list(module.parameters()))


def _note(kept: list[Tensor], tensor: Tensor) -> Tensor:
    kept.append(tensor)
    return tensor


def _bytes(tensors: Sequence[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class LayerStack:
    """A chain of :mod:`mia_dual_torch.stacked.layers`."""

    trims = False

    def __init__(self, spec: NetworkSpec, models: int, batch: int, data: DeviceRecords) -> None:
        space = Workspace(models, batch, data.device)
        self._data = data
        self._of_maps = spec.name != "fcnet"
        self._inputs = space.maps(*spec.input_shape) if self._of_maps else None
        self._layers = layers_of(spec, space)
        parameters: dict[str, Parameter] = {}
        for layer in self._layers:
            parameters.update(layer.parameters)
        self.state = {name: parameter.value for name, parameter in parameters.items()}
        self.values = [parameter.value for parameter in parameters.values()]
        self.gradients = [parameter.gradient for parameter in parameters.values()]
        self._less = torch.full((models, batch, 1), -1.0, device=data.device)

    def differentiate(self, rows: Tensor, shares: Tensor) -> Tensor:
        """See :class:`Stack`; returns the gradient of the logits."""
        flat = rows.flatten()
        given = self._input(flat, rows.shape)
        for layer in self._layers:
            given = layer.forward(given)
        labels = self._data.labels.index_select(0, flat).view(*rows.shape, 1)
        error = torch.softmax(given, 2).scatter_add_(2, labels, self._less)
        found = error.mul_(shares[:, :, None])
        passed: Tensor | None = found.clone()
        for layer in reversed(self._layers):
            assert passed is not None
            passed = layer.backward(passed)
        return found

    def _input(self, flat: Tensor, shape: tuple[int, ...]) -> Tensor:
        features = self._data.features.index_select(0, flat)
        if self._inputs is None:
            return self._data.scaled_(features.to(torch.float32).view(*shape, -1))
        records = features.view(*shape, *features.shape[1:])
        return self._data.scaled_(self._inputs.copy_(records.permute(0, 2, 3, 4, 1)))


class ModuleStack:
    """Any module, through ``torch.func.vmap``."""

    trims = True

    def __init__(self, spec: NetworkSpec, models: int, data: DeviceRecords) -> None:
        self._module = build(spec).to(data.device).train()
        self._data = data
        parameters = _stacked(dict(self._module.named_parameters()), models)
        buffers = _stacked(dict(self._module.named_buffers()), models)
        self._parameters, self._buffers = parameters, buffers
        self.state = {
            name: tensor
            for name, tensor in {**parameters, **buffers}.items()
            if not name.endswith(COUNTER)
        }
        self.values = list(parameters.values())
        self.gradients = [torch.zeros_like(value) for value in self.values]
        self._differentiate = vmap(grad(self._loss, has_aux=True), randomness="different")

    def differentiate(self, rows: Tensor, shares: Tensor) -> Tensor:
        """See :class:`Stack`; returns the losses (models, 1)."""
        inputs = self._data.inputs(rows)
        found, losses = self._differentiate(
            self._parameters, self._buffers, inputs, self._data.labels[rows]
        )
        self.gradients = [found[name] for name in self._parameters]
        return losses[:, None]

    def _loss(
        self, parameters: State, buffers: State, inputs: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        logits = functional_call(self._module, (parameters, buffers), (inputs,))
        loss = functional.cross_entropy(logits, labels)
        return loss, loss


def _stacked(tensors: Mapping[str, Tensor], models: int) -> State:
    return {
        name: tensor.detach().expand(models, *tensor.shape).clone()
        for name, tensor in tensors.items()
    }


def put(state: State, place: int, weights: Mapping[str, np.ndarray]) -> None:
    """Make ``weights`` the model at ``place``."""
    for name, tensor in state.items():
        tensor[place].copy_(torch.from_numpy(np.array(weights[name], np.float32)))


def taken(state: State, place: int) -> dict[str, np.ndarray]:
    """Copies of the weights of the model at ``place``: canonical name -> float32."""
    return {name: tensor[place].cpu().numpy().copy() for name, tensor in state.items()}
