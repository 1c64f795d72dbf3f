"""Runs pieces of work on threads, a core or a card each, and hands on what they yield.

A piece computes on one thread, always: products, convolutions and sums that are split among
threads round otherwise than those that are not, and a model must not depend on how many pieces
of work there were to share the cores.
"""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, Generic, Optional, TypeVar, Union

import torch

from mia_dual.interface import ReportSteps

Found = TypeVar("Found")

Place = Optional[torch.device]
"""Where work computes: on a device; None: in a process of its own."""

Work = Callable[[Place, ReportSteps], Iterator[Found]]
"""Yields what it finds at the place it is given; calls the other with the steps done now and then.
"""


@dataclass(frozen=True)
class _Yielded(Generic[Found]):
    found: Found


class _StoppedError(Exception):
    """The others of a call failed, or nobody wants what is found any more."""


def share_out(
    models: int, most: int, rows: int, step: int, workers: int
) -> Iterator[tuple[slice, range]]:
    """Pieces of work that ask ``models`` about ``rows`` records each: which models, ``most`` at a
    time, and where passes of ``step`` records start.

    Where there are fewer chunks of models than ``workers``, these share the records of a chunk.
    """
    chunks = [slice(first, first + most) for first in range(0, models, most)]
    spans = -(-workers // len(chunks))
    span = step * -(-rows // (step * spans))
    for chunk in chunks:
        for first in range(0, rows, span):
            yield chunk, range(first, rows)[:span:step]


def run(
    works: Sequence[Work[Found]], places: Sequence[Place], report: ReportSteps
) -> Iterator[Found]:
    """Do ``works`` on threads, one for each of ``places``; that of another process only waits for
    it.

    Kernels and autograd let go of Python's lock, the records are shared, and a thread has not to
    be started; for when processes are better, see :mod:`.workshop`.
    ``report`` is called in the caller's thread. The first error of any is raised, once all have
    stopped.
    """
    usual = torch.get_num_threads()
    events: queue.SimpleQueue[Union[_Yielded[Found], int, BaseException, None]]
    events = queue.SimpleQueue()
    left: queue.SimpleQueue[Work[Found]] = queue.SimpleQueue()
    for work in works:
        left.put(work)
    stop = threading.Event()

    def told(steps: int) -> None:
        if stop.is_set():
            raise _StoppedError
        events.put(steps)

    def labour(place: Place) -> None:
        torch.set_num_threads(1)
        if place is not None and place.type == "cuda":
            # For what a user's module makes on "cuda", whichever that is.
            torch.cuda.set_device(place)
        try:
            while not stop.is_set():
                for found in left.get_nowait()(place, told):
                    events.put(_Yielded(found))
        except (queue.Empty, _StoppedError):
            events.put(None)
        except BaseException as error:
            events.put(error)
        else:
            events.put(None)

    def end() -> None:
        stop.set()
        for thread in running:
            if thread.is_alive():
                thread.join()
        # What a thread sets is also what threads that start later take.
        torch.set_num_threads(usual)

    count = min(len(places), len(works))
    running = [
        threading.Thread(target=labour, args=(place,), daemon=True) for place in places[:count]
    ]
    # Who is interrupted while it has what was yielded may never close this, and a process that
    # exits while a thread computes is aborted.
    atexit.register(end)
    ended = 0
    try:
        for thread in running:
            thread.start()
        while ended < count:
            event = events.get()
            if isinstance(event, _Yielded):
                yield event.found
            elif isinstance(event, int):
                report(event)
            elif event is None:
                ended += 1
            else:
                raise event
    finally:
        end()
        atexit.unregister(end)
