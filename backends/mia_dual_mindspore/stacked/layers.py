"""Layers of many models at once, made of products, elementwise kernels and moves of rows.

Those are the kernels of MindSpore's CPU that use the machine; its convolution, pooling and their
gradients take 3 to 10 times as long (benchmarks/README.md). So a convolution is a product of its
kernels with windows of the map, which are taken row by row. Where a 2 x 2 pool follows, a window
serves its four pixels at once: 6 x 6 for a 5 x 5 kernel, and the kernel comes in four positions.

Maps are (models x channels, rows x columns x records), so that a pixel's records are moved
together; vectors are (models, records, features).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.ops.operations import _grad_ops
from numpy.lib.stride_tricks import sliding_window_view

KERNEL = 5
"""Rows and columns of every kernel."""


class Maximum(nn.Cell):
    """Elementwise maximum; of equals the first has the gradient.

    MindSpore's own gradient of it takes nearly as long on a CPU as all else of a layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.where_positive = _grad_ops.ReluGrad()

    def construct(self, first: Tensor, second: Tensor) -> Tensor:
        """The larger of both."""
        return ops.maximum(first, second)

    def bprop(self, first: Tensor, second: Tensor, out: Tensor, error: Tensor) -> tuple:
        """The gradients of both."""
        of_second = self.where_positive(error, second - first)
        return error - of_second, of_second


class Ordered(nn.Cell):
    """Rows in another ``order``: four times as fast as a transposition where they are long."""

    def __init__(self, order: np.ndarray) -> None:
        super().__init__()
        self.order = Tensor(order.astype(np.int32))
        self.back = Tensor(np.argsort(order).astype(np.int32))
        self.gather = ops.Gather()

    def construct(self, rows: Tensor) -> Tensor:
        """(rows, length)."""
        return self.gather(rows, self.order, 0)

    def bprop(self, rows: Tensor, out: Tensor, error: Tensor) -> tuple:
        """The gradient of ``rows``."""
        return (self.gather(error, self.back, 0),)


class Windows(nn.Cell):
    """Takes the windows of maps, and sums up the gradients of windows into those of maps.

    ``taken`` (taps, places): which pixel is where. Where pixels are not in equally many windows
    there is a tap more, whose gradient has to be 0, for those that are in fewer.
    """

    def __init__(self, maps: int, pixels: int, taken: np.ndarray) -> None:
        super().__init__()
        order = np.argsort(taken, axis=None, kind="stable")
        counts = np.bincount(taken.ravel(), minlength=pixels)
        self.taps = len(taken) + bool(counts.min() < counts.max())
        back = np.full((counts.max(), pixels), taken.size)
        back.T[np.arange(counts.max()) < counts[:, None]] = order
        each = np.arange(maps)[:, None] * self.taps * taken.shape[1]
        back = (back[:, None] + each).reshape(len(back), -1)
        self.taken = Tensor(np.resize(taken, (self.taps, taken.shape[1])).ravel().astype(np.int32))
        self.back = Tensor(back.astype(np.int32))
        self.gather, self.sum = ops.Gather(), ops.ReduceSum()

    def construct(self, maps: Tensor) -> Tensor:
        """(maps, taps x places, records) of (maps, pixels, records)."""
        return self.gather(maps, self.taken, 1)

    def bprop(self, maps: Tensor, out: Tensor, error: Tensor) -> tuple:
        """The gradient of ``maps``."""
        found = self.gather(error.reshape(-1, maps.shape[2]), self.back, 0)
        return (self.sum(found, 0).reshape(maps.shape),)


