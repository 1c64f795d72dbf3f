"""Records whose features are drawn each from its own distribution (Shokri et al. 2017, V-C).

What an attacker has who knows statistics of the records, and no record.
"""

from __future__ import annotations

import numpy as np

from mia_dual.errors import DataError
from mia_dual.synthesis.made import Ask, Made, chunks, even_labels


def draw_marginals(features: np.ndarray, records: int, ask: Ask, rng: np.random.Generator) -> Made:
    """``records`` records of the marginals of ``features`` (real records, *shape).

    Each is labelled by the target: the class it answers with most confidence, one query a record.
    """
    drawn = _draw(features, records, rng)
    labels = np.concatenate([ask(drawn[chunk]).argmax(axis=1) for chunk in chunks(records)])
    return Made(drawn, labels.astype(np.int64), np.ones(records, np.int64))


def draw_class_marginals(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    records: int,
    rng: np.random.Generator,
) -> Made:
    """As many records of each class, to one, of the marginals of that class's real records.

    ``features`` (real records, *shape), ``labels`` (real records,) int64. Raises DataError naming
    a class without a real record.
    """
    made = Made(
        np.empty((records, *features.shape[1:]), features.dtype),
        even_labels(records, classes),
        np.zeros(records, np.int64),
    )
    for label in range(classes):
        of_class = features[labels == label]
        if not len(of_class):
            raise DataError(
                f"shadows.data.per_class: class {label} has no record among the {len(labels)} that "
                "its marginals would be estimated on: raise shadows.data.estimated_on, or set "
                "per_class: false"
            )
        place = np.flatnonzero(made.labels == label)
        made.features[place] = _draw(of_class, len(place), rng)
    return made


def _draw(features: np.ndarray, records: int, rng: np.random.Generator) -> np.ndarray:
    """Each feature from a random record, another for every feature: (records, *shape)."""
    flat = features.reshape(len(features), -1)
    drawn = np.empty((records, flat.shape[1]), features.dtype)
    for chunk in chunks(records):
        rows = rng.integers(len(flat), size=drawn[chunk].shape)
        drawn[chunk] = flat[rows, np.arange(flat.shape[1])]
    return drawn.reshape(records, *features.shape[1:])
