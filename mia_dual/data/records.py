"""A data set as the network under audit sees it."""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.data.images import SCALE, SHIFT, enlarge
from mia_dual.interface import Records
from mia_dual.networks import smallest_image


def as_records(dataset: Dataset, network: str, image_size: Optional[int]) -> Records:
    """``dataset`` enlarged to ``image_size``, or to what ``network`` needs where that is None.

    Pixels (uint8) are scaled to [-1, 1]; features that came as floats are taken as they are.
    """
    features = dataset.features
    if features.ndim == 4:
        features = enlarge(features, image_size or smallest_image(network))
    if features.dtype == np.uint8:
        return Records(features, dataset.labels, SCALE, SHIFT)
    return Records(features, dataset.labels)


def records_shape(dataset: Dataset, network: str, image_size: Optional[int]) -> tuple[int, ...]:
    """The shape of one record of :func:`as_records`."""
    return as_records(dataset, network, image_size).features.shape[1:]


def records_digest(dataset: Dataset, network: str, image_size: Optional[int]) -> str:
    return str(dataset.digest()) + f"{network}{image_size}"
