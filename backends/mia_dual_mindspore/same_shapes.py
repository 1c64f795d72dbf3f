"""Cells that are always called with arguments of the same shapes."""

from __future__ import annotations

import mindspore as ms
from mindspore import nn


def always_alike(cell: nn.Cell) -> nn.Cell:
    """``cell``, which on a CPU runs from its second call on what it compiled without asking
    whether that fits its arguments: 0.3 ms a call.

    That is what MindSpore does in the phase of its language models in which a token follows
    another; one that does not know the phase asks as always. On a card nobody has tried it.
    """
    if ms.get_context("device_target") == "CPU":
        cell.phase = "increment"
    return cell
