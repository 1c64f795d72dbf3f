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
    each = family.steps_an_epoch(member)
    return TrainingJob(
        name=label,
        start=start,
        batches=family.batches(member)[done * each :],
        learning_rates=np.repeat(family.rates(member.epochs)[done:], each),
        targets=member.targets,
        keep=tuple((epoch - done) * each for epoch in sorted(keep) if done < epoch < member.epochs),
        stream=_draw_seed(member.seed, "stream", member.name),
        rows=member.rows,
    )


def first_state(family: Family, member: Member, backend: Backend) -> State:
    """Where the training of ``member`` begins: weights drawn by us, and built by its network.

    Raises NetworkError where it normalises over batches and would see one of a single record.
    """
    built = built_weights(family, backend, _draw_seed(member.seed, "build", member.name))
    smallest = min(len(member.rows), family.settings.batch_size)
    if smallest < 2 and normalises(built):
        raise NetworkError(
            f"network '{family.spec.name}' normalises over each batch, and '{member.name}' would "
            f"train on batches of one record ({len(member.rows)} records, batch_size "
            f"{family.settings.batch_size}): ask for 2 at least"
        )
    return State(draw_weights(built, generator(member.seed, "weights", member.name)))


def built_weights(family: Family, backend: Backend, seed: int) -> Weights:
    """What a model of ``family`` holds before its kernels are drawn."""
    spec = family.spec
    return blank_weights(spec) if spec.name in NETWORKS else backend.fresh(spec, seed)


def _draw_seed(seed: int, *labels: str) -> int:
    return int(generator(seed, *labels).integers(SEEDS))
