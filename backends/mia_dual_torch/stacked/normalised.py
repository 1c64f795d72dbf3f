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
    """Over pixels and records.

    Not by PyTorch's function, which adds up channels that lie innermost one number after another:
    of 1600 that left an error of 3e-6 of a float32's size, where these sums leave 1e-7.
    """

    def __init__(self, memory: Memory, name: str, grid: Grid, channels: int) -> None:
        weight, bias, weight_error, bias_error = torch.zeros(4, 1, channels).unbind()
        mean, variance = torch.zeros(2, 1, channels).unbind()
        self.values = {f"{name}.weight": weight, f"{name}.bias": bias}
        self.gradients = {f"{name}.weight": weight_error, f"{name}.bias": bias_error}
        self.others = {f"{name}.running_mean": mean, f"{name}.running_var": variance}
        self._weight, self._bias = weight[0], bias[0]
        self._weight_error, self._bias_error = weight_error[0], bias_error[0]
        self._running_mean, self._running_variance = mean[0], variance[0]
        self._mean, self._variance, self._narrowing, self._scale = torch.zeros(4, channels)
        self._pixels, self._memory = math.prod(grid), memory
        self._results, self._gaps = (memory.maps(self._pixels, channels) for _ in range(2))
        memory.share("normalised", self._pixels, channels)

    def see(self, records: int) -> None:
        """See :class:`mia_dual_torch.stacked.taps.Layer`."""
        size = (self._pixels, records, len(self._weight))
        self._out, self._gap = seen(self._results, *size), seen(self._gaps, *size).flatten(0, 1)
        self._error = seen(self._memory.shared("normalised"), *size)
        self._out_rows, self._error_rows = self._out.flatten(0, 1), self._error.flatten(0, 1)

    def forward(self, given: Tensor) -> Tensor:
        """(pixels, records, channels); moves the running statistics."""
        rows, squares = given.flatten(0, 1), self._error_rows
        torch.mean(rows, 0, out=self._mean)
        torch.sub(rows, self._mean, out=self._gap)
        torch.mean(torch.mul(self._gap, self._gap, out=squares), 0, out=self._variance)
        unbiased = len(rows) / (len(rows) - 1)
        self._running_mean.lerp_(self._mean, MOMENTUM)
        self._running_variance.mul_(1 - MOMENTUM).add_(self._variance, alpha=MOMENTUM * unbiased)
        torch.add(self._variance, EPSILON, out=self._narrowing).rsqrt_()
        torch.mul(self._weight, self._narrowing, out=self._scale)
        torch.addcmul(self._bias, self._gap, self._scale, out=self._out_rows)
        return self._out

    def backward(self, error: Tensor) -> Tensor:
        """The gradient of the maps given, in memory that the next layer of this kind writes."""
        rows, found = error.flatten(0, 1), self._error_rows
        torch.sum(rows, 0, out=self._bias_error)
        torch.sum(torch.mul(rows, self._gap, out=found), 0, out=self._weight_error)
        self._weight_error.mul_(self._narrowing)
        # scale (error - mean of error - gap times what the variance takes)
        shared = self._scale / -len(rows)
        slope = self._weight_error * shared * self._narrowing
        torch.addcmul(shared * self._bias_error, self._gap, slope, out=found)
        found.addcmul_(rows, self._scale)
        return self._error
