"""Records found by asking the target alone: Shokri et al. 2017, section V-C, algorithm 1.

A climb starts from a random record, changes k random features at a time, and keeps what the
target says belongs to the class with no less confidence than the best so far. After more than
``rej_max`` changes in a row that were not kept, k is halved, down to ``k_min``. A record that the
target takes for one of the class with more than ``conf_min`` is given back with the probability of
that confidence. A climb that found none in ``iter_max`` queries starts again from another record.

Many climbs go on side by side, each of which asks about a record in every query. A climb draws
from a stream of its own, so that it ends in the same record whatever climbs beside it.

Two frameworks' answers differ in the seventh digit, and a climb asks again and again whether a
confidence is as high as the best. Equal ones, which are many on a plateau, would part two climbs
at once; so a confidence counts as no less while it falls short of the best by ``MARGIN`` at most.
The best itself only rises, so that small steps down never add up. What can part two climbs still
is a shortfall within a rounding of ``MARGIN`` itself, or a draw within a rounding of a confidence.
That is rare, and a climb that parts leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Callable

import numpy as np

from mia_dual.errors import DataError
from mia_dual.seeds import generator
from mia_dual.synthesis.made import Ask, Made
from mia_dual.synthesis.ranges import Ranges

MARGIN = 1e-4
"""A hundred times what confidences of two frameworks differ by."""

CLIMBS = 3
"""Climbs a record, on average over a class, after which the class counts as out of reach."""


@dataclass(frozen=True)
class Climb:
    """The algorithm's parameters; ``candidates`` climb side by side."""

    k_max: int
    k_min: int
    conf_min: float
    rej_max: int
    iter_max: int
    candidates: int


def synthesise(
    ask: Ask,
    ranges: Ranges,
    labels: np.ndarray,
    part: range,
    climb: Climb,
    seed: int,
    report: Callable[[int], None],
) -> Made:
    """The records of ``part``, each found by a climb; in which parts they are found, changes none.

    ``labels`` (records,) int64 are the classes that all records are of. ``report`` is told how
    many more were found. Raises DataError naming a class that is out of reach: ``CLIMBS`` climbs
    for each of its records, on average, found nothing.
    """
    features = np.empty((len(part), ranges.features), np.float32)
    queries = np.zeros(len(part), np.int64)
    wanted = np.bincount(labels[part.start : part.stop])
    nearest, in_vain = np.zeros(len(wanted)), np.zeros(len(wanted), np.int64)
    crowd = _Crowd(ranges, climb, seed)
    waiting = iter(part)
    while crowd.admit(waiting, labels):
        said = ask(ranges.as_features(crowd.asked))
        queries[crowd.records - part.start] += 1
        np.maximum.at(nearest, crowd.labels, said[np.arange(len(said)), crowd.labels])
        found = crowd.learn(said)
        features[crowd.records[found] - part.start] = crowd.asked[found]
        report(int(found.sum()))
        crowd.keep(~found)
        np.add.at(in_vain, crowd.labels[crowd.tired], 1)
        for label in np.flatnonzero((in_vain > 0) & (in_vain >= CLIMBS * wanted)):
            raise _out_of_reach(label, int(in_vain[label]), float(nearest[label]), climb)
        crowd.step()
    return Made(ranges.as_features(features), labels[part.start : part.stop], queries)


