"""Real records, some of whose features are replaced at random (Shokri et al. 2017, section V-C).

What an attacker has who owns records like the target's, and not exactly those.
"""

from __future__ import annotations

import numpy as np

from mia_dual.synthesis.made import Made, chunks
from mia_dual.synthesis.ranges import Ranges


def add_noise(
    features: np.ndarray,
    labels: np.ndarray,
    ranges: Ranges,
    records: int,
    noise: float,
    rng: np.random.Generator,
) -> Made:
    """``records`` of the real records, drawn without repetition, with noise.

    ``features`` (real records, *shape), ``labels`` (real records,) int64; as many as ``records``
    at least. In each, ``noise`` x features of them, to one, are replaced: a binary one is flipped,
    another takes a random value of its range, which may be its old one. Labels stay.
    """
    chosen = np.sort(rng.choice(len(labels), records, replace=False))
    made = features[chosen]
    for chunk in chunks(records):
        flat = made[chunk].reshape(-1, ranges.features).astype(np.float32)
        order = rng.random(flat.shape).argsort(axis=1)[:, : round(noise * ranges.features)]
        changed = ranges.changed(flat, rng.random(flat.shape))
        np.put_along_axis(flat, order, np.take_along_axis(changed, order, axis=1), axis=1)
        made[chunk] = ranges.as_features(flat)
    return Made(made, labels[chosen], np.zeros(records, np.int64))
