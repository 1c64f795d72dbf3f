"""The alterations that settings ask for."""

from __future__ import annotations

from collections.abc import Sequence

from mia_dual.errors import ConfigError
from mia_dual.queries.alteration import Alteration, need_images
from mia_dual.queries.images import Mirror, Padding, Shift
from mia_dual.queries.noise import Noise
from mia_dual.quoting import quoted

KINDS = ("shift", "mirror", "noise")


def choose_alterations(
    kinds: Sequence[str],
    shape: tuple[int, ...],
    seed: int,
    *,
    shifts: int = 4,
    padding: Padding = "edge",
    draws: int = 1,
    levels: Sequence[float] = (0.1,),
) -> list[Alteration]:
    """The alterations of ``kinds``, in their order, for records of ``shape``.

    ``shifts``: how many, the nearest first (4 are one pixel each way, 12 all within two steps).
    ``draws``: of noise, at each of ``levels``, which are in units of the features' spread; the
    levels of one draw stand together, rising. Raises ConfigError for a kind that is none or comes
    twice and for levels that are no positive numbers; DataError where records are no images, and
    a kind needs them.
    """
    chosen: list[Alteration] = []
    for place, kind in enumerate(kinds):
        if kind not in KINDS:
            raise ConfigError(f"queries: no kind {quoted(kind)}: choose of {', '.join(KINDS)}")
        if kind in kinds[:place]:
            raise ConfigError(f"queries: '{kind}' is there twice: name it once")
        if kind == "noise":
            chosen += noises(seed, draws, levels)
            continue
        need_images(kind, shape)
        chosen += [Mirror()] if kind == "mirror" else nearest_shifts(shifts, padding)
    return chosen


def noises(seed: int, draws: int, levels: Sequence[float]) -> list[Noise]:
    """``draws`` of noise, each at all ``levels``, rising: (draws x levels).

    Raises ConfigError for a level that is no positive number.
    """
    for level in levels:
        if not 0 < level < float("inf"):
            raise ConfigError(f"queries: noise of level {quoted(level)}: give one above 0")
    return [Noise(level, number, seed) for number in range(draws) for level in sorted(levels)]


def nearest_shifts(count: int, padding: Padding = "edge") -> list[Shift]:
    """The ``count`` shortest shifts, by steps from pixel to pixel."""
    furthest = 1
    while 2 * furthest * (furthest + 1) < count:
        furthest += 1
    places = range(-furthest, furthest + 1)
    ways = [(down, right) for down in places for right in places if (down, right) != (0, 0)]
    # Straight ones before diagonal ones of as many steps.
    ways.sort(key=lambda way: (abs(way[0]) + abs(way[1]), max(map(abs, way)) * -1, way))
    return [Shift(down, right, padding) for down, right in ways[:count]]