class Convolution(nn.Cell):
    """5 x 5 at all pixels of each ``block`` x ``block`` window, and bias.

    ``given`` is (channels, height, width), ``shape`` what comes of it; rows and columns that fill
    no window are left out. The ``first`` of a network is given windows that :meth:`windows` took
    on the host, since nobody asks for the gradient of images; it alone may have ``padding``.
    """

    def __init__(
        self,
        models: int,
        records: int,
        given: tuple[int, int, int],
        channels: int,
        block: int = 2,
        padding: int = 0,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.window = KERNEL + block - 1
        rows, columns = ((side + 2 * padding - self.window) // block + 1 for side in given[1:])
        self.shape = (channels, rows, columns)
        self.padding, self.block, self.first = padding, block, first
        weight = np.zeros((models, channels, given[0], KERNEL, KERNEL), np.float32)
        self.weight = Parameter(Tensor(weight))
        self.bias = Parameter(Tensor(np.zeros((models, channels), np.float32)))
        taps, pixels = self.window**2, block * block
        if not first:
            numbers = np.arange(math.prod(given[1:])).reshape(given[1:])
            seen = sliding_window_view(numbers, (self.window, self.window))[::block, ::block]
            taken = seen.transpose(2, 3, 0, 1).reshape(taps, -1)
            self.take = Windows(models * given[0], numbers.size, taken)
            taps = self.take.taps
        self.placed = block > 1 or taps > KERNEL**2
        self.positions = Tensor(positions(block, taps))
        order = np.arange(models * channels * given[0] * pixels)
        order = order.reshape(models, channels, given[0], pixels).transpose(0, 3, 1, 2)
        self.order = Ordered(order.ravel())
        self.multiply, self.multiply_models = ops.MatMul(), ops.BatchMatMul()
        self.tile, self.concat, self.split = ops.Tile(), ops.Concat(2), ops.Split(1, pixels)
        # What is reshaped to: maps, windows, a kernel a row, a position of one a row, all of them.
        self.maps = (models * given[0], -1, records)
        self.windowed = (models, given[0] * taps, -1)
        self.each = (models * channels * given[0], -1)
        self.each_position = (models * channels * given[0] * pixels, -1)
        self.kernels = (models, pixels * channels, given[0] * taps)
        # And what comes of it: a channel of a position a row, positions, a channel a row.
        self.rows = (models * pixels * channels, -1)
        self.pixels = (models, pixels, -1)
        self.channels = (models * channels, -1)

    def windows(self, images: np.ndarray) -> np.ndarray:
        """(models, channels x window x window + 1, rows x columns x records) of ``images``
        (models, records, channels, height, width); the last row is ones.
        """
        models, records, channels = images.shape[:3]
        if self.padding:
            images = np.pad(images, (*((0, 0),) * 3, *((self.padding, self.padding),) * 2))
        step, columns = self.block, self.shape[2]
        # Pixels that are side by side in windows of one tap, and then records, innermost.
        width = step * (columns - 1) + self.window
        planes = images[..., :width].reshape(models, records, channels, -1, width // step, step)
        planes = np.ascontiguousarray(planes.transpose(0, 2, 3, 5, 4, 1))
        seen = sliding_window_view(planes, self.window, 2)[:, :, ::step]
        seen = sliding_window_view(seen, columns, 4).transpose(0, 1, 6, 4, 3, 2, 7, 5)
        taps, places = math.prod(seen.shape[1:5]), math.prod(seen.shape[5:])
        taken = np.empty((models, taps + 1, places), np.float32)
        taken[:, :-1].reshape(seen.shape)[...] = seen
        taken[:, -1] = 1
        return taken

    def convolved(self, maps: Tensor) -> Tensor:
        """(models, block x block x channels, rows x columns x records).

        The ``first`` adds its bias, with ones among the windows; others leave that to who knows a
        cheaper place.
        """
        taken = maps
        if not self.first:
            taken = self.take(maps.reshape(self.maps)).reshape(self.windowed)
        kernels = self.weight
        if self.placed:
            kernels = self.multiply(kernels.reshape(self.each), self.positions)
            kernels = self.order(kernels.reshape(self.each_position))
        kernels = kernels.reshape(self.kernels)
        if self.first:
            kernels = self.concat((kernels, self.biases().reshape(*self.kernels[:2], 1)))
        return self.multiply_models(kernels, taken)

    def biases(self) -> Tensor:
        """Of each position of a kernel: (models x block x block x channels, 1)."""
        return self.tile(self.bias, (1, self.block * self.block)).reshape(-1, 1)

    def biased(self, maps: Tensor) -> Tensor:
        """(models x block x block x channels, rows x columns x records)."""
        maps = self.convolved(maps).reshape(self.rows)
        return maps if self.first else maps + self.biases()

    def construct(self, maps: Tensor) -> Tensor:
        """See :meth:`biased`."""
        return self.biased(maps)


class MaxPooled(Convolution):
    """Convolution, maximum of each 2 x 2 pixels, bias, ReLU."""

    def __init__(self, *sizes: Any, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.maximum, self.relu = Maximum(), nn.ReLU()

    def construct(self, maps: Tensor) -> Tensor:
        """(models x channels, rows x columns x records), of half as many rows and columns."""
        one, two, three, four = self.split(self.convolved(maps).reshape(self.pixels))
        most = self.maximum(self.maximum(one, two), self.maximum(three, four))
        most = most.reshape(self.channels)
        if not self.first:
            # A channel's bias keeps order, so that it may come after the maximum.
            most = most + self.bias.reshape(-1, 1)
        return self.relu(most)


class MeanPooled(Convolution):
    """Convolution, bias, sigmoid, mean of each 2 x 2 pixels."""

    def __init__(self, models: int, *sizes: Any, **options: Any) -> None:
        super().__init__(models, *sizes, **options)
        self.sigmoid = nn.Sigmoid()
        self.quarters = Tensor(np.full((models, 1, 4), 0.25, np.float32))

    def construct(self, maps: Tensor) -> Tensor:
        """(models x channels, rows x columns x records), of half as many rows and columns."""
        pixels = self.sigmoid(self.biased(maps)).reshape(self.pixels)
        return self.multiply_models(self.quarters, pixels).reshape(self.channels)


class Flatten(nn.Cell):
    """Maps to vectors, in the order of channels, rows, columns."""

    def __init__(self, models: int, records: int) -> None:
        super().__init__()
        self.transpose = ops.Transpose()
        self.features = (models, -1, records)

    def construct(self, maps: Tensor) -> Tensor:
        """(models, records, channels x rows x columns)."""
        return self.transpose(maps.reshape(self.features), (0, 2, 1))


class Linear(nn.Cell):
    """A product and a bias for each model."""

    def __init__(self, models: int, features_in: int, features: int) -> None:
        super().__init__()
        self.weight = Parameter(Tensor(np.zeros((models, features, features_in), np.float32)))
        self.bias = Parameter(Tensor(np.zeros((models, features), np.float32)))
        self.multiply = ops.BatchMatMul(transpose_b=True)

    def construct(self, vectors: Tensor) -> Tensor:
        """(models, records, features)."""
        return self.multiply(vectors, self.weight) + self.bias.expand_dims(1)


def positions(block: int, taps: int) -> np.ndarray:
    """Puts a kernel at each pixel of a block's window when multiplied by.

    (kernel x kernel, block x block x taps) float32, of which taps beyond the window are 0.
    """
    window = KERNEL + block - 1
    placed = np.zeros((KERNEL, KERNEL, block, block, taps), np.float32)
    for row, column, down, right in np.ndindex(placed.shape[:4]):
        placed[row, column, down, right, (row + down) * window + column + right] = 1
    return placed.reshape(KERNEL * KERNEL, -1)
