"""How stacked weights are updated: the rules of :class:`mia_dual.interface.Optimizer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mia_dual.interface import Optimizer

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class StackedUpdate:
    """Takes a step for every model of a stack, each at its own learning rate and count of steps.

    ``values``: name -> stacked trained parameter (models, *shape). ``steps``: those that each
    model has taken, (models,) int64. ``masks``: what gradients are multiplied by, float32 of the
    shapes of ``values`` and in their order; none: not at all. ``moments``: ``first/<name>`` and,
    for Adam, ``second/<name>``, stacked as the values are; zeros until they are set.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        values: Mapping[str, Tensor],
        steps: np.ndarray,
        masks: Sequence[Tensor] = (),
    ) -> None:
        self._optimizer = optimizer
        self.steps = steps.copy()
        self.masks = list(masks)
        self._left = [torch.empty_like(mask) for mask in masks]
        kinds = ("first", "second") if optimizer.name == "adam" else ("first",)
        self.moments = {
            f"{kind}/{name}": torch.zeros_like(value)
            for kind in kinds
            for name, value in values.items()
        }
        moments = list(self.moments.values())
        self._first, self._second = moments[: len(values)], moments[len(values) :]

    def apply(
        self, values: Sequence[Tensor], gradients: Sequence[Tensor], rates: np.ndarray
    ) -> None:
        """Take one step; ``rates`` (models,) float64. Changes ``gradients``."""
        self.steps += 1
        values, gradients = list(values), list(gradients)
        if self._optimizer.weight_decay:
            torch._foreach_add_(gradients, values, alpha=self._optimizer.weight_decay)
        if self.masks:
            # Not in place: autograd may give two parameters one gradient.
            for gradient, mask, left in zip(gradients, self.masks, self._left):
                torch.mul(gradient, mask, out=left)
            gradients = self._left
        if self._optimizer.name == "adam":
            self._adam(values, gradients, rates)
        else:
            for first, gradient in zip(self._first, gradients):
                # One pass over memory, where a product and a sum would be two.
                torch.add(gradient, first, alpha=self._optimizer.momentum, out=first)
            self._move(values, self._first, rates)

    def _adam(self, values: list[Tensor], gradients: list[Tensor], rates: np.ndarray) -> None:
        torch._foreach_lerp_(self._first, gradients, 1 - BETA1)
        torch._foreach_mul_(self._second, BETA2)
        torch._foreach_addcmul_(self._second, gradients, gradients, 1 - BETA2)
        # first / (1 - beta1^t) / (sqrt(second / (1 - beta2^t)) + epsilon), its fraction expanded.
        scale = np.sqrt(1 - BETA2**self.steps)
        sizes = torch._foreach_sqrt(self._second)
        _add_(sizes, EPSILON * scale)
        ways = torch._foreach_div(self._first, sizes)
        self._move(values, ways, rates * scale / (1 - BETA1**self.steps))

    @staticmethod
    def _move(values: list[Tensor], ways: Sequence[Tensor], rates: np.ndarray) -> None:
        if (rates == rates[0]).all():
            torch._foreach_add_(values, list(ways), alpha=-float(rates[0]))
            return
        for value, way in zip(values, ways):
            value.addcmul_(way, _column(-rates, value))


def _add_(tensors: list[Tensor], numbers: np.ndarray) -> None:
    if (numbers == numbers[0]).all():
        torch._foreach_add_(tensors, float(numbers[0]))
        return
    for tensor in tensors:
        tensor.add_(_column(numbers, tensor))


def _column(numbers: np.ndarray, like: Tensor) -> Tensor:
    column = torch.from_numpy(numbers.astype(np.float32)).to(like.device)
    return column.view(-1, *[1] * (like.dim() - 1))
