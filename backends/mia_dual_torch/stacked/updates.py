"""How stacked weights are updated: the rules of :class:`mia_dual.interface.Optimizer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.optim.sgd import sgd

from mia_dual.interface import Optimizer

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class StackedUpdate:
    """Takes a step for every model of a stack, each at its own learning rate and count of steps.

    ``values``: name -> stacked trained parameter (models, *shape). ``steps``: those that each
    model has taken, (models,) int64. ``masks``: what gradients are multiplied by, float32 of the
    shapes of ``values`` and in their order; none: not at all. ``moments``: ``first/<name>`` and,
    for Adam, ``second/<name>``, stacked as the values are; zeros until they are set.

    Computed is with all memory of a model as a row, whatever lies between its numbers: zeros, which
    stay zeros.
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
        kinds = ("first", "second") if optimizer.name == "adam" else ("first",)
        self.moments = {
            f"{kind}/{name}": _zeros_like(value) for kind in kinds for name, value in values.items()
        }
        self._like = list(values.values())
        self._values = [_rows(value) for value in values.values()]
        moments = [_rows(moment) for moment in self.moments.values()]
        self._first, self._second = moments[: len(values)], moments[len(values) :]
        self._masks = [
            _rows(_zeros_like(value).copy_(mask)) for value, mask in zip(self._like, masks)
        ]
        self._left = [torch.empty_like(mask) for mask in self._masks]

    def apply(self, gradients: Sequence[Tensor], rates: np.ndarray) -> None:
        """Take one step; ``rates`` (models,) float64. Changes ``gradients``."""
        self.steps += 1
        slopes = [_rows_as(gradient, value) for gradient, value in zip(gradients, self._like)]
        decay = self._optimizer.weight_decay
        fused = self._optimizer.name == "sgd" and self._optimizer.momentum != 0
        if decay and (self._masks or not fused):
            torch._foreach_add_(slopes, self._values, alpha=decay)
            decay = 0.0
        if self._masks:
            # Not in place: autograd may give two parameters one gradient.
            for slope, mask, left in zip(slopes, self._masks, self._left):
                torch.mul(slope, mask, out=left)
            slopes = self._left
        if self._optimizer.name == "adam":
            self._adam(slopes, rates)
        elif fused:
            self._descend(slopes, rates, decay)
        else:
            torch._foreach_copy_(self._first, slopes)
            self._move(self._first, rates)

    def _descend(self, slopes: list[Tensor], rates: np.ndarray, decay: float) -> None:
        """Momentum and the way, in one pass over memory; models of one rate at a time."""
        cuts = [0, *(np.flatnonzero(rates[1:] != rates[:-1]) + 1).tolist(), len(rates)]
        for start, end in zip(cuts, cuts[1:]):
            values, found, first = (
                # Each part that is cut is a call.
                part if len(cuts) == 2 else [rows[start:end] for rows in part]
                for part in (self._values, slopes, self._first)
            )
            sgd(
                values,
                found,
                first,
                has_sparse_grad=False,
                fused=True,
                weight_decay=decay,
                momentum=self._optimizer.momentum,
                lr=float(rates[start]),
                dampening=0.0,
                nesterov=False,
                maximize=False,
            )

    def _adam(self, slopes: list[Tensor], rates: np.ndarray) -> None:
        torch._foreach_lerp_(self._first, slopes, 1 - BETA1)
        torch._foreach_mul_(self._second, BETA2)
        torch._foreach_addcmul_(self._second, slopes, slopes, 1 - BETA2)
        # first / (1 - beta1^t) / (sqrt(second / (1 - beta2^t)) + epsilon), its fraction expanded.
        scale = np.sqrt(1 - BETA2**self.steps)
        sizes = torch._foreach_sqrt(self._second)
        _add_(sizes, EPSILON * scale)
        ways = torch._foreach_div(self._first, sizes)
        self._move(ways, rates * scale / (1 - BETA1**self.steps))

    def _move(self, ways: Sequence[Tensor], rates: np.ndarray) -> None:
        if (rates == rates[0]).all():
            torch._foreach_add_(self._values, list(ways), alpha=-float(rates[0]))
            return
        for value, way in zip(self._values, ways):
            value.addcmul_(way, _column(-rates, value))


def _zeros_like(value: Tensor) -> Tensor:
    """Zeros that lie in memory as ``value`` does, what is between its numbers included."""
    models, floats = len(value), value.stride(0)
    memory = torch.zeros(models, floats, dtype=value.dtype, device=value.device)
    return memory.as_strided(value.shape, value.stride())


def _rows_as(gradient: Tensor, value: Tensor) -> Tensor:
    """The rows of ``gradient``, which autograd may have laid out otherwise than ``value``."""
    if gradient.stride() != value.stride():
        gradient = _zeros_like(value).copy_(gradient)
    return _rows(gradient)


def _rows(tensor: Tensor) -> Tensor:
    """(models, floats): all memory of each model, from where it begins to where the next does."""
    return tensor.as_strided((len(tensor), tensor.stride(0)), (tensor.stride(0), 1))


def _add_(tensors: list[Tensor], numbers: np.ndarray) -> None:
    if (numbers == numbers[0]).all():
        torch._foreach_add_(tensors, float(numbers[0]))
        return
    for tensor in tensors:
        tensor.add_(_column(numbers, tensor))


def _column(numbers: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(numbers.astype(np.float32)).to(like.device)[:, None]
