"""A user's own records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mia_dual.data.archive import Archive, opened
from mia_dual.data.dataset import Dataset
from mia_dual.data.npy import Header
from mia_dual.errors import DataError

CHANNELS = (1, 3)

PARTS = (("x", "y"), ("x_test", "y_test"))


def load_npz(file: Path) -> Dataset:
    """Read ``x`` and ``y``, and ``x_test`` and ``y_test`` where they are there.

    ``x``: (records, features), (records, height, width), (records, channels, height, width) or
    (records, height, width, channels) with 1 or 3 channels; uint8 values are pixels, scaled to
    [-1, 1] later on, other numbers become float32 and are taken as they are. ``y``: (records,)
    integers from 0 on, two classes or more, each present. Other arrays are left alone. Raises
    DataError naming the array and what is wrong with it.
    """
    with opened(file) as archive:
        headers, parts = _checked(archive)
        features = [_features(file, x, archive.read(x, headers[x])) for x, _ in parts]
        given = {y: archive.read(y, headers[y]) for _, y in parts}
    for (name, _), part in zip(parts, features):
        if part.shape[1:] != features[0].shape[1:] or part.dtype != features[0].dtype:
            raise DataError(
                f"'{file}': a record of '{name}' is {part.dtype} {part.shape[1:]}, one of 'x' is "
                f"{features[0].dtype} {features[0].shape[1:]}: they must be alike"
            )
    labels = _labels(file, given)
    together = features[0] if len(features) == 1 else np.concatenate(features)
    return Dataset("npz", together, labels, int(labels.max()) + 1, len(given["y"]))


def _checked(archive: Archive) -> tuple[dict[str, Header], Sequence[tuple[str, str]]]:
    """The arrays' headers and the parts that are there, as far as headers show that they do."""
    headers = archive.headers([name for part in PARTS for name in part])
    parts = PARTS if headers.keys() & set(PARTS[1]) else PARTS[:1]
    for part in parts:
        for name in part:
            if name not in headers:
                raise archive.missing(name)
        _check_part(archive.file, part, *(headers[name] for name in part))
    archive.check_memory(headers.values())
    return headers, parts


def _check_part(file: Path, names: tuple[str, str], x: Header, y: Header) -> None:
    x_name, y_name = names
    if x.dtype.kind not in "uifb":
        raise DataError(f"'{file}': '{x_name}' is {x.dtype.name}, not numbers")
    if len(x.shape) not in (2, 3, 4) or 0 in x.shape:
        raise DataError(
            f"'{file}': '{x_name}' has shape {x.shown_shape}: give (records, features), "
            "(records, height, width) or images with 1 or 3 channels"
        )
    if len(y.shape) != 1 or 0 in y.shape:
        raise DataError(f"'{file}': '{y_name}' has shape {y.shown_shape}, not (records,)")
    if y.dtype.kind not in "ui":
        raise DataError(f"'{file}': '{y_name}' is {y.dtype.name}: labels must be integers")
    if x.shape[0] != y.shape[0]:
        raise DataError(
            f"'{file}': '{x_name}' has {x.shape[0]} records and '{y_name}' has {y.shape[0]} labels"
        )


def _features(file: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype != np.uint8:
        array = _as_float32(file, name, array)
    if array.ndim == 3:
        return array[:, None]
    if array.ndim == 4:
        return _channels_first(file, name, array)
    return array


def _as_float32(file: Path, name: str, array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    finite = np.isfinite(narrow)
    if finite.all():
        return narrow
    value = array[~finite][0]
    if np.isfinite(value):
        raise DataError(
            f"'{file}': '{name}' holds {value:g}, too large for float32: scale the values down"
        )
    raise DataError(f"'{file}': '{name}' holds {value}: remove NaN or infinite values")


def _channels_first(file: Path, name: str, array: np.ndarray) -> np.ndarray:
    first, last = array.shape[1] in CHANNELS, array.shape[3] in CHANNELS
    if first == last:
        why = "both the first and the last side could be" if first else "no side is"
        raise DataError(
            f"'{file}': '{name}' has shape {array.shape}, in which {why} 1 or 3 channels: "
            "give (records, channels, height, width)"
        )
    return array if first else np.ascontiguousarray(array.transpose(0, 3, 1, 2))


def _labels(file: Path, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """All labels as int64; raises DataError where they do not number classes from 0."""
    records = sum(map(len, given.values()))
    parts = []
    for name, array in given.items():
        if array.min() < 0:
            raise DataError(f"'{file}': '{name}' holds {array.min()}: labels start at 0")
        # Labels as large as that leave a gap in any case, and may not fit into int64.
        part = np.full(len(array), records, np.int64)
        fits = array < records
        part[fits] = array[fits]
        parts.append(part)
    labels = np.concatenate(parts)
    present = np.unique(labels)
    gaps = np.flatnonzero(present != np.arange(len(present)))
    if len(gaps):
        largest, name = max((int(array.max()), name) for name, array in given.items())
        raise DataError(
            f"'{file}': class {gaps[0]} has no records, though '{name}' goes up to {largest}: "
            "number the classes from 0 without gaps"
        )
    if len(present) == 1:
        raise DataError(
            f"'{file}': every label in {' and '.join(map(repr, given))} is 0: "
            "give records of two classes or more"
        )
    return labels
