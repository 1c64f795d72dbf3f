"""Backends whose workers die, hang, or are not alike."""

import os
import signal
import time

from mia_dual.execution import DEFAULT
from tests.numpy_backend import NumpyBackend


class Poisoned(NumpyBackend):
    """Dies of one model, and never comes to the end of another."""

    def train(self, spec, optimizer, jobs, records, report):
        names = [job.name for job in jobs]
        if "poison" in names:
            os.kill(os.getpid(), signal.SIGKILL)
        if "endless" in names:
            time.sleep(600)
        yield from super().train(spec, optimizer, jobs, records, report)


class Unlike(NumpyBackend):
    """Of another version in every process."""

    def __init__(self, device="cpu", execution=DEFAULT):
        super().__init__(device, execution, version=str(os.getpid()))
