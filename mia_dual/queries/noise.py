"""Records with Gaussian noise, the same noise for every backend and model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mia_dual.interface import Records
from mia_dual.seeds import generator

SAMPLE = 4096
"""Records that the spread is estimated on: it is a unit, and needs no more."""


@dataclass(frozen=True)
class Noise:
    """Each feature plus a normal draw, times ``level``, times the features' spread.

    ``number`` tells draws from each other. A record has one draw a ``number`` for all levels, so
    that rising levels walk away from it on a straight line. Pixels (uint8) are rounded and kept
    in 0 .. 255.
    """

    level: float
    number: int
    seed: int

    @property
    def name(self) -> str:
        """``noise 0.1 no. 2``."""
        return f"noise {self.level:g} no. {self.number}"

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.queries.alteration.Alteration`."""
        return {"kind": "noise", **asdict(self)}

    def apply(self, records: Records, rows: np.ndarray) -> Records:
        """See :class:`mia_dual.queries.alteration.Alteration`."""
        chosen = records.take(rows)
        step = self.level * spread(records)
        pixels = records.features.dtype == np.uint8
        noisy = np.empty_like(chosen.features)
        for row, before, after in zip(rows.tolist(), chosen.features, noisy):
            rng = generator(self.seed, "queries", "noise", str(self.number), str(row))
            exact = before + step * rng.standard_normal(before.shape)
            after[...] = np.rint(exact).clip(0, 255) if pixels else exact
        return Records(noisy, chosen.labels, records.scale, records.shift)


def spread(records: Records) -> np.ndarray:
    """The features' deviation, in the features' own units, float64.

    Rows of numbers: (features,), each its own. Images: a single number, since pixels share one
    unit, and a corner that is dark in all images must not stay free of noise. Estimated on
    ``SAMPLE`` records spread over all.
    """
    every = max(1, len(records) // SAMPLE)
    sample = records.features[::every][:SAMPLE]
    return np.asarray(sample.std(axis=0 if sample.ndim == 2 else None, dtype=np.float64))
