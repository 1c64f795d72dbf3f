"""What models say of records: many models at once, or a model after another on each core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Callable

import numpy as np
import torch

from mia_dual.execution import Execution, models_that_fit
from mia_dual.interface import NO_RECORD, NetworkSpec, Records, ReportSteps, Weights
from mia_dual.networks import check_weights, is_factory
from mia_dual_torch.draws import drawing_from, draws
from mia_dual_torch.networks import build, forward
from mia_dual_torch.records import EachDevicesRecords
from mia_dual_torch.stacked.layered import LayerStack, forward_bytes
from mia_dual_torch.stacked.networks import LAYERED
from mia_dual_torch.stacked.stack import put
from mia_dual_torch.weights import load, shapes
from mia_dual_torch.workers import run, share_out

ALONE = 256
"""Records a forward pass of one module: more leave the cache, and take twice as long."""

TOGETHER = 16
"""Records a model and pass of a stack, at least."""

PASS = 1_500_000
"""Bytes of a model in a stack, at most, where it is asked about more than ``TOGETHER``."""

CACHE = 16 * 2**20
"""Bytes of models that a core asks fastest."""


def ask(
    spec: NetworkSpec,
    models: Sequence[Weights],
    records: Records,
    rows: np.ndarray,
    places: Sequence[torch.device],
    execution: Execution,
) -> np.ndarray:
    """See :meth:`mia_dual.interface.Backend.logits`.

    A pass holds the same records whatever models, cores and memory there are, so that bits do not
    depend on them.
    """
    answers = np.zeros((*rows.shape, spec.classes), np.float32)
    if not answers.size:
        return answers
    there = EachDevicesRecords(records)
    workers = len(places)
    most = -(-len(models) // workers)
    work: Callable[..., Iterator[None]]
    if spec.name in LAYERED and execution.together != "never":
        step = _records_a_pass(spec)
        most = min(most, models_that_fit(CACHE, forward_bytes(spec, step)))
        work = partial(_ask_together, spec, there, step)
    else:
        step = ALONE
        work = partial(_ask_one_by_one, spec, there, draws_when_asked(spec, places[0]))
    works = [
        partial(work, models[chunk], rows[chunk], starts, answers[chunk])
        for chunk, starts in share_out(len(models), most, rows.shape[1], step, workers)
    ]
    for _ in run(works, places, lambda steps: None):
        pass
    return answers


def _ask_together(
    spec: NetworkSpec,
    there: EachDevicesRecords,
    step: int,
    models: Sequence[Weights],
    rows: np.ndarray,
    starts: Sequence[int],
    answers: np.ndarray,
    place: torch.device,
    report: ReportSteps,
) -> Iterator[None]:
    data = there.on(place)
    stack = LayerStack(spec, len(models), step, data, learning=False)
    expected = {name: shape[1:] for name, shape in shapes(stack.state).items()}
    for number, weights in enumerate(models):
        check_weights(spec, expected, weights)
        put(stack.state, number, weights)
    given = np.zeros((len(models), step), np.int64)
    for start in starts:
        asked = rows[:, start : start + step]
        real = asked != NO_RECORD
        if real.any():
            width = asked.shape[1]
            given[:, :width] = np.where(real, asked, 0)
            found = stack.answer(torch.from_numpy(given).to(place))[:, :width]
            answers[:, start : start + width][real] = found.cpu().numpy()[real]
    yield


def _ask_one_by_one(
    spec: NetworkSpec,
    there: EachDevicesRecords,
    drawing: bool,
    models: Sequence[Weights],
    rows: np.ndarray,
    starts: Sequence[int],
    answers: np.ndarray,
    place: torch.device,
    report: ReportSteps,
) -> Iterator[None]:
    data = there.on(place)
    module = build(spec).to(place).eval()
    with torch.inference_mode():
        for number, weights in enumerate(models):
            load(module, weights, spec)
            for start in starts:
                asked = rows[number, start : start + ALONE]
                real = asked != NO_RECORD
                if real.any():
                    inputs = data.inputs(torch.from_numpy(asked[real]).to(place))
                    with drawing_from(start, device=place) if drawing else nullcontext():
                        found = forward(spec, module, inputs)
                    answers[number, start : start + ALONE][real] = found.cpu().numpy()
    yield


def _records_a_pass(spec: NetworkSpec) -> int:
    each = forward_bytes(spec, TOGETHER) // TOGETHER
    return min(max(PASS // each, TOGETHER), ALONE)


def draws_when_asked(spec: NetworkSpec, device: torch.device) -> bool:
    """Whether a user's network draws in evaluation mode too, as dropout that is never off does."""
    if not is_factory(spec.name):
        return False
    blank = torch.zeros(2, *spec.input_shape, device=device)
    module = build(spec).to(device).eval()
    return draws(partial(forward, spec, module), blank)
