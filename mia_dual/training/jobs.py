"""From a family's member to the job a backend trains, from its start or from a kept state."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mia_dual.errors import NetworkError
from mia_dual.interface import Backend, State, TrainingJob, Weights
from mia_dual.networks import NETWORKS, blank_weights, normalises
from mia_dual.seeds import generator
from mia_dual.training.family import Family, Member
from mia_dual.training.weights import draw_weights

SEEDS = 2**31


def make_job(
    family: Family, member: Member, label: str, start: State, done: int, keep: Iterable[int]
) -> TrainingJob:
    """The training of ``member`` from ``start``, which stands after ``done`` epochs.

    ``label`` names the job. ``keep``: epochs (counted from the very first) after which the state
    is kept; those that are done already, or come last, say nothing.
    """
    ends = [0, *family.ends(member).tolist()]
    batches, shares = family.batches(member)
    taken = ends[done]
    return TrainingJob(
        name=label,
        start=start,
        batches=batches[taken:],
        learning_rates=np.repeat(family.rates(member), np.diff(ends))[taken:],
        shares=None if shares is None else shares[taken:],
        targets=member.targets,
        mask=member.mask,
        keep=tuple(ends[epoch] - taken for epoch in sorted(keep) if done < epoch < len(ends) - 1),
        stream=_draw_seed(member.seed, "stream", member.name),
        rows=member.rows,
    )


def first_state(family: Family, member: Member, backend: Backend) -> State:
    """Where the training of ``member`` begins: weights drawn by us, and built by its network.

    Raises NetworkError where it normalises over batches and would see one of a single record.
    """
    built = built_weights(family, backend, _draw_seed(member.seed, "build", member.name))
    fewest = min(len(segment.rows) for segment in member.segments)
    if min(fewest, family.settings.batch_size) < 2 and normalises(built):
        raise NetworkError(
            f"network '{family.spec.name}' normalises over each batch, and '{member.name}' would "
            f"train on batches of one record ({fewest} records, batch_size "
            f"{family.settings.batch_size}): ask for 2 at least"
        )
    return State(draw_weights(built, generator(member.seed, "weights", member.name)))


def built_weights(family: Family, backend: Backend, seed: int) -> Weights:
    """What a model of ``family`` holds before its kernels are drawn."""
    spec = family.spec
    return blank_weights(spec) if spec.name in NETWORKS else backend.fresh(spec, seed)


def _draw_seed(seed: int, *labels: str) -> int:
    return int(generator(seed, *labels).integers(SEEDS))
