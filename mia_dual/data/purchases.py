"""What customers buy: a synthetic set in the image of Purchase-100, drawn from a mixture model.

Purchase-100 (Shokri et al. 2017, section VI-A) says of each customer which of 600 products they
bought, and which of 100 styles of buying, found by clustering, they follow. It is nobody's to pass
on, and nothing of it is used here. What stands here is drawn from this model:

* Product j is bought with log-odds P(j), normal around -2 with deviation 1: most are rare.
* A class c likes it more or less, by C(c, j), normal with deviation ``OF_CLASS``. Each class has
  ``STYLES`` styles, each of which differs from its class by S(c, s, j), normal with deviation
  ``OF_STYLE``, so that no class is a plain product of independent features.
* A customer of class c has a style s, drawn evenly, and an appetite A, normal with deviation
  ``OF_CUSTOMER``, and buys each product with log-odds P(j) + C(c, j) + S(c, s, j) + A.

Classes are equally large, and in random order. All is drawn from one fixed seed, never the run's,
so that the set of so many classes and records is one set. The profile of a class does not depend
on how many others there are.
"""

from __future__ import annotations

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.data.prepared import Reading
from mia_dual.errors import DataError
from mia_dual.seeds import generator

PRODUCTS = 600
STYLES = 3
OF_CLASS, OF_STYLE, OF_CUSTOMER = 0.45, 0.35, 0.4

CLASSES, RECORDS = 100, 20_000
"""Where the settings name no others."""

SEED = 2017
CHUNK = 10_000


def made_from(classes: int, records: int) -> tuple[str, ...]:
    """What the set of so many classes and records is drawn from."""
    return (
        f"mixture of {classes} classes, {records} records",
        f"seed {SEED}, deviations {OF_CLASS} {OF_STYLE} {OF_CUSTOMER}",
    )


def read_purchases(classes: int, records: int) -> Reading:
    """So many ``records`` of (600,) float32, 0 or 1, of so many ``classes``.

    Raises DataError where some class would have no record.
    """
    if records < classes:
        raise DataError(
            f"data.records: {records} records leave some of {classes} classes without any: ask "
            "for more records or fewer classes (data.classes)"
        )
    profiles = np.stack([_profiles(label) for label in range(classes)])
    rng = generator(SEED, "purchases", "customers", f"{classes} classes", f"{records} records")
    labels = rng.permutation(np.arange(records) % classes)
    features = np.empty((records, PRODUCTS), np.float32)
    for start in range(0, records, CHUNK):
        part = labels[start : start + CHUNK]
        odds = profiles[part, rng.integers(STYLES, size=len(part))]
        odds = odds + rng.normal(0, OF_CUSTOMER, (len(part), 1))
        features[start : start + CHUNK] = rng.random(odds.shape) < 1 / (1 + np.exp(-odds))
    dataset = Dataset("purchases", features, labels.astype(np.int64), classes, records)
    return Reading(dataset, made_from(classes, records), {})


def _profiles(label: int) -> np.ndarray:
    """Log-odds of each product in each style of a class: (styles, products)."""
    products = generator(SEED, "purchases", "products").normal(-2, 1, PRODUCTS)
    rng = generator(SEED, "purchases", f"class-{label}")
    of_class = rng.normal(0, OF_CLASS, PRODUCTS)
    styles: np.ndarray = products + of_class + rng.normal(0, OF_STYLE, (STYLES, PRODUCTS))
    return styles
