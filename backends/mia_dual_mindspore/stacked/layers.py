"""Layers of many models at once, made of products, transpositions and elementwise kernels.

Those are the kernels of MindSpore's CPU that use the machine; its convolution, pooling and their
gradients take 3 to 10 times as long (benchmarks/README.md). So a convolution is a product of its
kernels with windows of the map, and windows are taken by products with matrices of zeros and
ones. Where a 2 x 2 pool follows, a window serves its four pixels at once: 6 x 6 for a 5 x 5
kernel, and the kernel comes in four positions.

Maps are (models, channels, records, height, width), vectors (models, records, features).
"""

from __future__ import annotations

import math

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.ops.operations import _grad_ops
from numpy.lib.stride_tricks import sliding_window_view


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


class Convolution(nn.Cell):
    """Stride 1, no bias, at all pixels of each ``block`` x ``block`` window.

    ``given`` is (channels, height, width); rows and columns that fill no window are left out.
    The ``first`` of a network is given windows that :meth:`windows` took on the host, since
    nobody asks for the gradient of images.
    """

    def __init__(
        self,
        models: int,
        records: int,
        given: tuple[int, int, int],
        channels: int,
        kernel: int,
        padding: int = 0,
        block: int = 2,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.given = (models, given[0], records, given[1], given[2])
        self.window = kernel + block - 1
        rows = windows(given[1], self.window, block, padding)
        columns = windows(given[2], self.window, block, padding)
        self.shape = (channels, rows.shape[1] // self.window, columns.shape[1] // self.window)
        self.padding, self.first = padding, first
        self.weight = Parameter(
            Tensor(np.zeros((models, channels, given[0], kernel, kernel), np.float32))
        )
        self.take_rows, self.take_columns = Tensor(rows), Tensor(columns)
        self.kernels = Tensor(positions(kernel, block))
        placed = np.arange(models * channels * given[0] * block * block)
        placed = placed.reshape(models, channels, given[0], -1).transpose(0, 3, 1, 2)
        self.order = Ordered(placed.ravel())
        self.multiply = ops.MatMul()
        self.multiply_models = ops.BatchMatMul()
        self.transpose = ops.Transpose()
        self.split = ops.Split(1, block * block)
        self.block = block

    def windows(self, images: np.ndarray) -> np.ndarray:
        """What :meth:`take` gives of ``images`` (models, records, channels, height, width)."""
        if self.padding:
            images = np.pad(images, (*((0, 0),) * 3, *((self.padding, self.padding),) * 2))
        seen = sliding_window_view(images, (self.window, self.window), (3, 4))
        seen = seen[:, :, :, :: self.block, :: self.block].transpose(0, 2, 5, 6, 1, 3, 4)
        return seen.reshape(len(seen), math.prod(seen.shape[1:4]), -1)

    def take(self, maps: Tensor) -> Tensor:
        """(models, channels x window x window, records x rows x columns)."""
        models, channels_in, records, height, width = self.given
        _, rows, columns = self.shape
        window = self.window
        taken = self.multiply(maps.reshape(-1, width), self.take_columns)
        taken = self.transpose(taken.reshape(-1, height, window * columns), (0, 2, 1))
        taken = self.multiply(taken.reshape(-1, height), self.take_rows)
        taken = taken.reshape(models, channels_in, records, window, columns, window, rows)
        taken = self.transpose(taken, (0, 1, 5, 3, 2, 6, 4))
        return taken.reshape(models, channels_in * window * window, records * rows * columns)

    def construct(self, maps: Tensor) -> tuple:
        """For each pixel of a window, row by row: (models, 1, channels x records x windows)."""
        models, channels_in = self.given[:2]
        channels = self.shape[0]
        taken = maps if self.first else self.take(maps)
        kernels = self.multiply(
            self.weight.reshape(models * channels * channels_in, -1), self.kernels
        )
        kernels = self.order(kernels.reshape(-1, self.window * self.window))
        kernels = kernels.reshape(models, self.block * self.block * channels, -1)
        maps = self.multiply_models(kernels, taken)
        return self.split(maps.reshape(models, self.block * self.block, -1))


class MaxPooled(nn.Cell):
    """Convolution 5 x 5, maximum of each 2 x 2 pixels, bias, ReLU."""

    def __init__(
        self,
        models: int,
        records: int,
        given: tuple[int, int, int],
        channels: int,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.convolution = Convolution(models, records, given, channels, 5, first=first)
        self.shape = self.convolution.shape
        self.bias = Parameter(Tensor(np.zeros((models, channels), np.float32)))
        self.maximum = Maximum()
        self.relu = nn.ReLU()
        self.sizes = (models * channels, -1)
        self.out = (models, channels, records, *self.shape[1:])

    def construct(self, maps: Tensor) -> Tensor:
        """(models, channels, records, height / 2, width / 2)."""
        one, two, three, four = self.convolution(maps)
        most = self.maximum(self.maximum(one, two), self.maximum(three, four))
        # A channel's bias keeps order, so that it may come after the maximum.
        most = most.reshape(self.sizes) + self.bias.reshape(-1, 1)
        return self.relu(most).reshape(self.out)


class MeanPooled(nn.Cell):
    """Convolution 5 x 5, bias, sigmoid, mean of each 2 x 2 pixels."""

    def __init__(
        self,
        models: int,
        records: int,
        given: tuple[int, int, int],
        channels: int,
        padding: int = 0,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.convolution = Convolution(models, records, given, channels, 5, padding, first=first)
        self.shape = self.convolution.shape
        self.bias = Parameter(Tensor(np.zeros((models, channels), np.float32)))
        self.sigmoid = nn.Sigmoid()
        self.sizes = (models * channels, -1)
        self.out = (models, channels, records, *self.shape[1:])

    def construct(self, maps: Tensor) -> Tensor:
        """(models, channels, records, height / 2, width / 2)."""
        one, two, three, four = self.convolution(maps)
        bias = self.bias.reshape(-1, 1)
        upper = self.sigmoid(one.reshape(self.sizes) + bias)
        upper = upper + self.sigmoid(two.reshape(self.sizes) + bias)
        lower = self.sigmoid(three.reshape(self.sizes) + bias)
        lower = lower + self.sigmoid(four.reshape(self.sizes) + bias)
        return ((upper + lower) * 0.25).reshape(self.out)


class Plain(nn.Cell):
    """Convolution 5 x 5 and bias."""

    def __init__(
        self, models: int, records: int, given: tuple[int, int, int], channels: int
    ) -> None:
        super().__init__()
        self.convolution = Convolution(models, records, given, channels, 5, block=1)
        self.shape = self.convolution.shape
        self.bias = Parameter(Tensor(np.zeros((models, channels), np.float32)))
        self.sizes = (models * channels, -1)
        self.out = (models, channels, records, *self.shape[1:])

    def construct(self, maps: Tensor) -> Tensor:
        """(models, channels, records, height, width)."""
        (only,) = self.convolution(maps)
        return (only.reshape(self.sizes) + self.bias.reshape(-1, 1)).reshape(self.out)


class Flatten(nn.Cell):
    """Maps to vectors, in the order of channels, rows, columns."""

    def __init__(self) -> None:
        super().__init__()
        self.transpose = ops.Transpose()

    def construct(self, maps: Tensor) -> Tensor:
        """(models, records, channels x height x width)."""
        models, _, records, _, _ = maps.shape
        return self.transpose(maps, (0, 2, 1, 3, 4)).reshape(models, records, -1)


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


def windows(side: int, window: int, step: int, padding: int) -> np.ndarray:
    """Takes windows from a row of ``side`` pixels, padded with zeros, when multiplied by.

    (side, window x count) float32: column (tap, place) has its one at place x step + tap.
    """
    count = (side + 2 * padding - window) // step + 1
    taken = np.zeros((side, window, count), np.float32)
    for tap in range(window):
        for place in range(count):
            pixel = place * step + tap - padding
            if 0 <= pixel < side:
                taken[pixel, tap, place] = 1
    return taken.reshape(side, window * count)


def positions(kernel: int, block: int) -> np.ndarray:
    """Puts a kernel at each pixel of a block's window when multiplied by.

    (kernel x kernel, block x block x window x window) float32.
    """
    window = kernel + block - 1
    placed = np.zeros((kernel, kernel, block, block, window, window), np.float32)
    for row in range(kernel):
        for column in range(kernel):
            for down in range(block):
                for right in range(block):
                    placed[row, column, down, right, row + down, column + right] = 1
    return placed.reshape(kernel * kernel, -1)
