"""Groups of a grouped training (SISA: Bourtoule et al. 2021, section IV): each its own model."""

from __future__ import annotations

from collections.abc import Sequence

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


def aggregate(confidences: Sequence[np.ndarray], how: str) -> np.ndarray:
    """What the groups say together: (records, classes) float32 from one such array a group.

    ``mean`` of confidences, or ``vote``: each group's share of votes, one a group.
    """
    answers = np.stack(confidences)
    if how == "vote":
        answers = np.eye(answers.shape[-1], dtype=np.float32)[answers.argmax(axis=-1)]
    mean: np.ndarray = answers.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
