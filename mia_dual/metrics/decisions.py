"""How good accusations are: ``accused`` is (records,) bool, who is called a member."""

from __future__ import annotations

from typing import Optional

import numpy as np


def accuracy(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Share of records rightly called member or non-member; None without records."""
    return float((membership == accused).mean()) if len(membership) else None


def precision(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Share of the accused who are members; None where nobody is accused."""
    return _share(membership[accused])


def recall(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Share of members who are accused; None without members."""
    return _share(accused[membership])


def f1(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Harmonic mean of precision and recall; None without members and accused."""
    both = int(membership.sum()) + int(accused.sum())
    return 2 * int((membership & accused).sum()) / both if both else None


def _share(flags: np.ndarray) -> Optional[float]:
    return float(flags.mean()) if len(flags) else None
