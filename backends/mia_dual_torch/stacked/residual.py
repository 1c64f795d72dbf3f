"""ResNet18, one model by layers of ours: a stack of one.

PyTorch's own layers take about twice as long on a CPU at batches of 4 to 100, nearly all of it in
convolutions. Models are not stacked: that would share what calling costs, a quarter of a step at
batch 4, but of the weights, gradients and momenta of one, 29 MB, more stays in the cache, and the
update alone took two to four times as long a model with several.
"""

from __future__ import annotations

import math
from typing import Optional

import torch
from torch import Tensor

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.layers import where_on
from mia_dual_torch.stacked.normalised import FirstConvolution, Normalisation
from mia_dual_torch.stacked.taps import Grid, Layer, Memory, TapConvolution, seen

FIRST, WIDTHS = 32, (64, 128, 256, 256)
"""Channels of the first convolution and of each block."""

Pair = tuple[TapConvolution, Normalisation]


class ResidualStack:
    """See :class:`mia_dual_torch.stacked.stack.Stack`."""

    trims = True

    def __init__(self, spec: NetworkSpec, batch: int, data: DeviceRecords) -> None:
        self._spec, self._data = spec, data
        memory = Memory(batch)
        depth, height, width = spec.input_shape
        convolution = FirstConvolution(memory, "conv1", (depth, height, width), FIRST)
        self._first = convolution, Normalisation(memory, "bn1", convolution.grid, FIRST)
        self._blocks: list[Block] = []
        grid, channels = convolution.grid, FIRST
        for number, after in enumerate(WIDTHS, start=1):
            block = Block(memory, f"block{number}", grid, channels, after)
            self._blocks.append(block)
            grid, channels = block.grid, after
        self._pixels = math.prod(grid)
        self._spread = memory.maps(self._pixels, channels)
        self._weight, self._weight_error = torch.zeros(2, 1, spec.classes, channels).unbind()
        self._bias, self._bias_error = torch.zeros(2, 1, spec.classes).unbind()
        self._layers: list[Layer] = [*self._first]
        for block in self._blocks:
            self._layers += block.layers
        self.values = {"fc.weight": self._weight, "fc.bias": self._bias}
        gradients = {"fc.weight": self._weight_error, "fc.bias": self._bias_error}
        others: dict[str, Tensor] = {}
        for layer in self._layers:
            self.values.update(layer.values)
            gradients.update(layer.gradients)
            others.update(layer.others)
        self.gradients = [gradients[name] for name in self.values]
        self.state = {**self.values, **others}
        self._records = 0

    def differentiate(self, rows: Tensor, truth: Tensor, shares: Tensor, step: int) -> Tensor:
        """Write the gradients; returns that of the logits."""
        inputs = self._data.inputs(rows[0])
        self._see(len(inputs))
        convolution, normalisation = self._first
        maps = start = normalisation.forward(convolution.forward(inputs)).clamp_min_(0)
        for block in self._blocks:
            maps = block.forward(maps)
        means = maps.mean(0)
        error = torch.softmax(torch.addmm(self._bias[0], means, self._weight[0].t()), 1)
        if truth.dim() == 2:
            error[torch.arange(len(error)), truth[0]] -= 1
        else:
            error.sub_(truth[0])
        error.mul_(shares[0][:, None])
        torch.mm(error.t(), means, out=self._weight_error[0])
        torch.sum(error, 0, out=self._bias_error[0])
        passed = seen(self._spread, *maps.shape)
        passed.copy_(torch.mm(error, self._weight[0]).div_(self._pixels))
        for block in reversed(self._blocks):
            passed = block.backward(passed)
        convolution.backward(normalisation.backward(where_on(passed, start)))
        return error[None]

    def _see(self, records: int) -> None:
        if records == self._records:
            return
        if records * self._pixels == 1:
            raise NetworkError(
                f"network '{self._spec.name}' fails on a batch of records: one record alone, of a "
                "last map of one pixel, cannot be normalised"
            )
        for layer in self._layers:
            layer.see(records)
        self._records = records


class Block:
    """Two convolutions and a shortcut, which has one too where channels change."""

    def __init__(self, memory: Memory, name: str, given: Grid, before: int, after: int) -> None:
        stride = 1 if before == after else 2

        def pair(
            convolution: str, normalisation: str, given: Grid, before: int, kernel: int, stride: int
        ) -> Pair:
            channels = before, after
            made = TapConvolution(memory, f"{name}.{convolution}", given, channels, kernel, stride)
            return made, Normalisation(memory, f"{name}.{normalisation}", made.grid, after)

        self._upper = pair("conv1", "bn1", given, before, 3, stride)
        self.grid = self._upper[0].grid
        self._lower = pair("conv2", "bn2", self.grid, after, 3, 1)
        self._beside: Optional[Pair] = None
        self.layers: list[Layer] = [*self._upper, *self._lower]
        if before != after:
            self._beside = pair("shortcut_conv", "shortcut_bn", given, before, 1, stride)
            self.layers += self._beside

    def forward(self, given: Tensor) -> Tensor:
        """(pixels, records, channels)."""
        self._inner = _forward(self._upper, given).clamp_min_(0)
        self._out = _forward(self._lower, self._inner)
        beside = given if self._beside is None else _forward(self._beside, given)
        return self._out.add_(beside).clamp_min_(0)

    def backward(self, error: Tensor) -> Tensor:
        """The gradient of the maps given; changes ``error``."""
        error = where_on(error, self._out)
        inner = where_on(_backward(self._lower, error), self._inner)
        beside = error if self._beside is None else _backward(self._beside, error)
        return _backward(self._upper, inner).add_(beside)


def _forward(layers: Pair, given: Tensor) -> Tensor:
    convolution, normalisation = layers
    return normalisation.forward(convolution.forward(given))


def _backward(layers: Pair, error: Tensor) -> Tensor:
    convolution, normalisation = layers
    return convolution.backward(normalisation.backward(error))
