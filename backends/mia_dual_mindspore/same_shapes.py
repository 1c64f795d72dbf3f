"""Cells that are always called with arguments of the same shapes."""

from __future__ import annotations

from mindspore import nn


def always_alike(cell: nn.Cell) -> nn.Cell:
    """``cell``, which from its second call on runs what it compiled without asking whether that
    fits its arguments: 0.3 ms a call.

    That is what MindSpore does in the phase of its language models in which a token follows
    another; an older one that does not know the phase asks as always.
    """
    cell.phase = "increment"
    return cell
