"""IAM, interpolated approximate measurement: how completely one target forgot one record.

Wang et al. 2025, Towards Lifecycle Unlearning Commitment Management: Measuring Sample-level
Unlearning Completeness (arXiv 2506.06112), as the authors' code has it
(Happy2Git/Unlearning_Inference_IAM, ``unlearning_lib/metrics/iam_score.py``). A model that never
saw the record (a shadow model, *out*) shows what generalising to it looks like; how a model answers
its own training records, what fitting does. The way between them is gone in small steps, and
completeness is how much of it the target has not gone. One shadow model is enough.

Taken here, the offline variant: the signal bounded by two constants, steps along a straight line to
one number for all records (what shadow models give their own training records on average), Gumbel's
law of right skew by the method of moments, and one spread for all records at a step (the code's
``fix_variance``, which is all that one shadow model leaves).

Not taken, the online variant, which goes to what the target itself gave before it deleted. All of
the authors' targets had seen the record. Here half had not, and what they gave before tells them
apart whatever was forgotten: simulated with nothing left, it set deleted from never-seen pairs with
an AUC of .19 to .27 where the offline variant has .50.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

SOFT_ONE, SOFT_ZERO = 1e-2, 1e-5
"""What bounds the signal at confidences of 1 and of 0; the authors' for images."""

STEPS = 100
"""Places on the way from generalising to fitting, the authors' default."""

LEAST_SPREAD = 1e-10
"""The least standard deviation of a step, so that a record alone has a law."""

_EULER = 0.5772156649015329


def iam_signal(log_confidence: np.ndarray) -> np.ndarray:
    """Gumbel's map of the confidence p at the label, scaled to 0 .. 1: float64 of any shape.

    -log(SOFT_ONE - log(p + SOFT_ZERO)), which is near a Gumbel law over records, from
    :func:`mia_dual.signals.log_confidence`.
    """
    low, high = _mapped(np.array([0.0, 1.0]))
    return (_mapped(np.exp(log_confidence)) - low) / (high - low)


def completeness(
    signal: np.ndarray,
    references: np.ndarray,
    fitted: float,
    outside: Optional[np.ndarray] = None,
    steps: int = STEPS,
) -> np.ndarray:
    """How completely each record was forgotten, in 0 .. 1: float64 of the shape of ``signal``.

    All by :func:`iam_signal`. ``signal``: (..., records) float64, of the targets after they
    deleted. ``references``: (models, records) float64, of shadow models; ``outside``: (models,
    records) bool, which of them never saw which record, all where it is None. ``fitted``: the mean
    over references of what they give their own training records. NaN where no reference is outside.

    At each step the law is Gumbel's, its mean that much nearer to ``fitted`` than the record's
    mean over references is, its standard deviation that of all references and records there.
    Completeness is 1 less the mean over steps of how much of the law is below the target, the last
    steps, which are the nearest to ``fitted``, counting most.

    It is a place on the way, not a test. A model that never saw the record has no fixed place: it
    was at .57 to .77 on average in simulation, as records were harder or easier. Only beside models
    that never saw it does it say that more was left, as a score like any other (its negative is the
    higher the more a member).

    Simulated with 100 records, one shadow model and 16 or 32 targets: where nothing is left the
    AUC's interval (see :func:`mia_dual.metrics.repeated.pooled_figures`) holds a half in .94 to .99
    of worlds; where who deleted a record has log odds half a standard deviation higher the AUC is
    .57 to .59, and the interval leaves a half out in all.
    """
    chosen = np.ones(references.shape, bool) if outside is None else outside
    if not chosen.any():
        return np.full(signal.shape, np.nan)
    count = chosen.sum(axis=0)
    sums = np.where(chosen, references, 0.0).sum(axis=0)
    mean = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    spread = references[chosen].std()
    below, weights = np.zeros(signal.shape), 0.0
    places = np.linspace(0.0, 1.0, max(steps, 2))
    for place, weight in zip(places[:-1], places[1:]):
        middle = (1 - place) * mean + place * fitted
        scale = np.sqrt(6) / np.pi * max((1 - place) * spread, LEAST_SPREAD)
        with np.errstate(over="ignore"):
            below += weight * np.exp(-np.exp(-((signal - middle) / scale + _EULER)))
        weights += weight
    return 1 - below / weights


def _mapped(confidence: np.ndarray) -> np.ndarray:
    return -np.log(SOFT_ONE - np.log(confidence + SOFT_ZERO))
