"""Steps of training: a cell's gradients, and what they do to its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from mia_dual.interface import Optimizer
from mia_dual_mindspore.moments import Moments
from mia_dual_mindspore.same_shapes import always_alike
from mia_dual_mindspore.updates import Rate, make_update


class Descent(nn.Cell):
    """A step of SGD at one rate, in one graph with its gradients: on a CPU these then need not
    leave it, in fresh memory. Bit for bit what :class:`.updates.HostUpdate` does.
    """

    def __init__(
        self, gradients: nn.Cell, parameters: Sequence[Parameter], optimizer: Optimizer
    ) -> None:
        super().__init__(auto_prefix=False)
        self.gradients = gradients
        self.weights = ms.ParameterTuple(parameters)
        self.velocities = ms.ParameterTuple(
            Parameter(ops.zeros_like(weight), name=f"{weight.name}.velocity", requires_grad=False)
            for weight in parameters
        )
        self.momentum, self.decay = optimizer.momentum, optimizer.weight_decay
        self.move = ops.ApplyMomentum()

    def construct(self, inputs: Tensor, truth: Tensor, shares: Tensor, rate: Tensor) -> Tensor:
        """What was lost before the step, whose learning rate is ``rate``, a float32."""
        losses, gradients = self.gradients(inputs, truth, shares)
        for place, weight in enumerate(self.weights):
            gradient = gradients[place]
            if self.decay:
                gradient = gradient + self.decay * weight
            self.move(weight, self.velocities[place], rate, gradient, self.momentum)
        return losses


class Steps:
    """Takes steps with ``gradients``, a cell that gives losses and the gradients of ``parameters``.

    ``alike``: whether its arguments always have the same shapes.
    """

    def __init__(self, gradients: nn.Cell, parameters: Sequence[Parameter], alike: bool) -> None:
        self._alike = alike
        self._gradients = self._compiled(gradients)
        self._parameters = parameters
        self._descents: dict[Optimizer, Descent] = {}

    def start(
        self, optimizer: Optimizer, start: Moments, masks: Sequence[np.ndarray], on_host: bool
    ) -> None:
        """Have the steps that follow update as ``optimizer`` says, from ``start``, which they may
        change; ``masks`` as :class:`.updates.Update` has them.
        """
        self._update = make_update(optimizer, self._parameters, start, on_host, masks)
        self._moments = start
        self._descent: Optional[Descent] = None
        plain = all(parameter.dtype == ms.float32 for parameter in self._parameters)
        if not on_host or optimizer.name != "sgd" or masks or not plain:
            return
        if optimizer not in self._descents:
            descent = Descent(self._gradients, self._parameters, optimizer)
            self._descents[optimizer] = self._compiled(descent)
        self._descent = self._descents[optimizer]
        # On a CPU these share the parameters' memory.
        velocities = [velocity.asnumpy() for velocity in self._descent.velocities]
        for velocity, first in zip(velocities, start.first):
            velocity[...] = first
        start.first = velocities

    def take(self, given: Sequence[Tensor], rate: Rate) -> Tensor:
        """Take a step at ``rate`` with what the cell is ``given``; gives the losses before it."""
        rates = np.atleast_1d(rate)
        if self._descent is not None and (rates == rates[0]).all():
            self._moments.count()
            return self._descent(*given, Tensor(np.array(rates[0], np.float32)))
        losses, gradients = self._gradients(*given)
        self._update.apply(gradients, rate)
        return losses

    def moments(self) -> Moments:
        """Where the optimizer's averages stand, for reading: arrays of the host."""
        return self._update.moments()

    def _compiled(self, cell: nn.Cell) -> nn.Cell:
        cell.set_train(True)
        return always_alike(cell) if self._alike else cell
