"""The small handwritten digits that scikit-learn brings along."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.data.prepared import Reading
from mia_dual.errors import DataError

CLASSES = 10


def made_from() -> tuple[str, ...]:
    """The package that they come with; raises DataError where it is not installed."""
    try:
        return (f"scikit-learn {version('scikit-learn')}",)
    except PackageNotFoundError as error:
        raise DataError(
            "data 'digits' comes with scikit-learn, which is not installed: "
            "pip install scikit-learn"
        ) from error


def read_digits() -> Reading:
    """1,797 images (1, 8, 8), their 17 shades spread over 0 .. 255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    return Reading(
        Dataset("digits", pixels[:, None], labels, CLASSES, len(pixels)), made_from(), {}
    )
