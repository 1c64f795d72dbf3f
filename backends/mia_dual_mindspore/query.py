"""Asking models about records, in evaluation mode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mindspore import Tensor

from mia_dual.interface import NetworkSpec, Records, Weights
from mia_dual_mindspore.networks import build
from mia_dual_mindspore.weights import load

QUERY_BATCH = 256
"""Records a forward pass. Always as many, the last filled up: another shape compiles again."""


class Query:
    """A cell of ``spec`` that never trains, compiled once for all models of the spec."""

    def __init__(self, spec: NetworkSpec) -> None:
        self._spec = spec
        self._cell = build(spec)
        self._cell.set_train(False)

    def logits(self, models: Sequence[Weights], records: Records) -> np.ndarray:
        """(models, records, classes) float32."""
        count = len(records)
        answers = np.empty((len(models), count, self._spec.classes), np.float32)
        for weights, answer in zip(models, answers):
            load(self._cell, weights, self._spec)
            for start in range(0, count, QUERY_BATCH):
                rows = np.minimum(np.arange(start, start + QUERY_BATCH), count - 1)
                logits = self._cell(Tensor(records.inputs(rows))).asnumpy()
                answer[start : start + QUERY_BATCH] = logits[: count - start]
        return answers
