"""The published data sets by mindspore.dataset's readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mindspore.dataset as readers
import numpy as np

from mia_dual.errors import DataError
from mia_dual.interface import ImageSet

BATCH = 5000


def read_dataset(name: str, folder: Path) -> ImageSet:
    """Read data set ``name`` from ``folder``; see :class:`mia_dual.interface.DatasetReader`."""
    try:
        parts = [_read(_open(name, folder, usage)) for usage in ("train", "test")]
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(f"data '{name}' in '{folder}' cannot be read: {_reason(error)}") from error
    images = np.concatenate([images for images, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    if name == "svhn":
        # The files call the digit 0 "10".
        labels = labels % 10
    return ImageSet(
        np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels, training=len(parts[0][1])
    )


def _open(name: str, folder: Path, usage: str) -> Any:
    if name == "svhn":
        return readers.SVHNDataset(str(folder / "SVHN"), usage=usage, shuffle=False)
    if name == "cifar10":
        where = folder / "cifar-10-batches-bin"
        return readers.Cifar10Dataset(str(where), usage=usage, shuffle=False)
    if name == "cifar100":
        where = folder / "cifar-100-binary"
        return readers.Cifar100Dataset(str(where), usage=usage, shuffle=False)
    reader, inside = {
        "mnist": (readers.MnistDataset, "MNIST"),
        "fashion_mnist": (readers.FashionMnistDataset, "FashionMNIST"),
        "kmnist": (readers.KMnistDataset, "KMNIST"),
    }[name]
    return reader(str(folder / inside / "raw"), usage=usage, shuffle=False)


def _read(source: Any) -> tuple[np.ndarray, np.ndarray]:
    # CIFAR-100's columns are image, coarse label, fine label; the others' are image and label.
    label = "fine_label" if "fine_label" in source.get_col_names() else "label"
    batches = source.batch(BATCH).create_dict_iterator(num_epochs=1, output_numpy=True)
    parts = [(batch["image"], batch[label]) for batch in batches]
    images = np.concatenate([images for images, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    return images, labels.reshape(-1).astype(np.int64)


def _reason(error: Exception) -> str:
    # The pipeline's errors are pages long; the line that says what is wrong is marked.
    lines = str(error).strip().splitlines() or [type(error).__name__]
    marked = [line for line in lines if line.startswith("[ERROR]")]
    return (marked or lines)[0].removeprefix("[ERROR]").strip()
