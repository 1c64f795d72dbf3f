"""Convolutions of one model as products of the taps of their kernels.

Maps are laid out (pixels, records, channels), pixels in row order. A tap takes whole pixels, and
multiplies those it finds by its (channels in, channels out). What padding would add is left out:
20 of the 36 products of pixels and taps on the maps of 2 x 2 where a ResNet18 has most of its
weights.

A layer owns its output and its gradients and writes them again at each step. It is told by ``see``
how many records the next steps have, which moves no bit of what it does with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

Grid = tuple[int, int]
"""Rows and columns of a map."""


class Layer(Protocol):
    """A step of a network and its derivative.

    ``values`` and ``gradients``: canonical name -> (1, *shape) of what is trained; ``others``: of
    what else the layer holds.
    """

    values: dict[str, Tensor]
    gradients: dict[str, Tensor]
    others: dict[str, Tensor]

    def see(self, records: int) -> None:
        """Be ready for steps of so many records."""
        ...

    def forward(self, given: Tensor) -> Tensor:
        """The layer's output; ``given`` must stay as it is until the way back."""
        ...

    def backward(self, error: Tensor) -> Tensor:
        """Write the gradients of the parameters; return that of ``given``."""
        ...


class Memory:
    """Memory for maps of ``records`` records at most, in the default type of floats."""

    def __init__(self, records: int) -> None:
        self.records = records
        self._shared: dict[str, Tensor] = {}

    def maps(self, pixels: int, channels: int) -> Tensor:
        """Flat; see :func:`seen`."""
        return torch.zeros(pixels * self.records * channels)

    def share(self, name: str, pixels: int, channels: int) -> None:
        """Have as much for :meth:`shared`."""
        found = self._shared.get(name)
        if found is None or len(found) < pixels * self.records * channels:
            self._shared[name] = self.maps(pixels, channels)

    def shared(self, name: str) -> Tensor:
        """What layers use one after another."""
        return self._shared[name]


def seen(memory: Tensor, pixels: int, records: int, channels: int) -> Tensor:
    """The first so many numbers of ``memory`` as a map (pixels, records, channels)."""
    return memory[: pixels * records * channels].view(pixels, records, channels)


