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
    """A convolution, stride 1, no bias, by a kernel of 5 x 5.

    One product gives all planes, from windows of one pixel more each way that are taken at every
    second pixel: a third of the copies that a :class:`mia_dual_torch.stacked.layers.Convolution`
    makes, for some products with zeros. A last odd row or column of outputs is left out, as pools
    leave it.

    ``takes``: the axes of the maps it is given, (channels, 2, columns, height / 2, width /
    columns), whose rows lie apart by what is left of a division by 2, and whose columns by
    ``columns``, so that windows are copied in long runs. ``gives``: those of a plane; so split for
    a convolution of this kind where it ``feeds`` one, else (channels, height, width).
    """

    def __init__(
        self,
        space: Workspace,
        name: str,
        given: tuple[int, int, int],
        channels: int,
        kernel: int,
        first: bool = False,
        feeds: bool = False,
    ) -> None:
        pairs, parts = (kernel + 1) // 2, 2 if feeds else 1
        # What is odd here, the next one leaves out.
        height, width = ((size - kernel + 1) // 2 // parts for size in given[1:])
        self._first = first
        self.shape = (channels, parts * height, parts * width)
        self.gives = (channels, parts, parts, height, width) if feeds else self.shape
        rows, columns = (parts * size + pairs - 1 for size in (height, width))
        self.takes = (given[0], 2, 2 * parts, rows, columns // parts)
        weight = Parameter(
            space,
            *(channels, given[0], kernel, kernel),
            # With one pixel more each way, for the kernel of each plane; see below.
            memory=(channels, given[0], kernel + 1, kernel + 1),
        )
        self.parameters = {f"{name}.weight": weight}
        windows = (given[0], pairs, 2, pairs, 2, parts, parts, height, width, space.records)
        planes = (4, channels, given[0], kernel + 1, kernel + 1)
        self._windows = space.zeros(*windows)
        self._given: Optional[Tensor] = None
        self._seen: list[tuple[Tensor, Tensor]] = []
        self._out = space.zeros(4, *self.gives, space.records)
        kernels, kernels_error = space.zeros(*planes), space.errors(*planes)
        self._columns = _matrix(self._windows, 5)
        self._products, self._kernels, self._kernels_error = (
            _matrix(each, 2) for each in (self._out, kernels, kernels_error)
        )
        # The kernel of a pixel further on is the same numbers so many places further on: what it
        # leaves behind and pushes over the end of a row are zeros.
        whole, self._gradient = weight.whole.flatten(1), weight.whole_gradient.flatten(1)
        self._spread, self._folded = (
            [
                (plane[:, step:], numbers[:, : numbers.shape[1] - step])
                for step, plane in zip((0, 1, kernel + 1, kernel + 2), each.flatten(2).unbind(1))
            ]
            for each, numbers in ((kernels, whole), (kernels_error, self._gradient))
        )
        inner = torch.zeros(planes[1:], device=self._gradient.device)
        inner[..., :kernel, :kernel] = 1
        self._inner = inner.flatten()
        if not first:
            windows_error = space.errors(*windows)
            self._columns_error = _matrix(windows_error, 5)
            self._error = space.errors(*self.takes, space.records)
            # Pair by pair and part by part: those of several pixels overlap.
            self._returns = [
                (place[:, :, pair, :, :, part], error[:, :, pair, :, :, part])
                for error, place in _looks(windows_error, self._error)
                for pair in range(pairs)
                for part in range(parts)
            ]

    def forward(self, given: Tensor) -> Tensor:
        """(models, 4, *gives, records), from (models, *takes, records)."""
        if given is not self._given:
            # The layer before gives the same tensor each time.
            self._given, self._seen = given, _looks(self._windows, given)
        for windows, seen in self._seen:
            windows.copy_(seen)
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
        self._error.zero_()
        for place, part in self._returns:
            place.add_(part)
        return self._error


class MaxPool:
    """The maximum of the four planes that a :class:`PooledConvolution` gives, axes ``given``."""

    def __init__(self, space: Workspace, given: tuple[int, ...]) -> None:
        self.parameters: dict[str, Parameter] = {}
        rows = (2, *given, space.records)
        self._rows, self._rows_error = space.zeros(*rows), space.errors(*rows)
        self._is_left, self._is_upper = space.errors(*rows), space.errors(*rows[1:])
        self._out, self._error = space.zeros(*rows[1:]), space.errors(4, *rows[1:])
        self._upper, self._lower = self._rows.unbind(1)
        self._upper_error, self._lower_error = self._rows_error.unbind(1)
        self._left_error, self._right_error = _columns(self._error)

    def forward(self, given: Tensor) -> Tensor:
        """(models, *given, records)."""
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
    """The mean of the four planes that a :class:`PooledConvolution` gives, axes ``given``."""

    def __init__(self, space: Workspace, given: tuple[int, ...]) -> None:
        self.parameters: dict[str, Parameter] = {}
        rows = (2, *given, space.records)
        self._rows = space.zeros(*rows)
        self._out, self._error = space.zeros(*rows[1:]), space.errors(4, *rows[1:])

    def forward(self, given: Tensor) -> Tensor:
        """(models, *given, records)."""
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


def _looks(windows: Tensor, maps: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Parts of ``windows``, and what each sees of ``maps`` (models, *takes, records).

    Windows are (models, channels, pair of rows, 2, pair of columns, 2, part of rows, part of
    columns, height, width, records). Both of a pair of (models, channels, pair of rows, 2, 2, part
    of rows, height, width, records): those of one pair and part of columns.
    """
    pairs, parts = windows.shape[4], windows.shape[7]
    model, channel, odd, left, row, column, record = maps.stride()
    found = []
    for part in range(parts):
        for pair in range(pairs):
            taken = windows[:, :, :, :, pair, :, :, part]
            further, lead = divmod(2 * (part + pair), 2 * parts)
            seen = maps[:, :, :, lead:, :, further:].as_strided(
                taken.shape,
                (model, channel, row, odd, left, row, parts * row, column, record),
            )
            found.append((taken, seen))
    return found
