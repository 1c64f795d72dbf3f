"""Groups of a grouped training (SISA: Bourtoule et al. 2021, section IV): each its own model."""

from __future__ import annotations

import numpy as np

from mia_dual.config import Config
from mia_dual.errors import ConfigError
from mia_dual.seeds import generator


def draw_groups(config: Config, members: np.ndarray) -> list[np.ndarray]:
    """Split ``members`` at random in ``config.deletion.groups`` groups of equal size (to one).

    Raises ConfigError when there are fewer than two members a group.
    """
    count = config.deletion.groups
    if len(members) < 2 * count:
        raise ConfigError(
            f"deletion.groups: {count} groups of {len(members)} members leave some with fewer "
            "than two: ask for fewer groups"
        )
    order = generator(config.seed, "deletion", "groups").permutation(members)
    return [np.sort(group) for group in np.array_split(order, count)]
