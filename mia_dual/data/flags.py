"""Arrays of a user's file that say who was a member: bool, or 0 and 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mia_dual.data.archive import opened
from mia_dual.data.npy import Header
from mia_dual.errors import DataError
from mia_dual.quoting import quoted


def check_flags(file: Path, name: str, header: Header, shape: tuple[int, ...], sides: str) -> None:
    """Raise DataError where ``header`` is none of flags of ``shape``, which is that of ``sides``
    (``(records,)``).
    """
    if header.dtype.kind not in "bui":
        raise DataError(
            f"'{file}': '{name}' is {header.dtype.name}: say who was a member by bool, or 0 and 1"
        )
    if header.shape != shape:
        raise DataError(
            f"'{file}': '{name}' has shape {header.shown_shape}, not {shape}: give one value for "
            f"each of {sides}"
        )


def as_flags(file: Path, name: str, array: np.ndarray) -> np.ndarray:
    """``array`` as bool; raises DataError where it holds another number than 0 and 1."""
    strange = array[(array != 0) & (array != 1)]
    if strange.size:
        raise DataError(
            f"'{file}': '{name}' holds {quoted(strange.flat[0].item())}: write 1 for a member and "
            "0 for any other"
        )
    return array.astype(bool)


def load_members(file: Path, training: int, test: int) -> np.ndarray:
    """Who of the records in ``file`` a target was trained on: (training + test,) bool.

    ``member`` (training,) of the records in ``x``; ``member_test`` (test,) of those in ``x_test``,
    none of which is a member where it is absent. Raises DataError naming the array that is not so.
    """
    sizes = {"member": training, "member_test": test}
    with opened(file) as archive:
        headers = archive.headers(list(sizes))
        if "member" not in headers:
            raise archive.missing("member")
        for name, header in headers.items():
            check_flags(file, name, header, (sizes[name],), f"the {sizes[name]} records")
        given = {
            name: as_flags(file, name, archive.read(name, header))
            for name, header in headers.items()
        }
    return np.concatenate([given["member"], given.get("member_test", np.zeros(test, bool))])
