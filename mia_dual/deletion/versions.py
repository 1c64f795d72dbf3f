"""What a version of the target says: one model's logits, or those of all its groups together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np

from mia_dual.answers import Answers
from mia_dual.deletion.aggregation import aggregate
from mia_dual.deletion_settings import Aggregation
from mia_dual.plan.plan import Version
from mia_dual.signals import confidences


def version_logits(version: Version, answers: Answers, rows: np.ndarray) -> np.ndarray:
    """Logits (rows, classes) of ``version``; see :func:`joined`."""
    said = [answers.of(model, rows) for model in version.models]
    return joined(said, version.aggregation, version.sizes)


def version_keys(version: Version, answers: Answers) -> list[str]:
    """All that :func:`version_logits` depends on beside the rows: how models are joined, and the
    store's keys of what they say.
    """
    sizes = map(str, version.sizes if version.aggregation == "weighted" else ())
    said = (answers.key(model) for model in version.models)
    return [version.aggregation or "one", *sizes, *said]


def joined(
    said: Sequence[np.ndarray], aggregation: Optional[Aggregation], sizes: Sequence[int] = ()
) -> np.ndarray:
    """The logits of what ``said`` (rows, classes) of one model each, float32, are together.

    One model's own where ``aggregation`` is None. Else the logarithm of their joint confidences,
    float64: those are its logits, up to a constant a record; -inf where no group gives a class any
    vote. ``sizes``: the records that each was trained on.
    """
    if aggregation is None:
        (logits,) = said
        return logits
    together = aggregate([confidences(logits) for logits in said], aggregation, sizes)
    with np.errstate(divide="ignore"):
        joint: np.ndarray = np.log(together.astype(np.float64))
    return joint
