"""Numbers in units of their own, brought to one scale: fitted on a target's members alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.errors import DataError
from mia_dual.store.keys import array_digest, key_of


@dataclass(frozen=True)
class Scaling:
    """Feature -> (feature - ``mean``) / ``deviation``; both (features,) float64."""

    mean: np.ndarray
    deviation: np.ndarray

    def digest(self) -> str:
        """SHA-256 of both."""
        return key_of({"mean": array_digest(self.mean), "deviation": array_digest(self.deviation)})

    def apply(self, features: np.ndarray) -> np.ndarray:
        """``features`` (records, features) as the network sees them: float32."""
        return ((features - self.mean) / self.deviation).astype(np.float32)


def fit_scaling(
    dataset: Dataset, standardise: Optional[bool], members: np.ndarray
) -> Optional[Scaling]:
    """How features of ``dataset`` are standardised; None where they are left as they are.

    ``standardise`` None: as the data set says. Mean and deviation are those of the target's
    ``members`` (record indices): whoever trains a model has nothing else to fit them on, so no
    other record moves what the network sees. They belong to the model that is published: its
    shadows and what is left after a deletion see their records alike. A feature that is 0 or 1 in
    every member stays as it is, and one that never changes there is only moved to 0. Raises
    DataError where ``standardise`` is asked for and the records are images, pixels or categories.
    """
    wanted = dataset.standardise if standardise is None else standardise
    if not wanted:
        return None
    features = dataset.features
    if features.dtype == np.uint8 or features.ndim != 2 or dataset.categories is not None:
        kind = "categories" if dataset.categories is not None else "images or pixels"
        raise DataError(
            f"data.standardise: the records of '{dataset.name}' are {kind}, which have a scale "
            "already: leave data.standardise out"
        )
    seen = features[np.sort(members)].astype(np.float64)
    mean, deviation = seen.mean(axis=0), seen.std(axis=0)
    binary = ((seen == 0) | (seen == 1)).all(axis=0)
    mean[binary] = 0.0
    deviation[binary | (deviation == 0)] = 1.0
    return Scaling(mean, deviation)
