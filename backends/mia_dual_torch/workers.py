"""Runs pieces of work on threads, a core each, and hands on what they yield."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Callable, Union

import torch

from mia_dual.interface import ReportSteps, TrainedModel

Work = Callable[[ReportSteps], Iterator[TrainedModel]]
"""Trains some models; calls what it is given with the steps done now and then."""

_Event = Union[TrainedModel, int, BaseException, None]


class _StoppedError(Exception):
    """The others of a call failed, or nobody wants the models any more."""


def run(
    works: Sequence[Work], workers: int, threads: int, report: ReportSteps
) -> Iterator[TrainedModel]:
    """Do ``works`` on ``workers`` threads, each computing on ``threads`` cores.

    Threads and not processes: kernels and autograd let go of Python's lock, the records are
    shared, and nothing has to be started (measured alike on 2 cores; benchmarks/README.md).
    ``report`` is called in the caller's thread. The first error of any is raised, once all have
    stopped.
    """
    with _threads(threads):
        if workers <= 1 or len(works) <= 1:
            for work in works:
                yield from work(report)
            return
        yield from _run_beside(works, workers, threads, report)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    usual = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def _run_beside(
    works: Sequence[Work], workers: int, threads: int, report: ReportSteps
) -> Iterator[TrainedModel]:
    events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
    left: queue.SimpleQueue[Work] = queue.SimpleQueue()
    for work in works:
        left.put(work)
    stop = threading.Event()

    def told(steps: int) -> None:
        if stop.is_set():
            raise _StoppedError
        events.put(steps)

    def labour() -> None:
        torch.set_num_threads(threads)
        try:
            while not stop.is_set():
                for model in left.get_nowait()(told):
                    events.put(model)
        except (queue.Empty, _StoppedError):
            events.put(None)
        except BaseException as error:
            events.put(error)
        else:
            events.put(None)

    running = [threading.Thread(target=labour, daemon=True) for _ in range(workers)]
    for thread in running:
        thread.start()
    ended = 0
    try:
        while ended < workers:
            event = events.get()
            if isinstance(event, TrainedModel):
                yield event
            elif isinstance(event, int):
                report(event)
            elif event is None:
                ended += 1
            else:
                raise event
    finally:
        stop.set()
        for thread in running:
            thread.join()
