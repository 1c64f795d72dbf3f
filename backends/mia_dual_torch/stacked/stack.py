"""Many models of one network, their gradients taken together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from mia_dual.interface import NetworkSpec, TrainingJob
from mia_dual_torch.networks import build, forward
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.layered import LayerStack
from mia_dual_torch.stacked.layers import Workspace
from mia_dual_torch.stacked.modules import ModuleStack
from mia_dual_torch.stacked.networks import LAYERED, network_of


class Stack(Protocol):
    """Models side by side, each in its place.

    ``state``: canonical name -> stacked tensor (models, *shape) of all that makes up the models.
    ``values``: those of ``state`` that are trained; ``gradients``: theirs, in their order.
    ``trims``: whether every row counts, so that batches must come without filling.
    """

    trims: bool
    state: dict[str, Tensor]
    values: dict[str, Tensor]
    gradients: list[Tensor]

    def differentiate(self, rows: Tensor, truth: Tensor, shares: Tensor, step: int) -> Tensor:
        """Write the gradients of each model's loss over its rows (models, records).

        ``truth``: their labels, or distributions (models, records, classes) float32. The loss is
        the sum of ``shares``, (models, records) float32, times the cross entropies. ``step``: how
        many steps of the jobs were taken before. Returns what shows whether the loss was finite:
        (models, ...).
        """
        ...


def make_stack(spec: NetworkSpec, jobs: Sequence[TrainingJob], data: DeviceRecords) -> Stack:
    """A stack for ``jobs``, whose batches are equally wide."""
    if spec.name in LAYERED:
        return LayerStack(spec, len(jobs), jobs[0].batches.shape[1], data)
    return ModuleStack(spec, jobs, data)


def bytes_a_model(spec: NetworkSpec, batch: int, data: DeviceRecords, masked: bool) -> int:
    """What one more model in a stack takes, its momenta included, and where it is ``masked`` its
    mask and what that leaves of its gradients; near enough to plan by.
    """
    more = 2 if masked else 0
    if spec.name in LAYERED:
        space = Workspace(1, batch, torch.device("meta"))
        _, layers = network_of(spec, space)
        return space.bytes + (3 + more) * _bytes(
            each.value for layer in layers for each in layer.parameters.values()
        )
    module = build(spec).to(data.device).train()
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: _note(kept, tensor), lambda t: t):
        forward(spec, module, torch.zeros(batch, *spec.input_shape, device=data.device))
    # What is saved for the way back, about as much on that way, and five times the parameters.
    return 2 * _bytes(kept) + (5 + more) * _bytes(module.parameters())


def put(tensors: Mapping[str, Tensor], place: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Make ``arrays`` what the model at ``place`` holds; those that are absent are zeros."""
    for name, tensor in tensors.items():
        if name in arrays:
            tensor[place].copy_(torch.from_numpy(np.array(arrays[name])))
        else:
            tensor[place].zero_()


def taken(tensors: Mapping[str, Tensor], place: int) -> dict[str, np.ndarray]:
    """Copies of what the model at ``place`` holds: name -> array of the tensor's own type."""
    return {name: tensor[place].cpu().numpy().copy() for name, tensor in tensors.items()}


def _note(kept: list[Tensor], tensor: Tensor) -> Tensor:
    kept.append(tensor)
    return tensor


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
