"""The published data sets by torchvision's readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mia_dual.errors import DataError
from mia_dual.interface import ImageSet


def read_dataset(name: str, folder: Path) -> ImageSet:
    """Read data set ``name`` from ``folder``; see :class:`mia_dual.interface.DatasetReader`."""
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:
        # RuntimeError: a torchvision that was built for another torch.
        raise DataError(
            f"data '{name}' is read by torchvision, which cannot be imported ({error}): "
            "pip install --upgrade torch torchvision"
        ) from error
    try:
        parts = [_open(datasets, name, folder, train) for train in (True, False)]
    except (OSError, RuntimeError, ValueError, LookupError, EOFError, AssertionError) as error:
        # torchvision asserts what it expects of idx files, without a word.
        reason = " ".join(str(error).split()) or "a file is damaged: delete it, to fetch it again"
        raise DataError(f"data '{name}' in '{folder}' cannot be read: {reason}") from error
    images = np.concatenate([_images(part) for part in parts])
    labels = np.concatenate([_labels(part) for part in parts])
    return ImageSet(images, labels, training=len(_labels(parts[0])))


def _open(datasets: Any, name: str, folder: Path, train: bool) -> Any:
    if name == "svhn":
        return datasets.SVHN(str(folder / "SVHN"), split="train" if train else "test")
    reader = {
        "mnist": "MNIST",
        "fashion_mnist": "FashionMNIST",
        "kmnist": "KMNIST",
        "cifar10": "CIFAR10",
        "cifar100": "CIFAR100",
    }[name]
    return getattr(datasets, reader)(str(folder), train=train)


def _images(part: Any) -> np.ndarray:
    pixels = np.asarray(part.data)
    if pixels.ndim == 3:
        return pixels[:, None]
    # CIFAR comes with its channels last, SVHN with its channels first.
    return pixels if hasattr(part, "labels") else pixels.transpose(0, 3, 1, 2)


def _labels(part: Any) -> np.ndarray:
    labels = part.labels if hasattr(part, "labels") else part.targets
    return np.asarray(labels).astype(np.int64)
