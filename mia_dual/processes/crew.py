"""The processes that do a backend's work, as the one that calls them sees them."""

from __future__ import annotations

import atexit
import json
import os
import pickle
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

import joblib

from mia_dual.errors import BackendError
from mia_dual.interface import Records, ReportSteps
from mia_dual.processes.cores import own_cores
from mia_dual.processes.shared import shared
from mia_dual.processes.worker import DONE, FAILED, RESULT, STEPS, Order

ENDED = "ended"
"""What is told of a worker that says no more."""

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from mia_dual.processes.worker import main; main(*sys.argv[2:])"
)


@dataclass(frozen=True)
class Trade:
    """What processes are for: tasks of ``backend``.

    ``workshop``: "module:callable", called in each of them with the device, whose
    ``do(task, records, report)`` gives a task's results. ``device``: of one that has a card.
    ``settings``: a process's environment, by the folder of all of them and its card (None: a CPU).
    ``stays``: whether one that has no card stays on a core.
    """

    backend: str
    workshop: str
    device: str
    settings: Callable[[Path, Optional[int]], Mapping[str, str]]
    stays: bool


class Worker:
    """A process that does one task at a time; what it says goes to ``ears``.

    It stays on ``core``, which may be "", or computes on ``card``.
    """

    def __init__(
        self, trade: Trade, folder: Path, core: str = "", card: Optional[int] = None
    ) -> None:
        self.core, self.card = core, card
        self.ears: queue.SimpleQueue[tuple[Worker, str, Any]] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", START, json.dumps(_path())),
                *(trade.backend, trade.workshop, str(folder), core),
                "cpu" if card is None else trade.device,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=trade.settings(folder, card),
            # Ctrl-C reaches every process of a terminal's group; we end our workers ourselves.
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def lives(self) -> bool:
        """Whether it can be given a task."""
        return self._process.poll() is None

    def give(self, order: Order) -> None:
        """Have it do ``order``; its answers end with DONE, FAILED or ENDED."""
        assert self._process.stdin is not None
        try:
            pickle.dump(order, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except BrokenPipeError:
            # It has ended. Its listener may have told those who had it before.
            self.ears.put((self, ENDED, None))

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            while True:
                kind, content = pickle.load(self._process.stdout)  # noqa: S301  (our own)
                self.ears.put((self, kind, content))
        except (EOFError, OSError, pickle.UnpicklingError):
            self.ears.put((self, ENDED, None))


class Crew:
    """Workers of a ``trade``, on a CPU or on ``cards`` in turn: started when they are first needed,
    and kept for the calls that follow, from whichever threads.
    """

    def __init__(self, trade: Trade, cards: Sequence[int] = ()) -> None:
        self._trade = trade
        self._cards = cards
        self._folder: Optional[Path] = None
        self._free: list[Worker] = []
        self._all: list[Worker] = []
        self._lock = threading.Lock()

    @property
    def places(self) -> int:
        """How many workers have a core or a card of their own."""
        return len(self._cards) or joblib.cpu_count()

    @property
    def free(self) -> int:
        """How many workers have nothing to do."""
        return len(self._free)

    def do(
        self, tasks: Sequence[Any], workers: int, records: Records, report: ReportSteps
    ) -> Iterator[tuple[int, Any]]:
        """Do ``tasks`` on ``workers`` of them; gives (place of its task, result) as reached.

        Raises what a task raises, and BackendError where a worker is killed.
        """
        ears: queue.SimpleQueue[tuple[Worker, str, Any]] = queue.SimpleQueue()
        hired = self._hire(workers, ears)
        waiting = iter(enumerate(tasks))
        doing: dict[Worker, int] = {}
        assert self._folder is not None
        try:
            with shared(records, self._folder) as files:

                def next_task(worker: Worker) -> None:
                    number, task = next(waiting, (None, None))
                    if number is None or task is None:
                        return
                    doing[worker] = number
                    worker.give(Order(task, files, _path()))

                for worker in hired:
                    next_task(worker)
                while doing:
                    worker, kind, content = ears.get()
                    if kind == STEPS:
                        report(content)
                    elif kind == RESULT:
                        yield doing[worker], content
                    elif kind == DONE:
                        del doing[worker]
                        next_task(worker)
                    elif kind == FAILED:
                        del doing[worker]
                        raise content
                    elif kind == ENDED:
                        raise BackendError(
                            "a training process ended by itself, which most often means that "
                            "memory ran out: take fewer --workers or a lower --memory"
                        )
        finally:
            self._release(hired, busy=doing)

    def end(self) -> None:
        """End all workers and take their folder away."""
        for worker in self._all:
            worker.end()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _hire(self, count: int, ears: queue.SimpleQueue[tuple[Worker, str, Any]]) -> list[Worker]:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="mia-dual-"))
                atexit.register(self.end)
            able = [worker for worker in self._free if worker.lives]
            for _ in range(count - len(able)):
                able.append(self._worker(self._folder))
                self._all.append(able[-1])
            hired, self._free = able[:count], able[count:]
        for worker in hired:
            worker.ears = ears
        return hired

    def _worker(self, folder: Path) -> Worker:
        if not self._cards:
            return Worker(self._trade, folder, self._core() if self._trade.stays else "")
        taken = Counter(worker.card for worker in self._all if worker.lives)
        return Worker(self._trade, folder, card=min(self._cards, key=taken.__getitem__))

    def _core(self) -> str:
        """The core that the fewest workers are on, not the first for every caller; may be ""."""
        taken = Counter(worker.core for worker in self._all if worker.lives)
        cores = [str(core) for core in own_cores()] or [""]
        turn = os.getpid() % len(cores)
        return min(cores[turn:] + cores[:turn], key=taken.__getitem__)

    def _release(self, hired: Sequence[Worker], busy: dict[Worker, int]) -> None:
        for worker in busy:
            worker.end()
        with self._lock:
            self._all = [worker for worker in self._all if worker.lives]
            self._free[:0] = [worker for worker in hired if worker not in busy]


def _path() -> list[str]:
    return [entry or os.getcwd() for entry in sys.path]
