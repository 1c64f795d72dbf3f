"""Groups of a grouped training (SISA: Bourtoule et al. 2021, section IV): each its own model, and
each cut into slices that its training sees one after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mia_dual.config import Config
from mia_dual.errors import ConfigError
from mia_dual.plan.likelihood import likelihoods
from mia_dual.seeds import generator


@dataclass(frozen=True)
class Group:
    """``slices``: sorted record indices each, in the order in which training comes to them."""

    slices: tuple[np.ndarray, ...]

    @property
    def records(self) -> np.ndarray:
        """All of them, sorted."""
        return np.sort(np.concatenate(self.slices))

    def without(self, gone: np.ndarray) -> Group:
        """The same group when ``gone`` are deleted; a slice may be empty then."""
        return Group(tuple(np.setdiff1d(part, gone) for part in self.slices))

    def untouched(self, deleted: np.ndarray) -> int:
        """How many slices come before the first that holds one of ``deleted``."""
        hit = [bool(np.isin(part, deleted).any()) for part in self.slices]
        return hit.index(True) if True in hit else len(hit)


def draw_groups(config: Config, members: np.ndarray, *draws: str) -> list[Group]:
    """Split ``members`` in ``config.deletion.groups`` groups of equal size (to one), and each in
    ``config.deletion.slices`` slices.

    At random; or by how likely each is to be deleted, so that the likeliest lie together in the
    last groups, and there in the last slices (after Bourtoule et al. 2021, section VII). ``draws``:
    names a draw beside the first target's, as that of another target. Raises ConfigError when there
    are fewer than two members a slice.
    """
    wanted = config.deletion
    count = wanted.groups
    if len(members) < 2 * count:
        raise ConfigError(
            f"deletion.groups: {count} groups of {len(members)} members leave some with fewer "
            "than two: ask for fewer groups"
        )
    if len(members) < 2 * count * wanted.slices:
        raise ConfigError(
            f"deletion.slices: {wanted.slices} slices of each of {count} groups of {len(members)} "
            "members leave some with fewer than two: ask for fewer"
        )
    order = generator(config.seed, "deletion", "groups", *draws).permutation(members)
    if wanted.likelihood is not None:
        order = order[np.argsort(likelihoods(wanted.likelihood, order), kind="stable")]
    return [
        Group(tuple(np.sort(part) for part in np.array_split(group, wanted.slices)))
        for group in np.array_split(order, count)
    ]


def slice_epochs(epochs: int, slices: int) -> int:
    """Epochs that training spends each time it comes to a slice: 2 x epochs / (slices + 1).

    So as many records are seen as by ``epochs`` without slices (Bourtoule et al. 2021, section
    V-B), to rounding, and one epoch at least.
    """
    return max(round(2 * epochs / (slices + 1)), 1)


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
