"""What of its parameters each model trains, stacked as the models are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mia_dual.interface import NetworkSpec, TrainingJob
from mia_dual.networks import check_mask


def stack_masks(
    spec: NetworkSpec,
    jobs: Sequence[TrainingJob],
    shapes: Mapping[str, tuple[int, ...]],
    models: int,
) -> dict[str, np.ndarray]:
    """The masks of ``jobs``, which take the first of ``models`` places: name -> (models, *shape)
    float32, 1 where a value is trained and 0 where it is not, in the order of ``shapes``.

    ``shapes``: canonical name -> shape of each trained parameter of one model. Empty where no job
    has a mask. Raises NetworkError as :func:`mia_dual.networks.check_mask` does.
    """
    if all(job.mask is None for job in jobs):
        return {}
    stacked = {name: np.ones((models, *shape), np.float32) for name, shape in shapes.items()}
    for place, job in enumerate(jobs):
        mask = job.mask or {}
        check_mask(spec, shapes, mask, job.name)
        for name, trained in mask.items():
            stacked[name][place] = trained
    return stacked
