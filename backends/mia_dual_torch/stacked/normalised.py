"""Batch normalisation of one model, and the convolution before the first, of images.

Axes and rules are those of :mod:`mia_dual_torch.stacked.taps`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mia_dual_torch.stacked.taps import Grid, Memory, seen

MOMENTUM, EPSILON = 0.1, 1e-5


class FirstConvolution:
    """3 x 3 at every third pixel, padded by one, no bias: windows of images times the kernels."""

    def __init__(
        self, memory: Memory, name: str, given: tuple[int, int, int], channels: int
    ) -> None:
        depth, height, width = given
        self.grid = (height - 1) // 3 + 1, (width - 1) // 3 + 1
        weight, gradient = torch.zeros(2, 1, channels, depth, 3, 3).unbind()
        self.values, self.gradients = {f"{name}.weight": weight}, {f"{name}.weight": gradient}
        self.others: dict[str, Tensor] = {}
        self._kernels, self._kernels_error = weight.view(channels, -1), gradient.view(channels, -1)
        self._images = torch.zeros(memory.records, depth, height + 2, width + 2)
        self._windows = memory.maps(math.prod(self.grid), 9 * depth)
        self._results = memory.maps(math.prod(self.grid), channels)

    def see(self, records: int) -> None:
        """See :class:`mia_dual_torch.stacked.taps.Layer`."""
        images, (rows, columns) = self._images[:records], self.grid
        self._inner = images[:, :, 1:-1, 1:-1]
        record, channel, row, column = images.stride()
        looked_at = (rows, columns, records, images.shape[1], 3, 3)
        self._seen = images.as_strided(
            looked_at, (3 * row, 3 * column, record, channel, row, column)
        )
        pixels, features = rows * columns, self._kernels.shape[1]
        windows = seen(self._windows, pixels, records, features)
        self._copies, self._columns = windows.view(looked_at), windows.flatten(0, 1)
        self._out = seen(self._results, pixels, records, len(self._kernels))

    def forward(self, given: Tensor) -> Tensor:
        """Of images (records, channels, rows, columns): (pixels, records, channels)."""
        self._inner.copy_(given)
        self._copies.copy_(self._seen)
        torch.mm(self._columns, self._kernels.t(), out=self._out.flatten(0, 1))
        return self._out

    def backward(self, error: Tensor) -> Tensor:
        """``error`` as it is: nobody asks for that of the images."""
        torch.mm(error.flatten(0, 1).t(), self._columns, out=self._kernels_error)
        return error


class Normalisation:
    """Over pixels and records, by PyTorch's own function."""

    def __init__(self, memory: Memory, name: str, grid: Grid, channels: int) -> None:
        weight, bias, weight_error, bias_error = torch.zeros(4, 1, channels).unbind()
        mean, variance = torch.zeros(2, 1, channels).unbind()
        self.values = {f"{name}.weight": weight, f"{name}.bias": bias}
        self.gradients = {f"{name}.weight": weight_error, f"{name}.bias": bias_error}
        self.others = {f"{name}.running_mean": mean, f"{name}.running_var": variance}
        self._weight, self._bias = weight[0], bias[0]
        self._weight_error, self._bias_error = weight_error[0], bias_error[0]
        self._running = mean[0], variance[0]
        self._batch = torch.zeros(2, channels).unbind()
        self._pixels, self._results = math.prod(grid), memory.maps(math.prod(grid), channels)

    def see(self, records: int) -> None:
        """See :class:`mia_dual_torch.stacked.taps.Layer`."""
        self._out = seen(self._results, self._pixels, records, len(self._weight))

    def forward(self, given: Tensor) -> Tensor:
        """(pixels, records, channels); moves the running statistics."""
        self._given = given.flatten(0, 1)
        out = (self._out.flatten(0, 1), *self._batch)
        torch.native_batch_norm(
            self._given,
            self._weight,
            self._bias,
            *self._running,
            training=True,
            momentum=MOMENTUM,
            eps=EPSILON,
            out=out,
        )
        return self._out

    def backward(self, error: Tensor) -> Tensor:
        """The gradient of the maps given, in memory of its own."""
        found, weight, bias = torch.ops.aten.native_batch_norm_backward(
            error.flatten(0, 1),
            self._given,
            self._weight,
            *self._running,
            *self._batch,
            train=True,
            eps=EPSILON,
            output_mask=[True, True, True],
        )
        self._weight_error.copy_(weight)
        self._bias_error.copy_(bias)
        gradient: Tensor = found.view_as(error)
        return gradient
