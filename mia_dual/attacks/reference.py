"""The target held against references that never saw the record, without a law of what they say."""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.attacks.moments import outside
from mia_dual.attacks.panel import Panel
from mia_dual.attacks.places import share

_BLOCK = 512


def attack_r(panel: Panel, population: Optional[Panel] = None) -> np.ndarray:
    """Attack-R (Ye et al. 2022, CCS, section 4.3): the share of out references whose signal the
    target's exceeds.

    Records that outdo as many are told apart by how far the target lies above the references'
    mean, in units of their spread over all records, so that few references give more than few
    scores. A record without out references is held against the mean of all records by that alone.
    ``population`` is not looked at. Raises ValueError where each record is in all references.
    """
    outs = outside(panel)
    beaten = np.empty(len(panel))
    for start in range(0, len(panel), _BLOCK):
        part = slice(start, start + _BLOCK)
        target, said = panel.target[part], panel.references[:, part]
        wins = (target > said).astype(np.int8) + (target >= said)
        wins[panel.inside[:, part]] = 0
        beaten[part] = wins.sum(axis=0) / 2
    return share(beaten, outs.count, (panel.target - outs.mean) / np.sqrt(outs.within))


def calibration(panel: Panel, population: Optional[Panel] = None) -> np.ndarray:
    """Difficulty calibration (Watson et al. 2022, ICLR): the signal less what out references say,
    in the mean.

    A record without out references is held against the mean of all records. ``population`` is not
    looked at. Raises ValueError where each record is in all references.
    """
    return panel.target - outside(panel).mean
