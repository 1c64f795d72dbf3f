"""One model by its own module and autograd: a stack of one."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional

from mia_dual.interface import NetworkSpec, TrainingJob
from mia_dual_torch.draws import drawing_from
from mia_dual_torch.networks import build, forward
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.weights import COUNTER, contents, trained


class SingleStack:
    """The model of ``job``. See :class:`mia_dual_torch.stacked.stack.Stack`.

    ``draws``: whether its module draws at random in a forward pass, for which it then needs
    PyTorch's generator to itself.
    """

    trims = True

    def __init__(
        self, spec: NetworkSpec, job: TrainingJob, data: DeviceRecords, draws: bool
    ) -> None:
        self._spec, self._job, self._data = spec, job, data
        self._module = build(spec).to(data.device).train()
        self._draws = draws
        self._parameters = list(trained(self._module).values())
        for name, buffer in self._module.named_buffers():
            if name.endswith(COUNTER):
                buffer.fill_(job.start.steps)
        self.state = {name: tensor[None] for name, tensor in contents(self._module).items()}
        self.values = {name: value.detach()[None] for name, value in trained(self._module).items()}
        self.gradients = [torch.zeros_like(value) for value in self.values.values()]

    def differentiate(self, rows: Tensor, truth: Tensor, shares: Tensor, step: int) -> Tensor:
        """Write the gradients; returns the loss (1, 1)."""
        inputs = self._data.inputs(rows[0])
        place = (self._job.stream, self._job.start.steps + step)
        with torch.enable_grad():
            with drawing_from(*place, device=inputs.device) if self._draws else nullcontext():
                logits = forward(self._spec, self._module, inputs)
            losses = functional.cross_entropy(logits, truth[0], reduction="none")
            loss = torch.dot(losses, shares[0])
            found = torch.autograd.grad(loss, self._parameters, materialize_grads=True)
        self.gradients = [gradient[None] for gradient in found]
        return loss.detach()[None, None]
