"""Dropout whose draws depend on a job's stream and step alone.

MindSpore's kernels draw from a state of their own that nobody can set, so that two equal runs
differ. Here a hash of the step's key and of each number's place says what is dropped; the key is
a parameter, written before every step.
"""

from __future__ import annotations

from typing import Optional

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

KEY = "mia_dual_step_key"

MULTIPLIERS = (0x7FEB352D, 0x846CA68B)
"""Of the 32-bit mixer that Christopher Wellons searched for and published as lowbias32."""


def is_key(name: str) -> bool:
    """Whether a parameter of this name holds a step's key, and so is no part of a model."""
    return name.rpartition(".")[2] == KEY


def seed_dropout(cell: nn.Cell) -> Optional[Parameter]:
    """Have the dropout layers of ``cell`` draw from a key; returns it, (2,) int32.

    None where there is no such layer.
    """
    shares = {
        nn.Dropout: lambda layer: 1 - layer.keep_prob if layer.p is None else layer.p,
        nn.Dropout1d: lambda layer: layer.prob,
        nn.Dropout2d: lambda layer: 1 - layer.keep_prob,
        nn.Dropout3d: lambda layer: 1 - layer.keep_prob,
    }
    layers = [layer for _, layer in cell.cells_and_names() if type(layer) in shares]
    if not layers:
        return None
    key = Parameter(Tensor(np.zeros(2, np.int32)), name=KEY, requires_grad=False)
    for number, layer in enumerate(layers):
        kind = type(layer)
        share = float(shares[kind](layer))
        # In its place, since a user's cell may hold it under several names and in lists.
        layer.__class__ = KeyedDropout
        layer.become(share, kind is not nn.Dropout, number, key)
    return key


def write_key(key: Parameter, stream: int, step: int) -> None:
    """Make ``key`` that of ``step`` (from 0) of the job's ``stream``."""
    words = np.random.SeedSequence([stream, step]).generate_state(2)
    key.set_data(Tensor(words.view(np.int32)))


class KeyedDropout(nn.Cell):
    """Zeroes numbers, or whole channels, and scales up the rest; nothing in evaluation mode."""

    def become(self, share: float, channels: bool, number: int, key: Parameter) -> None:
        """Set up what was a layer of MindSpore: the ``number``-th that draws from ``key``."""
        self.share, self.channels = share, channels
        self.number = Tensor(np.array([number], np.int32))
        self.mia_dual_step_key = key
        self.mixer, self.both = Mixer(), ops.BitwiseAnd()

    def construct(self, inputs: Tensor) -> Tensor:
        """``inputs`` with ``share`` of them dropped."""
        if not self.training or self.share == 0:
            return inputs
        shape = inputs.shape
        if self.channels:
            shape = shape[:2] + (1,) * (len(shape) - 2)
        count = 1
        for size in shape:
            count = count * size
        places = ops.arange(count).astype(ms.int32)
        key = self.mia_dual_step_key
        drawn = self.mixer(self.mixer(places + key[0:1]) + key[1:2] + self.number)
        # 24 bits are what a float32 holds.
        drawn = self.both(drawn, ops.full_like(drawn, 2**24 - 1)).astype(ms.float32) / 2**24
        kept = (drawn >= self.share).astype(inputs.dtype).reshape(shape)
        return inputs * ops.stop_gradient(kept) / (1 - self.share)


class Mixer(nn.Cell):
    """Integers to integers, int32, as good as drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.xor, self.shift, self.both = ops.BitwiseXor(), ops.RightShift(), ops.BitwiseAnd()
        self.first, self.second = (
            Tensor(np.array([number], np.uint32).view(np.int32)) for number in MULTIPLIERS
        )

    def construct(self, numbers: Tensor) -> Tensor:
        """Each of ``numbers`` mixed."""
        numbers = self.folded(numbers, 16) * self.first
        numbers = self.folded(numbers, 15) * self.second
        return self.folded(numbers, 16)

    def folded(self, numbers: Tensor, bits: int) -> Tensor:
        """The upper bits upon the lower: a right shift that fills up with zeros."""
        shifted = self.shift(numbers, ops.full_like(numbers, bits))
        return self.xor(numbers, self.both(shifted, ops.full_like(numbers, 2 ** (32 - bits) - 1)))
