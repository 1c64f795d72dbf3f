"""Stacks of any module, through ``torch.func.vmap``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from mia_dual.interface import NetworkSpec, TrainingJob
from mia_dual_torch.networks import build, forward
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.weights import COUNTER, trained

State = dict[str, Tensor]

FEWEST = 2
"""Places of a stack, taken or not: vmap over one model takes other kernels than over several."""


class ModuleStack:
    """Modules of ``jobs``; for networks that draw nothing, since what is drawn under vmap is drawn
    for all models from one generator. See :class:`mia_dual_torch.stacked.stack.Stack`.
    """

    trims = True

    def __init__(self, spec: NetworkSpec, jobs: Sequence[TrainingJob], data: DeviceRecords) -> None:
        self._spec, self._data = spec, data
        self._module = build(spec).to(data.device).train()
        self._models, self._places = len(jobs), max(len(jobs), FEWEST)
        learnt = trained(self._module)
        held = dict(self._module.named_parameters()) | dict(self._module.named_buffers())
        self._parameters = _stacked(learnt, self._places)
        self._others = _stacked(
            {name: tensor for name, tensor in held.items() if name not in learnt}, self._places
        )
        stacked = {**self._parameters, **self._others}
        for name, tensor in stacked.items():
            if name.endswith(COUNTER):
                for place, job in enumerate(jobs):
                    tensor[place] = job.start.steps
        # Parameters that modules share stand under each of their names.
        names = {id(tensor): name for name, tensor in held.items()}
        self.state = {
            name: stacked[names[id(tensor)]][: self._models]
            for name, tensor in self._module.state_dict(keep_vars=True).items()
            if id(tensor) in names and not name.endswith(COUNTER)
        }
        self.values = {name: value[: self._models] for name, value in self._parameters.items()}
        self.gradients = [torch.zeros_like(value) for value in self.values.values()]
        self._differentiate = vmap(grad(self._loss, has_aux=True))

    def differentiate(self, rows: Tensor, truth: Tensor, shares: Tensor, step: int) -> Tensor:
        """Write the gradients; returns the losses (models, 1)."""
        if self._places > self._models:
            rows, truth, shares = (
                given.expand(self._places, *given.shape[1:]) for given in (rows, truth, shares)
            )
        found, losses = self._differentiate(
            self._parameters, self._others, self._data.inputs(rows), truth, shares
        )
        self.gradients = [found[name][: self._models] for name in self._parameters]
        return losses[: self._models, None]

    def _loss(
        self, parameters: State, others: State, inputs: Tensor, truth: Tensor, shares: Tensor
    ) -> tuple[Tensor, Tensor]:
        logits = forward(
            self._spec,
            lambda given: functional_call(self._module, (parameters, others), (given,)),
            inputs,
        )
        loss = torch.dot(functional.cross_entropy(logits, truth, reduction="none"), shares)
        return loss, loss


def _stacked(tensors: Mapping[str, Tensor], places: int) -> State:
    return {
        name: tensor.detach().expand(places, *tensor.shape).clone()
        for name, tensor in tensors.items()
    }
