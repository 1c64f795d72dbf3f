"""A process that computes: takes tasks from its standard input, answers on its standard output."""

from __future__ import annotations

import os
import pickle
import queue
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from mia_dual.errors import BackendError, MiaDualError
from mia_dual.exhaustion import out_of_memory
from mia_dual.processes.cores import stay_on
from mia_dual.processes.shared import SharedRecords


@dataclass(frozen=True)
class Order:
    """A task, what it is about, and where modules are looked for."""

    task: Any
    records: SharedRecords
    path: Sequence[str]


STEPS, RESULT, DONE, FAILED = "steps", "result", "done", "failed"
"""What a message says, with: a number of steps; a result; None; the error."""


def main(backend: str, workshop: str, folder: str, core: str, device: str) -> None:
    """Do what is ordered until the caller closes the channel or dies.

    What is said of the words: see :class:`mia_dual.processes.crew.Trade`.
    """
    # The caller is who is interrupted, and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Before the framework is there, which counts the cores that it sees.
    stay_on([int(core)] if core else [])
    answers = _own_channel()
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders, folder), daemon=True).start()
    try:
        module, _, name = workshop.partition(":")
        bench = getattr(import_module(module), name)(device)
    except Exception as error:  # whatever a broken installation throws
        reason = " ".join(str(error).split()) or type(error).__name__
        told = out_of_memory(error) or BackendError(
            f"backend '{backend}' does not start here ({reason}): pip install "
            f"'mia-dual[{backend}]' brings what it needs"
        )
        _send(answers, FAILED, told)
        # The thread that listens holds the standard input, which an orderly end would wait for.
        os._exit(1)
    with open(Path(folder) / "cores", "a", encoding="ascii") as register:
        register.write(f"{os.getpid()} ")
    while True:
        order = orders.get()
        sys.path[:] = order.path
        _send(answers, *_do(bench, order, answers))


def _do(workshop: Any, order: Order, answers: BinaryIO) -> tuple[str, Any]:
    try:
        for result in workshop.do(
            order.task, order.records.open(), lambda steps: _send(answers, STEPS, steps)
        ):
            _send(answers, RESULT, result)
    except MiaDualError as error:
        return FAILED, error
    except Exception as error:  # a fault of ours, whose place the caller's user sees
        return FAILED, out_of_memory(error) or RuntimeError(traceback.format_exc())
    return DONE, None


def _send(answers: BinaryIO, kind: str, content: Any) -> None:
    try:
        pickle.dump((kind, content), answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()
    except BrokenPipeError:
        # Nobody is left, and the thread that listens is about to end this process.
        threading.Event().wait()


def _own_channel() -> BinaryIO:
    # What a framework or a user's module prints goes to the standard error.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _listen(orders: queue.SimpleQueue[Order], folder: str) -> None:
    """Take orders; once nobody is left to give any, take the folder away and end at once."""
    try:
        while True:
            orders.put(pickle.load(sys.stdin.buffer))  # noqa: S301  (our own)
    except (EOFError, OSError, pickle.UnpicklingError):
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)
