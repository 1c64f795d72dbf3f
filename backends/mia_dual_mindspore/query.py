"""Asking models about records, one model after another, in evaluation mode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mindspore import Tensor

from mia_dual.interface import NO_RECORD, NetworkSpec, Records, Weights
from mia_dual_mindspore.networks import build
from mia_dual_mindspore.same_shapes import always_alike
from mia_dual_mindspore.weights import load

QUERY_BATCH = {"fcnet": 2048}
"""Records a forward pass, where not 256 (benchmarks/README.md). Always as many, the last filled
up: another shape compiles again.
"""


class Query:
    """A cell of ``spec`` that never trains, compiled once for all models of the spec."""

    def __init__(self, spec: NetworkSpec) -> None:
        self._spec = spec
        self._batch = QUERY_BATCH.get(spec.name, 256)
        self._cell = always_alike(build(spec).set_train(False))

    def logits(self, models: Sequence[Weights], records: Records, rows: np.ndarray) -> np.ndarray:
        """(models, rows, classes) float32; see :meth:`mia_dual.interface.Backend.logits`."""
        answers = np.zeros((*rows.shape, self._spec.classes), np.float32)
        for weights, asked, answer in zip(models, rows, answers):
            load(self._cell, weights, self._spec)
            (places,) = np.nonzero(asked != NO_RECORD)
            for start in range(0, len(places), self._batch):
                part = places[start : start + self._batch]
                filled = np.resize(asked[part], self._batch)
                logits = self._cell(Tensor(records.inputs(filled))).asnumpy()
                answer[part] = logits[: len(part)]
        return answers
