"""The MindSpore backend: what :class:`mia_dual.interface.Backend` asks, on Ascend or a CPU.

On a CPU this process never imports MindSpore: its workers do, when there is work. A single card is
this process's own; several have workers, too, since a process has one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Union

import numpy as np

from mia_dual.execution import DEFAULT, Execution
from mia_dual.flops import jobs_flops
from mia_dual.interface import (
    Capability,
    GradientNorms,
    KeptState,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainingJob,
    Weights,
)
from mia_dual.networks import NETWORKS
from mia_dual.processes.crew import Crew
from mia_dual_mindspore import asking, training
from mia_dual_mindspore.crews import CREW, crew_of
from mia_dual_mindspore.environment import choose, devices, instructions, mindspore_version
from mia_dual_mindspore.tasks import Building

if TYPE_CHECKING:
    from mia_dual_mindspore.local import Local

WORTH_STARTING = 1e11
"""Counted operations from which another process, that takes seconds to start, ends a call sooner.
"""

WORTH_COMPILING = 2e10
"""The same of a process that is there, and has only to compile what the first has too."""

VERSION = mindspore_version()

NOTHING = Records(np.zeros((0, 1), np.float32), np.zeros(0, np.int64))


class MindSporeBackend:
    """MindSpore on a CPU, or on the Ascend cards there are (``ascend``)."""

    name = "mindspore"
    capabilities = frozenset(Capability)
    networks = NETWORKS

    def __init__(self, device: str, execution: Execution = DEFAULT) -> None:
        self._device = choose(device)
        self._execution = execution
        self._hands = _hands(self._device, execution)

    @staticmethod
    def devices() -> list[str]:
        """``ascend`` where a card answers, then ``cpu``."""
        return devices()

    def environment(self) -> dict[str, str]:
        """Framework, its version, the device, and what moves rounding."""
        return {
            "framework": "mindspore",
            "version": VERSION,
            "device": self._device,
            "together": self._execution.together,
            "instructions": instructions(),
        }

    def fresh(self, spec: NetworkSpec, seed: int) -> dict[str, np.ndarray]:
        """Canonical name -> array of a new model; see the protocol."""
        ((_, found),) = self._hands.do([Building(spec, seed)], 1, NOTHING, lambda steps: None)
        built: dict[str, np.ndarray] = found
        return built

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[KeptState]:
        """Train ``jobs``; see the protocol."""
        if not jobs:
            return
        workers = self._workers(len(jobs), jobs_flops(spec, jobs))
        together = training.pays_together(spec, self._device == "cpu", self._execution)
        tasks = training.training_tasks(spec, optimizer, jobs, together, self._execution, workers)
        for _, state in self._hands.do(tasks, min(workers, len(tasks)), records, report):
            yield state

    def logits(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> np.ndarray:
        """What each model says of its rows: (models, rows, classes) float32."""
        answers = np.zeros((*rows.shape, spec.classes), np.float32)
        if not answers.size:
            return answers
        tasks, cuts = zip(*asking.question_tasks(spec, models, rows))
        workers = self._workers(len(tasks), asking.operations(spec, models, rows))
        for place, found in self._hands.do(tasks, workers, records, lambda steps: None):
            answers[cuts[place]] = found
        return answers

    def gradient_norms(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> GradientNorms:
        """Norms of the loss's gradients, record by record; see the protocol."""
        together = training.pays_together(spec, self._device == "cpu", self._execution)
        tasks, cuts = zip(*asking.differentiation_tasks(spec, models, rows, together))
        # A pass there and back costs as much as three there.
        workers = self._workers(len(tasks), 3 * asking.operations(spec, models, rows))
        names: tuple[str, ...] = ()
        norms = np.zeros((*rows.shape, 0))
        for place, found in self._hands.do(tasks, workers, records, lambda steps: None):
            if not names:
                names = found.parameters
                norms = np.zeros((*rows.shape, len(names)))
            norms[cuts[place]] = found.norms
        return GradientNorms(names, norms)

    def _workers(self, pieces: int, operations: int) -> int:
        """How many processes to do ``pieces`` of work on: what is asked for, or what pays."""
        most = min(self._hands.places, pieces)
        if self._execution.workers:
            return min(self._execution.workers, pieces) if self._device == "cpu" else most
        worth = WORTH_COMPILING if self._hands.free >= most else WORTH_STARTING
        return most if operations >= worth else 1


def _hands(device: str, execution: Execution) -> Union[Crew, Local]:
    if device == "cpu":
        return CREW
    from mia_dual_mindspore.card import own_cards
    from mia_dual_mindspore.local import Local

    # A process takes what memory its card has: one on each, however many are asked for.
    cards = own_cards(os.environ)[: execution.workers]
    return Local(device) if len(cards) == 1 else crew_of(tuple(cards))
