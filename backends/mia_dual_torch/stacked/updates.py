"""How stacked weights are updated: the rules of :class:`mia_dual.interface.Optimizer`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mia_dual.interface import Optimizer

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class StackedUpdate:
    """Takes a step for every model of a stack, each at its own learning rate."""

    def __init__(self, optimizer: Optimizer, values: Sequence[Tensor]) -> None:
        self._optimizer = optimizer
        self._first = [torch.zeros_like(value) for value in values]
        adam = optimizer.name == "adam"
        self._second = [torch.zeros_like(value) for value in values] if adam else []
        self._step = 0

    def narrow(self, models: int) -> None:
        """Go on with the first ``models`` models."""
        self._first = [momentum[:models].clone() for momentum in self._first]
        self._second = [square[:models].clone() for square in self._second]

    def apply(
        self, values: Sequence[Tensor], gradients: Sequence[Tensor], rates: np.ndarray
    ) -> None:
        """Take one step; ``rates`` (models,) float64."""
        self._step += 1
        values, gradients = list(values), list(gradients)
        if self._optimizer.weight_decay:
            gradients = list(
                torch._foreach_add(gradients, values, alpha=self._optimizer.weight_decay)
            )
        if self._optimizer.name == "adam":
            self._adam(values, gradients, rates)
        else:
            torch._foreach_mul_(self._first, self._optimizer.momentum)
            torch._foreach_add_(self._first, gradients)
            self._move(values, self._first, rates)

    def _adam(self, values: list[Tensor], gradients: list[Tensor], rates: np.ndarray) -> None:
        torch._foreach_lerp_(self._first, gradients, 1 - BETA1)
        torch._foreach_mul_(self._second, BETA2)
        torch._foreach_addcmul_(self._second, gradients, gradients, 1 - BETA2)
        sizes = torch._foreach_sqrt(self._second)
        torch._foreach_div_(sizes, float(np.sqrt(1 - BETA2**self._step)))
        torch._foreach_add_(sizes, EPSILON)
        self._move(values, torch._foreach_div(self._first, sizes), rates / (1 - BETA1**self._step))

    @staticmethod
    def _move(values: list[Tensor], ways: Sequence[Tensor], rates: np.ndarray) -> None:
        if (rates == rates[0]).all():
            torch._foreach_add_(values, list(ways), alpha=-float(rates[0]))
            return
        column = torch.from_numpy(-rates.astype(np.float32)).to(values[0].device)
        for value, way in zip(values, ways):
            value.addcmul_(way, column.view(-1, *[1] * (value.dim() - 1)))
