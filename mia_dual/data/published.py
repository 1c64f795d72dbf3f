"""Reads a published set from its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

import numpy as np

from mia_dual.data.catalog import BINARY, IDX, PYTHON, PublishedSet
from mia_dual.data.cifar import read_binary, read_pickled
from mia_dual.data.dataset import Dataset
from mia_dual.data.files import Content, fetch, fingerprint, locate, read
from mia_dual.data.idx import read_idx
from mia_dual.data.prepared import Reading
from mia_dual.data.svhn import read_mat
from mia_dual.errors import DataError
from mia_dual.progress import Progress


def made_from(published: PublishedSet, folders: Sequence[Path]) -> Optional[tuple[str, ...]]:
    """Which files would be read; None where they are not here."""
    found = locate(published, folders)
    return None if found is None else fingerprint(found[1])


def read_published(published: PublishedSet, folders: Sequence[Path], progress: Progress) -> Reading:
    """Read ``published`` from where it lies, or download it.

    Raises DataError naming a file that is damaged or another version, or every file that was
    looked for.
    """
    form, located = locate(published, folders) or fetch(published, folders, progress)
    contents = read(located)
    parts = _parts(published, form, contents)
    for images, labels in parts:
        if len(images) != len(labels):
            raise _not_as_published(
                published, contents, f"{len(images)} images and {len(labels)} labels"
            )
    shapes = {images.shape[1:] for images, _ in parts}
    records = sum(len(labels) for _, labels in parts)
    if shapes != {published.shape} or records != published.records:
        found = " and ".join(map(str, sorted(shapes)))
        raise _not_as_published(published, contents, f"{records} records of shape {found}")
    features = np.concatenate([images for images, _ in parts])
    labels = np.concatenate([labels for _, labels in parts]).astype(np.int64)
    if labels.max() >= published.classes:
        raise _not_as_published(published, contents, f"label {labels.max()}")
    dataset = Dataset(published.name, features, labels, published.classes, published.training)
    return Reading(dataset, fingerprint(located), {one.origin: one.md5 for one in contents})


def _parts(
    published: PublishedSet, form: str, contents: Sequence[Content]
) -> list[tuple[np.ndarray, np.ndarray]]:
    if form == IDX:
        return read_idx(contents)
    if form == BINARY:
        return read_binary(contents, published.coarse)
    if form == PYTHON:
        return read_pickled(contents, published.coarse)
    return read_mat(contents)


def _not_as_published(
    published: PublishedSet, contents: Sequence[Content], found: str
) -> DataError:
    folder = Path(contents[0].origin).parent
    return DataError(
        f"data '{published.name}' in '{folder}' is not as published ({found}, not "
        f"{published.records} records of shape {published.shape} in {published.classes} classes): "
        "delete it there, and it is downloaded again"
    )
