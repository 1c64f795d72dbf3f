"""From a family's member to the job a backend trains, from its start or from a kept state."""

from __future__ import annotations

import numpy as np

from mia_dual.errors import NetworkError
from mia_dual.interface import Backend, State, TrainingJob, Weights
from mia_dual.networks import blank_weights, is_factory, normalises
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches
from mia_dual.training.family import Family, Member
from mia_dual.training.weights import draw_weights

SEEDS = 2**31


def make_job(
    family: Family,
    member: Member,
    seed: int,
    start: State,
    done: int,
    keep: tuple[int, ...],
) -> TrainingJob:
    """The training of ``member`` from ``start``, which stands after ``done`` epochs.

    ``keep``: epochs (counted from the very first) after which the state is kept.
    """
    each = family.steps_an_epoch(member)
    batches = draw_batches(
        member.rows,
        family.settings.epochs,
        family.settings.batch_size,
        generator(seed, "batches", member.name),
    )
    return TrainingJob(
        name=member.name,
        start=start,
        batches=batches[done * each :],
        learning_rates=np.repeat(family.rates()[done:], each),
        keep=tuple((epoch - done) * each for epoch in keep if epoch > done),
        stream=_draw_seed(seed, "stream", member.name),
    )


def first_state(family: Family, member: Member, seed: int, backend: Backend) -> State:
    """Where the training of ``member`` begins: weights drawn by us, and built by its network.

    Raises NetworkError where it normalises over batches and would see one of a single record.
    """
    built = built_weights(family, backend, _draw_seed(seed, "build", member.name))
    smallest = min(len(member.rows), family.settings.batch_size)
    if smallest < 2 and normalises(built):
        raise NetworkError(
            f"network '{family.spec.name}' normalises over each batch, and '{member.name}' would "
            f"train on batches of one record ({len(member.rows)} records, batch_size "
            f"{family.settings.batch_size}): ask for 2 at least"
        )
    return State(draw_weights(built, generator(seed, "weights", member.name)))


def built_weights(family: Family, backend: Backend, seed: int) -> Weights:
    """What a model of ``family`` holds before its kernels are drawn."""
    spec = family.spec
    return backend.fresh(spec, seed) if is_factory(spec.name) else blank_weights(spec)


def _draw_seed(seed: int, *labels: str) -> int:
    return int(generator(seed, *labels).integers(SEEDS))