class _Crowd:
    """The climbs that are under way, a row each in every array.

    ``records``: the number of the record each is to find, and ``labels`` its class. ``asked``
    (climbs, features) is what the next query asks.
    """

    def __init__(self, ranges: Ranges, climb: Climb, seed: int) -> None:
        self._ranges, self._climb, self._seed = ranges, climb, seed
        self._k_max, self._k_min = (min(k, ranges.features) for k in (climb.k_max, climb.k_min))
        self._streams: list[np.random.Generator] = []
        self.records = self.labels = np.empty(0, np.int64)
        self.asked = self._kept = np.empty((0, ranges.features), np.float32)
        self._best = np.empty(0)
        self._k = self._rejected = self._queries = np.empty(0, np.int64)

    def admit(self, waiting: Iterator[int], labels: np.ndarray) -> bool:
        """Start climbs for records ``waiting`` where there is room; say whether any climb."""
        new = np.array(list(islice(waiting, self._climb.candidates - len(self.records))), np.int64)
        if len(new):
            self._streams += [
                generator(self._seed, "shadows", "climb", f"record-{record}") for record in new
            ]
            blank = np.zeros((len(new), self._ranges.features), np.float32)
            none = np.zeros(len(new), np.int64)
            self.records = np.append(self.records, new)
            self.labels = np.append(self.labels, labels[new])
            self.asked = np.append(self.asked, blank, axis=0)
            self._kept = np.append(self._kept, blank, axis=0)
            self._best = np.append(self._best, np.zeros(len(new)))
            self._k, self._rejected, self._queries = (
                np.append(array, none) for array in (self._k, self._rejected, self._queries)
            )
            self._start(np.arange(len(self.records) - len(new), len(self.records)))
        return len(self.records) > 0

    def learn(self, said: np.ndarray) -> np.ndarray:
        """Take what the target said of ``asked``; say which are records of their class."""
        self._queries += 1
        sure = said[np.arange(len(said)), self.labels].astype(np.float64)
        risen = sure >= self._best - MARGIN
        found = risen & (sure > self._climb.conf_min) & (said.argmax(axis=1) == self.labels)
        for climb in np.flatnonzero(found):
            found[climb] = self._streams[climb].random() < sure[climb]
        self._kept[risen] = self.asked[risen]
        self._best = np.maximum(self._best, sure)
        self._rejected = np.where(risen, 0, self._rejected + 1)
        halved = self._rejected > self._climb.rej_max
        self._k = np.where(halved, np.maximum(self._k_min, -(-self._k // 2)), self._k)
        self._rejected[halved] = 0
        return found

    def keep(self, chosen: np.ndarray) -> None:
        """Drop the climbs that are not ``chosen`` (climbs,) bool."""
        if chosen.all():
            return
        self._streams = [stream for stream, stays in zip(self._streams, chosen) if stays]
        self.records, self.labels, self._best = (
            array[chosen] for array in (self.records, self.labels, self._best)
        )
        self.asked, self._kept = self.asked[chosen], self._kept[chosen]
        self._k, self._rejected, self._queries = (
            array[chosen] for array in (self._k, self._rejected, self._queries)
        )

    @property
    def tired(self) -> np.ndarray:
        """Which climbs have asked all their queries: (climbs,) bool."""
        return self._queries >= self._climb.iter_max

    def step(self) -> None:
        """Choose what each climb asks next; those that are tired start again."""
        if not len(self.records):
            return
        tired = np.flatnonzero(self.tired)
        going = np.flatnonzero(~self.tired)
        if len(going):
            drawn = self._draw(going, 2)
            chosen = _lowest(drawn[:, 0], self._k[going])
            kept = self._kept[going]
            changed = self._ranges.changed(kept, drawn[:, 1])
            self.asked[going] = np.where(chosen, changed, kept)
        self._start(tired)

    def _start(self, climbs: np.ndarray) -> None:
        """Begin ``climbs`` at a random record each."""
        if len(climbs):
            self.asked[climbs] = self._ranges.values(self._draw(climbs, 1)[:, 0])
            self._best[climbs] = 0.0
            self._k[climbs] = self._k_max
            self._rejected[climbs] = self._queries[climbs] = 0

    def _draw(self, climbs: np.ndarray, rows: int) -> np.ndarray:
        """Numbers in [0, 1) from each climb's own stream: (climbs, rows, features) float64."""
        drawn = np.empty((len(climbs), rows, self._ranges.features))
        for row, climb in zip(drawn, climbs):
            self._streams[climb].random(out=row)
        return drawn


def _lowest(keys: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Where each row of ``keys`` (rows, features) has its ``counts`` (rows,) lowest: bool."""
    chosen = np.empty(keys.shape, bool)
    for count in np.unique(counts):
        rows = counts == count
        edge = np.partition(keys[rows], count - 1, axis=1)[:, count - 1 : count]
        chosen[rows] = keys[rows] <= edge
    return chosen


def _out_of_reach(label: int, climbs: int, nearest: float, climb: Climb) -> DataError:
    return DataError(
        f"class {label} is out of reach of synthesis: {climbs} climbs of {climb.iter_max} queries "
        f"(shadows.data.iter_max) for its records found nothing, and the target's confidence came "
        f"to {nearest:.3g} at most, where more than {climb.conf_min:g} is asked for "
        f"(shadows.data.conf_min; rej_max {climb.rej_max}, k_min {climb.k_min}): lower conf_min, "
        "raise iter_max, or take another source"
    )
