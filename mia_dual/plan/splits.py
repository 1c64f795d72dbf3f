"""Who is a member of what: index sets drawn from one permutation of the records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.attack_settings import OF_THE_RUN
from mia_dual.config import Config
from mia_dual.errors import ConfigError, DataError
from mia_dual.rows import Rows, union
from mia_dual.seeds import generator

QUANTILE_POPULATION = 50
"""Below so many records of the population, quantile regression gains nothing."""


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
class ManyMembership(Membership):
    """The same, held as bits: shadows are many. Both may be given in any order."""

    members: Rows = Rows()
    non_members: Rows = Rows()


@dataclass(frozen=True)
class Split:
    """Every target's records, which are the same ones; a ``pool`` that no target sees; each
    shadow's records; the ``population``, a sample of the pool that all models are asked about; and
    ``auxiliary`` records of the pool, which are no shadow's either.
    """

    targets: tuple[Membership, ...]
    pool: np.ndarray
    shadows: tuple[Membership, ...]
    population: np.ndarray
    auxiliary: np.ndarray

    @property
    def target(self) -> Membership:
        """The first target's records."""
        return self.targets[0]


def draw_split(records: int, config: Config, member: Optional[np.ndarray] = None) -> Split:
    """Draw the split of ``records`` records that ``config`` asks for.

    ``member`` (records,) bool says who the target was trained on, where that is settled already:
    its members are drawn among those, all others from the rest. Other targets' members are drawn
    from the records of the first. Shadows may overlap each other; of ``disjoint`` design never the
    targets, of ``in_and_out`` each pair of them halves the targets' records. Raises DataError when
    there are too few records.
    """
    wanted = config.split
    shadow = _from_pool(config)
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
    first = _membership(members, non_members)
    audited = np.sort(first.rows)
    shadows, auxiliary = _draw_shadows_apart(audited, pool, config)
    return Split(
        targets=(first, *_draw_targets(first, config)),
        pool=pool,
        shadows=shadows,
        population=_draw_population(pool, config),
        auxiliary=auxiliary,
    )


def _draw_shadows_apart(
    audited: np.ndarray, pool: np.ndarray, config: Config
) -> tuple[tuple[Membership, ...], np.ndarray]:
    """All shadows, and auxiliary records of ``pool`` that none of them draws.

    Shadows draw from the whole pool where they leave enough of it, and are then the same as if
    nobody asked for auxiliary records; those are taken from the pool before, where not.
    """

    def shadows(pool: np.ndarray) -> tuple[Membership, ...]:
        if config.shadows.design == "in_and_out":
            return _draw_halves(audited, pool, config)
        return _draw_shadows(pool, config, "shadow")

    wanted, taken = config.attack.auxiliary, _from_pool(config)
    if wanted + taken > len(pool):
        raise DataError(
            f"attack.trajectory.auxiliary: {wanted} records that no model is trained on are asked "
            f"of the shadows' pool, which has {len(pool)} and gives {taken} to a shadow: lower it, "
            "or split.*"
        )
    rng = generator(config.seed, "split", "auxiliary")
    drawn = shadows(pool)
    left = np.setdiff1d(pool, union(shadow.rows for shadow in drawn)) if wanted else pool[:0]
    if wanted <= len(left):
        return drawn, np.sort(rng.choice(left, wanted, replace=False))
    auxiliary = np.sort(rng.choice(pool, wanted, replace=False))
    return shadows(np.setdiff1d(pool, auxiliary)), auxiliary


def _from_pool(config: Config) -> int:
    """Records that a shadow takes from the pool."""
    wanted = config.split
    if config.shadows.design == "in_and_out":
        return wanted.shadow_members - (wanted.target_members + wanted.target_non_members) // 2
    return wanted.shadow_members + config.shadow_non_members


def _draw_targets(first: Membership, config: Config) -> Iterator[Membership]:
    """All targets but the first."""
    rows = np.sort(first.rows)
    for number in range(1, config.targets):
        order = generator(config.seed, "split", f"target-{number}").permutation(rows)
        yield _membership(*np.split(order, [len(first.members)]))


def _draw_halves(rows: np.ndarray, pool: np.ndarray, config: Config) -> tuple[Membership, ...]:
    """Shadows in pairs: one is trained on a random half of ``rows``, one on the other half, and
    both on so many records of ``pool`` that they have ``split.shadow_members``.
    """
    shadows = []
    more = _from_pool(config)
    for pair in range(config.shadows.count // 2):
        rng = generator(config.seed, "split", f"halves-{pair}")
        halves = np.split(rng.permutation(rows), 2)
        for inside, outside in (halves, halves[::-1]):
            extra = rng.choice(pool, more, replace=False)
            shadows.append(ManyMembership(np.concatenate([inside, extra]), outside))
    return tuple(shadows)


def _draw_population(pool: np.ndarray, config: Config) -> np.ndarray:
    if not config.attack.asks_references:
        return pool[:0]
    size = min(config.attack.population, len(pool))
    if "quantile" in (config.attack.families or OF_THE_RUN) and size < QUANTILE_POPULATION:
        raise DataError(
            f"quantile regression learns from {QUANTILE_POPULATION} records at least that no "
            f"target saw; attack.population is {config.attack.population}, and the shadows' pool "
            f"has {len(pool)}: give it more"
        )
    rng = generator(config.seed, "split", "population")
    return np.sort(rng.choice(pool, size, replace=False))


def _check_records(records: int, shadow: int, config: Config) -> None:
    taken = config.split.target_members + config.split.target_non_members
    if taken + shadow > records:
        raise DataError(
            f"data '{config.data.name}' has {records} records, and the split asks for "
            f"{taken + shadow}: {taken} for the target (target_members + target_non_members) and "
            f"{shadow} for a shadow ({_SHADOW_TAKES[config.shadows.design]}); lower split.*"
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
        ManyMembership(*np.split(drawn, [members]))
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
            f"{shadow} for a shadow ({_SHADOW_TAKES[config.shadows.design]}); lower split.*"
        )


_SHADOW_TAKES = {
    "disjoint": "shadow_members + shadow_non_members",
    "in_and_out": "shadow_members beyond half of the audited records",
}


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
    lacking = np.unique(classes)
    for shadow in shadows:
        # The first has them all, as a rule.
        if not len(lacking):
            break
        inside, outside = (
            np.isin(lacking, labels[side]) for side in (shadow.members, shadow.non_members)
        )
        lacking = lacking[~(inside & outside)]
    return lacking
