"""Shares of others that a record outdoes, where few others would make most shares equal."""

from __future__ import annotations

import numpy as np


def share(beaten: np.ndarray, others: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Of ``others``, how many are ``beaten`` (ties counting half): (records,) float64 in 0 .. 1.

    Records that beat as many are told apart by ``margin``, how far a record lies above the middle
    of its others in units of their spread: it counts for up to one other more, which no number of
    others outweighs. A record without others has its margin alone.
    """
    return (beaten + 0.5 + 0.5 * margin / (1 + np.abs(margin))) / (others + 1)
