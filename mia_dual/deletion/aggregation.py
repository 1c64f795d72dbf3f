"""What the models of a grouped training say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

import numpy as np


def aggregate(
    confidences: Union[np.ndarray, Sequence[np.ndarray]], how: str, sizes: Sequence[int] = ()
) -> np.ndarray:
    """What the groups say together: (records, classes) float32.

    ``confidences``: (groups, records, classes), or a sequence of (records, classes), one a group.
    ``mean``: their mean. ``weighted``: the same, each group weighing as many as its ``sizes``
    (groups,) say, the records that it was trained on. ``vote``: each class's share of the groups'
    votes, a group's vote going to its most confident class. The largest value is always at the
    class decided for: where several classes have the most votes, the one of them with the highest
    mean confidence is, and has the next larger float32 for its share. A group that is torn itself
    votes by that mean too.
    """
    answers = np.asarray(confidences)
    mean: np.ndarray = answers.mean(axis=0, dtype=np.float64)
    if how == "weighted":
        weighted: np.ndarray = np.average(answers, axis=0, weights=np.asarray(sizes, np.float64))
        return weighted.astype(np.float32)
    if how == "vote":
        return _shares_of_votes(answers, mean)
    return mean.astype(np.float32)


def _shares_of_votes(answers: np.ndarray, mean: np.ndarray) -> np.ndarray:
    groups, records, classes = answers.shape
    counts = np.zeros((records, classes), np.int64)
    every = np.arange(records)
    for answer in answers:
        counts[every, _best(answer, mean)] += 1
    shares: np.ndarray = (counts / groups).astype(np.float32)
    tied = np.flatnonzero((counts == counts.max(axis=-1, keepdims=True)).sum(axis=-1) > 1)
    winners = tied, _best(counts, mean)[tied]
    shares[winners] = np.nextafter(shares[winners], np.float32(1))
    return shares


def _best(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Each record's class of the largest value; among equals, that of the largest mean."""
    largest = values == values.max(axis=-1, keepdims=True)
    chosen: np.ndarray = np.where(largest, mean, -1.0).argmax(axis=-1)
    return chosen
