"""What stacked models take of memory, counted without MindSpore."""

from __future__ import annotations

from mia_dual.interface import NetworkSpec
from mia_dual.networks import blank_weights

LAYERED = ("fcnet", "convnet", "lenet5")
"""Networks that are made of the layers there are; the others are trained one by one."""


def bytes_a_model(spec: NetworkSpec, records: int, masked: bool) -> int:
    """What one more model takes that sees ``records`` records a step, and is ``masked`` or not;
    near enough to plan by.
    """
    parameters = sum(array.size for array in blank_weights(spec).values())
    # Values, gradients, two momenta and what the update writes, a mask and what it leaves of the
    # gradients; windows there and back.
    return 4 * ((7 if masked else 5) * parameters + 4 * records * _floats(spec))


def _floats(spec: NetworkSpec) -> int:
    """Numbers in the windows and pixels of one record; see :mod:`.layers`."""
    if spec.name == "fcnet":
        return 0
    total, entering, sides = 0, spec.input_shape[0], spec.input_shape[1:]
    convolutions = [(6, 2, 2 if spec.name == "lenet5" else 0), (16, 2, 0)]
    if spec.name == "lenet5":
        convolutions.append((120, 1, 0))
    for channels, block, padding in convolutions:
        sides = tuple((side + 2 * padding - 4) // block for side in sides)
        places = sides[0] * sides[1]
        total += (entering * (4 + block) ** 2 + channels * block**2) * places
        entering = channels
    return total
