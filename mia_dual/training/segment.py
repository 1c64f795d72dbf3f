"""A stretch of a training: the records it sees, for how long, and what they weigh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from mia_dual.interface import NO_RECORD
from mia_dual.store.keys import array_digest
from mia_dual.training.batches import draw_batches, steps_an_epoch
from mia_dual.training_settings import TrainingSettings


@dataclass(frozen=True)
class Beside:
    """Records that go along in every batch: ``rows`` (sorted record indices), as many as fit a
    batch, in an order that starts again when all have come; a batch's weigh ``share`` together.
    """

    rows: np.ndarray
    share: float


@dataclass(frozen=True)
class Segment:
    """``rows`` (sorted record indices), each of them once an epoch, for ``epochs``.

    A batch's ``rows`` weigh ``share`` together in the step's loss: 1 is plain training, below 0
    the loss of these records rises. ``rate`` and ``batch_size``: of this segment; None: as the
    family's settings say, whose decay counts epochs from the segment's first.
    """

    rows: np.ndarray
    epochs: int
    share: float = 1.0
    beside: Optional[Beside] = None
    rate: Optional[float] = None
    batch_size: Optional[int] = None

    def steps_an_epoch(self, settings: TrainingSettings) -> int:
        """Optimizer steps each epoch takes."""
        return steps_an_epoch(len(self.rows), self.batch_size or settings.batch_size)

    def width(self, settings: TrainingSettings) -> int:
        """Records of a full batch."""
        size = self.batch_size or settings.batch_size
        return size if self.beside is None else size + min(size, len(self.beside.rows))

    def batches(self, settings: TrainingSettings, rng: np.random.Generator) -> np.ndarray:
        """Every batch: (steps, :meth:`width`) int64 record indices, ended with ``NO_RECORD``."""
        own = draw_batches(self.rows, self.epochs, self.batch_size or settings.batch_size, rng)
        if self.beside is None:
            return own
        others = self.beside.rows
        each = self.width(settings) - own.shape[1]
        rounds = -(-len(own) * each // len(others))
        order = np.concatenate([rng.permutation(others) for _ in range(rounds)])
        return np.hstack([own, order[: len(own) * each].reshape(len(own), each)])

    def shares(self, batches: np.ndarray, settings: TrainingSettings) -> np.ndarray:
        """What each record of ``batches`` weighs: float32 of the same shape."""
        own = self.batch_size or settings.batch_size
        real = batches != NO_RECORD
        parts = [(real[:, :own], self.share)]
        if self.beside is not None:
            parts.append((real[:, own:], self.beside.share))
        return np.hstack(
            [part * (share / part.sum(axis=1, keepdims=True)) for part, share in parts],
        ).astype(np.float32)

    @property
    def is_plain(self) -> bool:
        """Whether all records weigh the same, and the loss is their mean."""
        return self.share == 1 and self.beside is None

    def describe(self) -> dict[str, Any]:
        """What its models depend on, beside the family's settings and the epochs' rates."""
        found: dict[str, Any] = {"rows": array_digest(self.rows), "share": self.share}
        if self.batch_size is not None:
            found["batch_size"] = self.batch_size
        if self.beside is not None:
            found["beside"] = [array_digest(self.beside.rows), self.beside.share]
        return found
