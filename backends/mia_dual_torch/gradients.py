"""The gradient norms of models by record, a model after another on each core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial

import numpy as np
import torch

from mia_dual.execution import Execution
from mia_dual.gradients import loss_errors
from mia_dual.interface import (
    NO_RECORD,
    GradientNorms,
    NetworkSpec,
    Records,
    ReportSteps,
    Weights,
)
from mia_dual_torch.by_record import ManyRecords, OneRecord, Squares, is_known
from mia_dual_torch.draws import drawing_from
from mia_dual_torch.networks import build
from mia_dual_torch.query import draws_when_asked
from mia_dual_torch.records import EachDevicesRecords
from mia_dual_torch.weights import load, trained
from mia_dual_torch.workers import run, share_out

TOGETHER = 64
"""Records a pass, where many go together: more leave the cache."""


def gradient_norms(
    spec: NetworkSpec,
    models: Sequence[Weights],
    records: Records,
    rows: np.ndarray,
    places: Sequence[torch.device],
    execution: Execution,
) -> GradientNorms:
    """See :meth:`mia_dual.interface.Backend.gradient_norms`.

    A pass holds the same records of one model whatever cores there are.
    """
    names = tuple(sorted(trained(build(spec))))
    norms = np.zeros((*rows.shape, len(names)))
    if norms.size:
        there = EachDevicesRecords(records)
        drawing = draws_when_asked(spec, places[0])
        step = 1 if drawing or not _are_kept_apart(spec, places[0]) else TOGETHER
        workers = len(places)
        most = -(-len(models) // workers)
        work = partial(_differentiate, spec, there, drawing, step)
        works = [
            partial(work, models[chunk], rows[chunk], starts, norms[chunk])
            for chunk, starts in share_out(len(models), most, rows.shape[1], step, workers)
        ]
        for _ in run(works, places, lambda steps: None):
            pass
    return GradientNorms(names, norms)


def _are_kept_apart(spec: NetworkSpec, device: torch.device) -> bool:
    def tried(place: torch.device, report: ReportSteps) -> Iterator[bool]:
        yield is_known(spec, build(spec).to(place).eval())

    # On a thread of its own, as all that counts: see mia_dual_torch.workers.
    (known,) = run([tried], [device], lambda steps: None)
    return known


def _differentiate(
    spec: NetworkSpec,
    there: EachDevicesRecords,
    drawing: bool,
    step: int,
    models: Sequence[Weights],
    rows: np.ndarray,
    starts: Sequence[int],
    norms: np.ndarray,
    place: torch.device,
    report: ReportSteps,
) -> Iterator[None]:
    data = there.on(place)
    module = build(spec).to(place).eval()
    way: Squares = ManyRecords(spec, module) if step > 1 else OneRecord(spec, module)
    for number, weights in enumerate(models):
        load(module, weights, spec)
        for start in starts:
            asked = rows[number, start : start + step]
            real = asked != NO_RECORD
            if real.any():
                chosen = torch.from_numpy(asked[real]).to(place)
                labels = data.labels[chosen]
                with drawing_from(start, device=place) if drawing else nullcontext():
                    logits, squares = way.squares(data.inputs(chosen), labels)
                errors = loss_errors(logits.cpu().numpy(), labels.cpu().numpy())
                found = np.sqrt(squares.cpu().numpy().astype(np.float64))
                norms[number, start : start + step][real] = errors[:, None] * found
    yield
