"""Batch order and learning rates: which records a model sees at which step, and how fast."""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.interface import NO_RECORD


def steps_an_epoch(records: int, batch_size: int) -> int:
    """Batches that :func:`draw_batches` cuts an epoch of ``records`` records in."""
    return -(-_used(records, batch_size) // batch_size)


def draw_batches(
    rows: np.ndarray, epochs: int, batch_size: int, rng: np.random.Generator
) -> np.ndarray:
    """A fresh order of ``rows`` for every epoch, cut in batches.

    Returns (epochs x :func:`steps_an_epoch`, batch_size) int64; each epoch's last row ends with
    ``NO_RECORD`` where the records do not divide evenly. Every record comes once an epoch, but
    for one that would make a last batch alone: it is left out of that epoch, since batch
    normalisation has nothing to normalise in a single record. (So a batch holds one record only
    where ``batch_size`` is 1, or ``rows`` is one record; a network with batch normalisation
    cannot be trained on either.) The first epochs are the same, however many follow.
    """
    used = _used(len(rows), batch_size)
    steps = steps_an_epoch(len(rows), batch_size)
    batches = np.full((epochs, steps * batch_size), NO_RECORD, np.int64)
    for epoch in batches:
        epoch[:used] = rng.permutation(rows)[:used]
    return batches.reshape(epochs * steps, batch_size)


def learning_rates(
    rate: float, epochs: int, steps: int, decay_every: Optional[int], decay: float
) -> np.ndarray:
    """The rate of each of ``steps`` steps in ``epochs`` epochs: (steps,) float64.

    It is multiplied by ``decay`` after every ``decay_every`` epochs, or kept where that is None.
    """
    epoch = np.arange(steps) // max(steps // max(epochs, 1), 1)
    drops = epoch // decay_every if decay_every else np.zeros_like(epoch)
    return rate * decay ** drops.astype(np.float64)


def _used(records: int, batch_size: int) -> int:
    lone = records > 1 and batch_size > 1 and records % batch_size == 1
    return records - lone
