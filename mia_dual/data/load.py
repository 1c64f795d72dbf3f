"""The one door to data: a set by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np
from sklearn.datasets import load_digits

from mia_dual.data.catalog import PUBLISHED
from mia_dual.data.dataset import Dataset
from mia_dual.data.files import make_ready
from mia_dual.data.npz import load_npz
from mia_dual.errors import DataError
from mia_dual.interface import DatasetReader
from mia_dual.progress import Progress, Silent

DATASETS = ("digits", *PUBLISHED, "npz")


def load_dataset(
    name: str,
    backend: object,
    *,
    data_dir: Optional[Path] = None,
    file: Optional[Path] = None,
    progress: Optional[Progress] = None,
) -> Dataset:
    """Load ``digits``, a published set (read by ``backend``), or the user's ``npz`` ``file``.

    A published set is looked for in ``data_dir``, then in the usual places, and downloaded where
    it is nowhere. Raises DataError naming the set or file and what would do.
    """
    if name == "digits":
        return _digits()
    if name == "npz" and file is not None:
        return load_npz(file)
    if name not in PUBLISHED:
        raise DataError(f"no data set '{name}': choose one of {', '.join(DATASETS)}")
    return _published(name, backend, data_dir, progress or Silent())


def _digits() -> Dataset:
    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    return Dataset("digits", pixels[:, None], bunch.target.astype(np.int64), 10, len(pixels))


def _published(name: str, backend: object, data_dir: Optional[Path], progress: Progress) -> Dataset:
    published = PUBLISHED[name]
    if not isinstance(backend, DatasetReader):
        raise DataError(
            f"data '{name}' cannot be read by this backend: save it as .npz and use data.name: npz"
        )
    folder = make_ready(published, backend.dataset_form, data_dir, progress)
    images = backend.read_dataset(name, folder)
    found = (len(images.labels), *images.images.shape[1:])
    if found != (published.records, *published.shape):
        raise DataError(
            f"data '{name}' in '{folder}' is not as published: {found[0]} records of shape "
            f"{found[1:]}, not {published.records} of {published.shape}; delete it there, and it "
            "is fetched again"
        )
    return Dataset(name, images.images, images.labels, published.classes, images.training)
