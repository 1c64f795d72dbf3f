"""How many models wait for their training at once: first states and batches fill memory, too."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from mia_dual.execution import Execution
from mia_dual.interface import Weights
from mia_dual.training.family import Family, Member

SHARE = 0.5
"""Of the room of those in training, what those that wait may take beside it."""

MOMENTS = {"sgd": 1, "adam": 2}
"""Averages an optimizer keeps of each parameter."""


def that_wait(
    family: Family, members: Iterable[Member], weights: Weights, execution: Execution
) -> int:
    """How many of ``members``, from the first on, wait at once: one at least.

    ``weights`` are those of any of them.
    """
    room = execution.room * SHARE
    taken = accumulate(bytes_waiting(family, member, weights) for member in members)
    return max(1, sum(together <= room for together in taken))


def bytes_waiting(family: Family, member: Member, weights: Weights) -> int:
    """What ``member`` takes until it is trained: a state that it goes on from, and its batches."""
    settings = family.settings
    copies = 1 + MOMENTS[settings.optimizer]
    state = copies * sum(array.nbytes for array in weights.values())
    width = max(segment.width(settings) for segment in member.segments)
    plain = all(segment.is_plain for segment in member.segments)
    # An index of 8 bytes, and a share of 4 where they differ.
    return state + family.steps(member) * width * (8 if plain else 12)
