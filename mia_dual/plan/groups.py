"""Groups of a grouped training (SISA: Bourtoule et al. 2021, section IV): each its own model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.config import Config
from mia_dual.errors import ConfigError
from mia_dual.seeds import generator


def draw_groups(config: Config, members: np.ndarray, *draws: str) -> list[np.ndarray]:
    """Split ``members`` at random in ``config.deletion.groups`` groups of equal size (to one).

    ``draws``: names a draw beside the first target's, as that of another target. Raises
    ConfigError when there are fewer than two members a group.
    """
    count = config.deletion.groups
    if len(members) < 2 * count:
        raise ConfigError(
            f"deletion.groups: {count} groups of {len(members)} members leave some with fewer "
            "than two: ask for fewer groups"
        )
    order = generator(config.seed, "deletion", "groups", *draws).permutation(members)
    return [np.sort(group) for group in np.array_split(order, count)]


def fewest_groups(sizes: Sequence[int], count: int, rng: np.random.Generator) -> list[int]:
    """The fewest groups that hold ``count`` records together, drawn at random among all such.

    ``sizes`` are those of all groups; ``count`` is at most their sum. Returns the groups' numbers,
    in the order drawn. Any choice of the fewest may be drawn, equally large ones equally often.
    """
    undecided = sorted(sizes, reverse=True)
    fewest = next(number for number in range(len(sizes) + 1) if sum(undecided[:number]) >= count)
    chosen: list[int] = []
    missing = count
    for group in rng.permutation(len(sizes)).tolist():
        size = sizes[group]
        undecided.remove(size)
        # Taken, unless even the largest of those to come could then not hold the rest.
        if missing > 0 and size + sum(undecided[: fewest - len(chosen) - 1]) >= missing:
            chosen.append(group)
            missing -= size
    return chosen
