"""The one door to data: a set by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np
from sklearn.datasets import load_digits

from mia_dual.data.catalog import PUBLISHED
from mia_dual.data.dataset import Dataset
from mia_dual.data.npz import load_npz
from mia_dual.errors import DataError
from mia_dual.progress import Progress

DATASETS = ("digits", *PUBLISHED, "npz")


def load_dataset(
    name: str,
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
    raise DataError("later")


def _digits() -> Dataset:
    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    return Dataset("digits", pixels[:, None], bunch.target.astype(np.int64), 10, len(pixels))
