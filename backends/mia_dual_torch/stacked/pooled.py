"""Convolutions that a pool of 2 x 2 pixels follows, and these pools.

The four pixels of each of the pool's windows stand in planes of their own, in row order, so that a
pool compares or adds what lies in long runs. Axes and rules are those of
:mod:`mia_dual_torch.stacked.layers`.
"""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from mia_dual_torch.stacked.layers import Parameter, Workspace, product_into


class PooledConvolution:
    """A convolution, stride 1, no bias, by an odd kernel.

    One product gives all planes, from windows of one pixel more each way that are taken at every
    second pixel: a third of the copies that a :class:`mia_dual_torch.stacked.layers.Convolution`
    makes, for some products with zeros. A last odd row or column of outputs is left out, as pools
    leave it.
    """

    def __init__(
        self,
        space: Workspace,
        name: str,
        given: tuple[int, int, int],
        channels: int,
        kernel: int,
        padding: int = 0,
        first: bool = False,
    ) -> None:
        pairs = (kernel + 1) // 2
        height, width = ((size + 2 * padding - kernel + 1) // 2 for size in given[1:])
        self.shape = (channels, height, width)
        self._padding, self._first = padding, first
        weight = Parameter(space, channels, given[0], kernel, kernel, margin=1)
        self.parameters = {f"{name}.weight": weight}
        halves = (given[0], 2, 2, height + pairs - 1, width + pairs - 1, space.records)
        windows = (given[0], pairs, 2, pairs, 2, height, width, space.records)
        planes = (4, channels, given[0], kernel + 1, kernel + 1)
        # Even and odd rows and columns lie apart, so that windows are copied in long runs.
        self._halves = space.zeros(*halves)
        self._given: Optional[Tensor] = None
        self._placed: list[tuple[Tensor, Tensor]] = []
        self._windows = space.zeros(*windows)
        model, channel, odd_row, odd_column, row, column, record = self._halves.stride()
        self._seen = self._halves.as_strided(
            self._windows.shape,
            (model, channel, row, odd_row, column, odd_column, row, column, record),
        )
        self._out = space.zeros(4, *self.shape, space.records)
        kernels, kernels_error = space.zeros(*planes), space.errors(*planes)
        self._columns = _matrix(self._windows, 5)
        self._products, self._kernels, self._kernels_error = (
            _matrix(each, 2) for each in (self._out, kernels, kernels_error)
        )
        # The kernel of a pixel further on is the same numbers so many places further on: what it
        # leaves behind and pushes over the end of a row is zeros of the margin.
        self._gradient = weight.whole_gradient
        self._spread, self._folded = (
            [
                (plane[:, step:], whole[:, : whole.shape[1] - step])
                for step, plane in zip((0, 1, kernel + 1, kernel + 2), each.flatten(2).unbind(1))
            ]
            for each, whole in ((kernels, weight.whole), (kernels_error, self._gradient))
        )
        inner = torch.zeros(planes[1:], device=self._gradient.device)
        inner[..., :kernel, :kernel] = 1
        self._inner = inner.flatten()
        if not first:
            windows_error = space.errors(*windows)
            self._columns_error = _matrix(windows_error, 5)
            self._halves_error = space.errors(*halves)
            self._error = space.map_errors(*given)
            # Where each pair of taps looked, and what comes back from there.
            self._returns = [
                (
                    self._halves_error[..., row : row + height, column : column + width, :],
                    windows_error[:, :, row, :, column],
                )
                for row in range(pairs)
                for column in range(pairs)
            ]
            self._parts = _parted(self._halves_error, padding, self._error)

    def forward(self, given: Tensor) -> Tensor:
        """(models, 4, channels, height / 2, width / 2, records)."""
        if given is not self._given:
            # The layer before gives the same tensor each time.
            self._given, self._placed = given, _parted(self._halves, self._padding, given)
        for half, part in self._placed:
            half.copy_(part)
        self._windows.copy_(self._seen)
        for plane, whole in self._spread:
            plane.copy_(whole)
        product_into(self._products, self._kernels, self._columns)
        return self._out

    def backward(self, error: Tensor) -> Optional[Tensor]:
        """The gradient of the maps given."""
        outputs = _matrix(error, 2)
        product_into(self._kernels_error, outputs, self._columns.transpose(1, 2))
        (plane, whole), *others = self._folded
        whole.copy_(plane)
        for plane, whole in others:
            whole.add_(plane)
        self._gradient.mul_(self._inner)
        if self._first:
            return None
        product_into(self._columns_error, self._kernels.transpose(1, 2), outputs)
        self._halves_error.zero_()
        for place, part in self._returns:
            place.add_(part)
        for half, part in self._parts:
            part.copy_(half)
        return self._error


class MaxPool:
    """The maximum of the four planes of a :class:`PooledConvolution`."""

    def __init__(self, space: Workspace, given: tuple[int, int, int]) -> None:
        self.parameters: dict[str, Parameter] = {}
        rows = (2, *given, space.records)
        self._rows, self._rows_error = space.zeros(*rows), space.errors(*rows)
        self._is_left, self._is_upper = space.errors(*rows), space.map_errors(*given)
        self._out, self._error = space.maps(*given), space.errors(4, *given, space.records)
        self._upper, self._lower = self._rows.unbind(1)
        self._upper_error, self._lower_error = self._rows_error.unbind(1)
        self._left_error, self._right_error = _columns(self._error)

    def forward(self, given: Tensor) -> Tensor:
        """(models, channels, height, width, records)."""
        self._left, self._right = _columns(given)
        torch.maximum(self._left, self._right, out=self._rows)
        return torch.maximum(self._upper, self._lower, out=self._out)

    def backward(self, error: Tensor) -> Tensor:
        """The gradient of the planes: all of it to each window's maximum."""
        # As numbers: a product with truths would make numbers of them first.
        torch.ge(self._upper, self._lower, out=self._is_upper)
        torch.mul(error, self._is_upper, out=self._upper_error)
        torch.sub(error, self._upper_error, out=self._lower_error)
        torch.ge(self._left, self._right, out=self._is_left)
        torch.mul(self._rows_error, self._is_left, out=self._left_error)
        torch.sub(self._rows_error, self._left_error, out=self._right_error)
        return self._error


class MeanPool:
    """The mean of the four planes of a :class:`PooledConvolution`."""

    def __init__(self, space: Workspace, given: tuple[int, int, int]) -> None:
        self.parameters: dict[str, Parameter] = {}
        self._rows = space.zeros(2, *given, space.records)
        self._out, self._error = space.maps(*given), space.errors(4, *given, space.records)

    def forward(self, given: Tensor) -> Tensor:
        """(models, channels, height, width, records)."""
        torch.add(*_columns(given), out=self._rows)
        return torch.add(*self._rows.unbind(1), out=self._out).mul_(0.25)

    def backward(self, error: Tensor) -> Tensor:
        """The gradient of the planes: a quarter to each."""
        return torch.mul(error[:, None].expand_as(self._error), 0.25, out=self._error)


def _matrix(tensor: Tensor, rows: int) -> Tensor:
    """(models, rows, columns): the next ``rows`` axes behind the models, and all others."""
    return tensor.flatten(rows + 1).flatten(1, rows)


def _columns(planes: Tensor) -> tuple[Tensor, Tensor]:
    """The left and the right pixels of ``planes``, upper ones first."""
    return planes[:, 0::2], planes[:, 1::2]


def _parted(halves: Tensor, padding: int, maps: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Parts of ``halves`` (models, channels, 2, 2, height / 2, width / 2, records), and those of
    ``maps`` that are there, which begin ``padding`` pixels later.
    """
    found: list[tuple[Tensor, Tensor]] = []
    for odd_row in range(2):
        for odd_column in range(2):
            there, ours = halves[:, :, odd_row, odd_column], maps
            for axis, odd in ((2, odd_row), (3, odd_column)):
                begin = (odd - padding) % 2
                first = (begin + padding) // 2
                count = min(-(-(maps.shape[axis] - begin) // 2), there.shape[axis] - first)
                there = there.narrow(axis, first, count)
                index = (slice(None),) * axis + (slice(begin, begin + 2 * count, 2),)
                ours = ours[index]
            found.append((there, ours))
    return found
