"""Products of many models' matrices, each with the bits that it has when it is computed alone."""

from __future__ import annotations

import torch
from torch import Tensor

LARGE = 1_500_000
"""Multiplications from which a call a model costs next to nothing."""


def product_into(out: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Write ``left @ right``: (models, rows, columns) from (models, rows, n), (models, n, columns).

    On a CPU, a product of one matrix and a batch of products take different kernels and round
    differently; a batch rounds alike from two matrices on. So each product large enough is a call
    of its own, and a small one that is alone is computed beside a copy of itself. On other
    devices batches are left to the library.
    """
    if out.device.type == "cpu":
        if out[0].numel() * left.shape[2] >= LARGE:
            for matrix, first, second in zip(out.unbind(), left.unbind(), right.unbind()):
                torch.mm(first, second, out=matrix)
            return out
        if len(out) == 1:
            pair = torch.bmm(left.expand(2, -1, -1), right.expand(2, -1, -1))
            return out.copy_(pair[:1])
    # As torch.bmm(out=), which fills its output with zeros first.
    return out.baddbmm_(left, right, beta=0)
