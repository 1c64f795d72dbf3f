"""A data set as the network under audit sees it."""

from __future__ import annotations

import hashlib
import math
from typing import Optional

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.data.images import SCALE, SHIFT, enlarge, enlarged_sides
from mia_dual.data.scaling import Scaling
from mia_dual.errors import DataError
from mia_dual.execution import free_memory
from mia_dual.interface import Records
from mia_dual.networks import smallest_image

METHOD = "bilinear"
"""How images are enlarged; another way needs another name, since digests hold it."""

CATEGORIES = "one of so many"
"""How categories are shown to a network; the same goes for it."""


def as_records(
    dataset: Dataset,
    network: str,
    image_size: Optional[int],
    scaling: Optional[Scaling] = None,
) -> Records:
    """``dataset`` enlarged to ``image_size``, or to what ``network`` needs where that is None.

    Pixels (uint8) are scaled to [-1, 1]; features that came as floats are taken as they are, or
    standardised by ``scaling``; of categories each becomes numbers, the one of its place 1 and the
    others 0. Raises DataError where ``image_size`` is given for records that are no images, or is
    so large that the enlarged ones do not fit into memory.
    """
    features = dataset.features
    shape = records_shape(dataset, network, image_size)
    if scaling is not None:
        features = scaling.apply(features)
    elif dataset.categories is not None:
        places = features[:, :, None] == np.arange(dataset.categories, dtype=np.float32)
        features = places.reshape(-1, *shape).astype(np.float32)
    elif shape != features.shape[1:]:
        _check_memory(dataset, shape)
        features = enlarge(features, image_size or smallest_image(network))
    return Records(features, dataset.labels, *_scaling(dataset))


def records_digest(
    dataset: Dataset,
    network: str,
    image_size: Optional[int],
    scaling: Optional[Scaling] = None,
) -> str:
    """SHA-256 that is equal where ``as_records`` gives equal records; no pixel is looked at.

    Raises DataError where ``image_size`` is given for records that are no images.
    """
    shape, (scale, shift) = records_shape(dataset, network, image_size), _scaling(dataset)
    text = f"{dataset.digest()} {shape} {scale.hex()} {shift.hex()}"
    if scaling is not None:
        text = f"{text} {scaling.digest()}"
    elif shape != dataset.features.shape[1:]:
        text = f"{text} {METHOD if dataset.categories is None else CATEGORIES}"
    return hashlib.sha256(text.encode()).hexdigest()


def records_shape(dataset: Dataset, network: str, image_size: Optional[int]) -> tuple[int, ...]:
    """The shape of one record as the network sees it."""
    shape = dataset.features.shape[1:]
    if len(shape) == 3:
        channels, *sides = shape
        smallest = image_size or smallest_image(network)
        return (channels, *enlarged_sides((sides[0], sides[1]), smallest))
    if image_size is not None:
        raise DataError(
            f"data.image_size {image_size}: the records of '{dataset.name}' are rows of "
            f"{shape[0]} numbers, not images: leave data.image_size out, or give images"
        )
    return shape if dataset.categories is None else (shape[0] * dataset.categories,)


def _scaling(dataset: Dataset) -> tuple[float, float]:
    return (SCALE, SHIFT) if dataset.features.dtype == np.uint8 else (1.0, 0.0)


def _check_memory(dataset: Dataset, shape: tuple[int, ...]) -> None:
    needed = len(dataset.features) * math.prod(shape) * dataset.features.dtype.itemsize
    free = free_memory()
    if needed > free:
        raise DataError(
            f"data.image_size: {len(dataset.features)} records enlarged to {shape[1]} x {shape[2]} "
            f"pixels take {needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB of memory are free: "
            "choose a smaller one"
        )
