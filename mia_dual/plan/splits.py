"""Who is a member of what: index sets drawn from one permutation of the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

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


def draw_split(records: int, config: Config, member: Optional[np.ndarray] = None) -> Split:
    """Draw the split of ``records`` records that ``config`` asks for.

    ``member`` (records,) bool says who the target was trained on, where that is settled already:
    its members are drawn among those, all others from the rest. Shadows may overlap each other,
    never the target. Raises DataError when there are too few records.
    """
    wanted = config.split
    shadow = wanted.shadow_members + config.shadow_non_members
    rng = generator(config.seed, "split", "target")
    if member is None:
        _check_records(records, shadow, config)
        order = rng.permutation(records)
        members, others = np.split(order, [wanted.target_members])
    else:
        _check_members(member, shadow, config)
        members = rng.permutation(np.flatnonzero(member))[: wanted.target_members]
        others = rng.permutation(np.flatnonzero(~member))
    non_members, pool = np.split(others, [wanted.target_non_members])
    pool = np.sort(pool)
    return Split(
        target=_membership(members, non_members),
        pool=pool,
        shadows=_draw_shadows(pool, config, "shadow"),
    )


def _check_records(records: int, shadow: int, config: Config) -> None:
    taken = config.split.target_members + config.split.target_non_members
    if taken + shadow > records:
        raise DataError(
            f"data '{config.data.name}' has {records} records, and the split asks for "
            f"{taken + shadow}: {taken} for the target (target_members + target_non_members) and "
            f"{shadow} for a shadow (shadow_members + shadow_non_members); lower split.*"
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
        _membership(*np.split(drawn, [members]))
        for number in range(config.shadows.count)
        for rng in [generator(config.seed, "split", f"{name}-{number}")]
        for drawn in [rng.choice(pool, each, replace=False)]
    )


def _check_members(member: np.ndarray, shadow: int, config: Config) -> None:
    wanted, inside = config.split, int(member.sum())
    if wanted.target_members > inside:
        raise DataError(
            f"'{config.data.file}': 'member' names {inside} members of the target, and "
            f"split.target_members asks for {wanted.target_members}: lower it"
        )
    outside, asked = len(member) - inside, wanted.target_non_members + shadow
    if asked > outside:
        raise DataError(
            f"'{config.data.file}': 'member' leaves {outside} records that are none, and the split "
            f"asks for {asked}: {wanted.target_non_members} to audit (target_non_members) and "
            f"{shadow} for a shadow (shadow_members + shadow_non_members); lower split.*"
        )


def _membership(members: np.ndarray, non_members: np.ndarray) -> Membership:
    return Membership(
        members=np.sort(members).astype(np.int64),
        non_members=np.sort(non_members).astype(np.int64),
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


def lacking_evidence(
    shadows: Sequence[Membership], labels: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Those of ``classes`` of which no shadow has both members and non-members.

    Attack models of such a class would have nothing to learn from.
    """
    seen = [np.intersect1d(labels[one.members], labels[one.non_members]) for one in shadows]
    return np.setdiff1d(classes, np.concatenate(seen) if seen else [])
