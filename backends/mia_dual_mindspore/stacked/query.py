"""Asking many models at once, in evaluation mode: the layers of training, no gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.interface import NO_RECORD, NetworkSpec, Records, Weights
from mia_dual_mindspore.stacked.places import Places

MODELS, BATCH = 2, 64
"""Models and records a pass, the last filled up: another shape compiles again. More leave the
cache (benchmarks/README.md).
"""


class StackedQuery:
    """Places for ``MODELS`` models of ``spec``, compiled once."""

    def __init__(self, spec: NetworkSpec) -> None:
        self._classes = spec.classes
        self._places = Places(spec, MODELS, BATCH)
        self._places.network.set_train(False)

    def logits(self, models: Sequence[Weights], records: Records, rows: np.ndarray) -> np.ndarray:
        """(models, rows, classes) float32; see :meth:`mia_dual.interface.Backend.logits`."""
        answers = np.zeros((*rows.shape, self._classes), np.float32)
        for first in range(0, len(models), MODELS):
            chosen = slice(first, first + MODELS)
            self._ask(models[chosen], records, rows[chosen], answers[chosen])
        return answers

    def _ask(
        self, models: Sequence[Weights], records: Records, rows: np.ndarray, answers: np.ndarray
    ) -> None:
        for place, weights in enumerate(models):
            self._places.put(place, weights)
        count = rows.shape[1]
        filled = np.zeros((MODELS, -(-count // BATCH) * BATCH), np.int64)
        filled[: len(models), :count] = np.where(rows == NO_RECORD, 0, rows)
        for start in range(0, count, BATCH):
            part = slice(start, min(start + BATCH, count))
            inputs = self._places.inputs(records, filled[:, start : start + BATCH])
            logits = self._places.network(inputs).asnumpy()
            answers[:, part] = logits[: len(models), : part.stop - start]
        answers[rows == NO_RECORD] = 0
