"""A user's own records: an .npz file that nobody has to trust."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.errors import DataError

CHANNELS = (1, 3)


def load_npz(file: Path) -> Dataset:
    """Read ``x`` and ``y``, and ``x_test`` and ``y_test`` where they are there.

    ``x``: (records, features), (records, height, width), (records, channels, height, width) or
    (records, height, width, channels) with 1 or 3 channels; uint8 pixels are scaled to [-1, 1]
    later on, other numbers become float32 and are taken as they are. ``y``: (records,) integers
    from 0 on, each class present. Objects are never unpickled. Raises DataError naming the array
    and what is wrong with it.
    """
    arrays = _read(file)
    parts = [("x", "y")]
    if "x_test" in arrays or "y_test" in arrays:
        parts.append(("x_test", "y_test"))
    for name in (name for part in parts for name in part):
        if name not in arrays:
            raise DataError(
                f"'{file}' has no array '{name}': it holds {', '.join(sorted(arrays)) or 'none'}"
            )
    features = [_features(file, name, arrays[name]) for name, _ in parts]
    labels = [_labels(file, name, arrays[name]) for _, name in parts]
    for (x_name, y_name), x, y in zip(parts, features, labels):
        if len(x) != len(y):
            raise DataError(
                f"'{file}': '{x_name}' has {len(x)} records and '{y_name}' has {len(y)} labels"
            )
        if x.shape[1:] != features[0].shape[1:] or x.dtype != features[0].dtype:
            raise DataError(
                f"'{file}': a record of '{x_name}' is {x.dtype} {x.shape[1:]}, one of 'x' is "
                f"{features[0].dtype} {features[0].shape[1:]}: they must be alike"
            )
    together = np.concatenate(labels)
    classes = int(together.max()) + 1
    absent = np.setdiff1d(np.arange(classes), together)
    if len(absent):
        raise DataError(
            f"'{file}': class {absent[0]} has no records, though labels go up to {classes - 1}: "
            "number the classes from 0 without gaps"
        )
    return Dataset("npz", np.concatenate(features), together, classes, len(labels[0]))


def _read(file: Path) -> dict[str, np.ndarray]:
    try:
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            raise DataError(f"'{file}' is a single array: save x and y with numpy.savez")
        with stored:
            return {name: stored[name] for name in stored.files}
    except OSError as error:
        raise DataError(f"'{file}' cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error) or "pickled" in str(error):
            raise DataError(
                f"'{file}' holds pickled objects, which are never loaded: save plain arrays "
                "with numpy.savez"
            ) from error
        raise DataError(f"'{file}' is no readable .npz file: save it with numpy.savez") from error


def _features(file: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "uifb":
        raise DataError(f"'{file}': '{name}' is {array.dtype}, not numbers")
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise DataError(
            f"'{file}': '{name}' has shape {array.shape}: give (records, features), "
            "(records, height, width) or images with 1 or 3 channels"
        )
    if array.dtype != np.uint8 or array.ndim == 2:
        array = array.astype(np.float32)
        if not np.isfinite(array).all():
            raise DataError(f"'{file}': '{name}' holds NaN or infinite values: remove them")
    if array.ndim == 3:
        return array[:, None]
    if array.ndim == 4:
        return _channels_first(file, name, array)
    return array


def _channels_first(file: Path, name: str, array: np.ndarray) -> np.ndarray:
    first, last = array.shape[1] in CHANNELS, array.shape[3] in CHANNELS
    if first == last:
        why = "both the first and the last side could be" if first else "no side is"
        raise DataError(
            f"'{file}': '{name}' has shape {array.shape}, in which {why} 1 or 3 channels: "
            "give (records, channels, height, width)"
        )
    return array if first else np.ascontiguousarray(array.transpose(0, 3, 1, 2))


def _labels(file: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 1 or not len(array):
        raise DataError(f"'{file}': '{name}' has shape {array.shape}, not (records,)")
    if array.dtype.kind not in "ui":
        raise DataError(f"'{file}': '{name}' is {array.dtype}: labels must be integers")
    if array.min() < 0:
        raise DataError(f"'{file}': '{name}' holds {array.min()}: labels start at 0")
    return array.astype(np.int64)
