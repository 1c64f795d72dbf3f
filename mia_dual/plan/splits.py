"""Who is a member of what: index sets drawn from one permutation of the records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mia_dual.config import Config
from mia_dual.errors import ConfigError, DataError
from mia_dual.seeds import generator


@dataclass(frozen=True)
class Membership:
    """One model's members (in) and non-members (out): sorted int64 record indices, disjoint."""

    members: np.ndarray
    non_members: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Members, then non-members."""
        return np.concatenate([self.members, self.non_members])


@dataclass(frozen=True)
class Split:
    """The target's records, and each shadow's, drawn from a pool the target never sees."""

    target: Membership
    pool: np.ndarray
    shadows: tuple[Membership, ...]


def draw_split(records: int, config: Config) -> Split:
    """Draw the split of ``records`` records that ``config`` asks for.

    Shadows may overlap each other, never the target. Raises DataError when there are too few
    records.
    """
    wanted = config.split
    taken = wanted.target_members + wanted.target_non_members
    shadow = wanted.shadow_members + config.shadow_non_members
    if taken + shadow > records:
        raise DataError(
            f"data '{config.data.name}' has {records} records, and the split asks for "
            f"{taken + shadow}: {taken} for the target (target_members + target_non_members) and "
            f"{shadow} for a shadow (shadow_members + shadow_non_members); lower split.*"
        )
    order = generator(config.seed, "split", "target").permutation(records)
    pool = np.sort(order[taken:])
    return Split(
        target=_membership(order[:taken], wanted.target_members),
        pool=pool,
        shadows=_draw_shadows(pool, config, "shadow"),
    )


def draw_made(config: Config, pool: int) -> tuple[int, tuple[Membership, ...]]:
    """How many records are made for shadows, and each shadow's part of them.

    None where shadows take real records alone. ``pool`` real records are there to make some from.
    Raises ConfigError where a shadow takes more than are made, DataError where the pool has too
    few.
    """
    wanted = config.shadows.data
    if wanted.source == "real":
        return 0, ()
    each = config.split.shadow_members + config.shadow_non_members
    records = wanted.records or each
    for key, count in (
        ("records", records if wanted.source == "noisy" else 0),
        ("estimated_on", wanted.estimated_on or 0),
    ):
        if count > pool:
            raise DataError(
                f"shadows.data.{key}: {count} real records are asked of the shadows' pool, which "
                f"has {pool}: ask for fewer"
            )
    if records < each:
        raise ConfigError(
            f"shadows.data.records: {records} are made, and a shadow takes {each} of them "
            "(split.shadow_members + shadow_non_members): make more, or lower split.*"
        )
    return records, _draw_shadows(np.arange(records), config, "synthetic")


def _draw_shadows(pool: np.ndarray, config: Config, name: str) -> tuple[Membership, ...]:
    members = config.split.shadow_members
    each = members + config.shadow_non_members
    return tuple(
        _membership(
            generator(config.seed, "split", f"{name}-{number}").choice(pool, each, replace=False),
            members,
        )
        for number in range(config.shadows.count)
    )


def _membership(rows: np.ndarray, members: int) -> Membership:
    return Membership(
        members=np.sort(rows[:members]).astype(np.int64),
        non_members=np.sort(rows[members:]).astype(np.int64),
    )


def balanced(
    members: np.ndarray, non_members: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> Membership:
    """As many members as non-members of every class, sampled without duplication.

    ``labels`` are those of all records, (records,) int64. A class that one side lacks is left
    out. Matching class by class keeps an attack from scoring by the class alone.
    """
    kept_members, kept_non_members = [members[:0]], [non_members[:0]]
    for label in np.unique(labels[np.concatenate([members, non_members])]):
        inside = members[labels[members] == label]
        outside = non_members[labels[non_members] == label]
        size = min(len(inside), len(outside))
        kept_members.append(rng.choice(inside, size, replace=False))
        kept_non_members.append(rng.choice(outside, size, replace=False))
    return Membership(
        members=np.sort(np.concatenate(kept_members)),
        non_members=np.sort(np.concatenate(kept_non_members)),
    )