class TapConvolution:
    """By an odd kernel, padded by half of it, no bias."""

    def __init__(
        self,
        memory: Memory,
        name: str,
        given: Grid,
        channels: tuple[int, int],
        kernel: int,
        stride: int = 1,
    ) -> None:
        """``channels``: in and out."""
        self.grid = (given[0] - 1) // stride + 1, (given[1] - 1) // stride + 1
        self._channels = channels
        shape = (1, *channels[::-1], kernel, kernel)
        tap = math.prod(channels)
        strides = (kernel * kernel * tap, 1, channels[1], kernel * tap, tap)
        self._taps, self._taps_error = (torch.zeros(kernel * kernel, *channels) for _ in range(2))
        self.values = {f"{name}.weight": self._taps.as_strided(shape, strides)}
        self.gradients = {f"{name}.weight": self._taps_error.as_strided(shape, strides)}
        self.others: dict[str, Tensor] = {}
        found = [
            _pairs(given, self.grid, stride, row - kernel // 2, column - kernel // 2)
            for row in range(kernel)
            for column in range(kernel)
        ]
        middle = len(found) // 2
        # The middle of a kernel that goes to every pixel finds the map as it is.
        self._middle = middle if stride == 1 else None
        self._blank = [tap for tap, pairs in enumerate(found) if not pairs]
        self._groups = _groups(
            [0 if n == self._middle else len(found[n]) for n in range(len(found))]
        )
        pairs = [pair for taps, _ in self._groups for tap in taps for pair in found[tap]]
        indices = torch.tensor(pairs, dtype=torch.long).view(-1, 2)
        self._reads, self._writes = indices.t().contiguous().unbind()
        self._pixels = math.prod(given), math.prod(self.grid)
        self._memory = memory
        memory.share("taken", len(pairs), channels[0])
        self._results = memory.maps(self._pixels[1], channels[1])
        self._returns = memory.maps(self._pixels[0], channels[0])
        memory.share("products", len(pairs), max(channels))
        memory.share("errors", len(pairs), channels[1])

    def see(self, records: int) -> None:
        """See :class:`Layer`."""
        before, after = self._channels
        products, many = self._memory.shared("products"), len(self._reads)
        self._out = seen(self._results, self._pixels[1], records, after)
        self._error = seen(self._returns, self._pixels[0], records, before)
        self._out_pixels, self._error_pixels = self._out.flatten(1), self._error.flatten(1)
        maps = (
            seen(self._memory.shared("taken"), many, records, before),
            seen(products, many, records, after),
            seen(self._memory.shared("errors"), many, records, after),
            seen(products, many, records, before),
        )
        self._taken, self._products, self._errors, self._returned = (
            each.flatten(1) for each in maps
        )
        self._forward: list[tuple[Tensor, Tensor, Tensor]] = []
        self._backward: list[tuple[Tensor, Tensor, Tensor]] = []
        self._learning: list[tuple[Tensor, Tensor, Tensor]] = []
        start = 0
        for taps, pixels in self._groups:
            part = slice(start, start + len(taps) * pixels)
            start = part.stop
            values = self._taps[taps.start : taps.stop : taps.step]
            taken, products, errors, returned = (
                each[part].view(len(taps), pixels * records, each.shape[2]) for each in maps
            )
            self._forward.append((taken, values, products))
            self._backward.append((errors, values.transpose(1, 2), returned))
            gradients = self._taps_error[taps.start : taps.stop : taps.step]
            # One by one: bmm takes several at equal steps one by one too, at a higher price.
            self._learning += zip(taken.transpose(1, 2), errors, gradients)

    def forward(self, given: Tensor) -> Tensor:
        """See :class:`Layer`."""
        self._given = given
        if self._middle is None:
            self._out.zero_()
        else:
            torch.mm(given.flatten(0, 1), self._taps[self._middle], out=self._out.flatten(0, 1))
        torch.index_select(given.flatten(1), 0, self._reads, out=self._taken)
        for taken, values, product in self._forward:
            torch.bmm(taken, values, out=product)
        self._out_pixels.index_add_(0, self._writes, self._products)
        return self._out

    def backward(self, error: Tensor) -> Tensor:
        """See :class:`Layer`."""
        if self._middle is None:
            self._error.zero_()
        else:
            rows = error.flatten(0, 1)
            torch.mm(self._given.flatten(0, 1).t(), rows, out=self._taps_error[self._middle])
            torch.mm(rows, self._taps[self._middle].t(), out=self._error.flatten(0, 1))
        for tap in self._blank:
            self._taps_error[tap].zero_()
        torch.index_select(error.flatten(1), 0, self._writes, out=self._errors)
        # Taken again rather than kept: the cache is what is short.
        torch.index_select(self._given.flatten(1), 0, self._reads, out=self._taken)
        for taken, errors, gradient in self._learning:
            torch.mm(taken, errors, out=gradient)
        for errors, values, returned in self._backward:
            torch.bmm(errors, values, out=returned)
        self._error_pixels.index_add_(0, self._reads, self._returned)
        return self._error


def _pairs(given: Grid, grid: Grid, stride: int, down: int, right: int) -> list[Grid]:
    """The pixels that a tap reads, so far from where the kernel stands, and those it writes."""
    rows, columns = (
        [(stride * out + step, out) for out in range(size) if 0 <= stride * out + step < limit]
        for size, limit, step in zip(grid, given, (down, right))
    )
    return [
        (row * given[1] + column, out_row * grid[1] + out_column)
        for row, out_row in rows
        for column, out_column in columns
    ]


def _groups(counts: Sequence[int]) -> list[tuple[range, int]]:
    """Taps at equal steps that find equally many pixels, and how many; without those of none."""
    return [
        (taps, count)
        for count in sorted({*counts} - {0})
        for taps in _runs([tap for tap, found in enumerate(counts) if found == count])
    ]


def _runs(numbers: Sequence[int]) -> Iterator[range]:
    """``numbers``, which rise, as ranges, each as long as it gets from where it begins."""
    start = 0
    for end in range(1, len(numbers) + 1):
        some = numbers[start : end + 1]
        steps = {after - before for before, after in zip(some, some[1:])}
        if end == len(numbers) or len(steps) > 1:
            step = numbers[start + 1] - numbers[start] if end - start > 1 else 1
            yield range(numbers[start], numbers[end - 1] + 1, step)
            start = end
