"""What the first layers of stacked networks are given."""

from __future__ import annotations

import math
from typing import Protocol

from torch import Tensor

from mia_dual_torch.stacked.layers import Workspace


class Inputs(Protocol):
    """``placed``: where the records of a step are put, (models, records, channels, height, width)
    float32.
    """

    placed: Tensor

    def laid_out(self) -> Tensor:
        """What was placed, as the first layer takes it."""
        ...


class Vectors:
    """(models, records, width of all numbers of a record)."""

    def __init__(self, space: Workspace, shape: tuple[int, ...]) -> None:
        size = math.prod(shape)
        self._vectors = space.vectors(size)
        self.placed = self._vectors[..., :size].unflatten(2, shape)

    def laid_out(self) -> Tensor:
        """See :class:`Inputs`."""
        return self._vectors


class Maps:
    """(models, *takes, records), as a :class:`mia_dual_torch.stacked.pooled.PooledConvolution`
    takes them; ``padding`` zeros on each side of a map.
    """

    def __init__(
        self,
        space: Workspace,
        shape: tuple[int, ...],
        takes: tuple[int, int, int, int, int],
        padding: int = 0,
    ) -> None:
        channels, height, width = shape
        _, odd, left, rows, columns = takes
        padded = space.zeros(space.records, channels, height + 2 * padding, width + 2 * padding)
        self.placed = padded[..., padding : padding + height, padding : padding + width]
        seen = padded[..., : odd * rows, : left * columns]
        self._split = seen.unflatten(4, (columns, left)).unflatten(3, (rows, odd))
        self._split = self._split.permute(0, 2, 4, 6, 3, 5, 1)
        self._maps = space.zeros(*takes, space.records)

    def laid_out(self) -> Tensor:
        """See :class:`Inputs`."""
        return self._maps.copy_(self._split)
