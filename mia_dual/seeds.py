"""Where all randomness comes from: one seed, and a label for each thing that is drawn."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *labels: str) -> np.random.Generator:
    """A generator for what ``labels`` name, independent of every other label's.

    What is drawn for one purpose never moves what is drawn for another, so adding a shadow model
    or an attack leaves the rest of a run as it was.
    """
    digest = hashlib.sha256("/".join(labels).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").astype(np.uint64)
    return np.random.default_rng(np.random.SeedSequence([seed, *(int(word) for word in words)]))
