"""Times what a start takes, each in processes of their own, and a small audit in whole."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Optional

from mia_dual.errors import BackendError
from mia_dual.measure.bench import Case
from mia_dual.quoting import one_line
from mia_dual.shipped import shipped_config

AUDIT, IMPORT = "quick audit", "import"
"""What others of a backend are held against: the audit, and its framework's bare import."""

COMMAND = ("-m", "mia_dual.cli.child")
"""``mia-dual``, which ends with the process that called it."""

READY = """
import sys
from mia_dual.registry import load_backend
print(load_backend(*sys.argv[1:]).environment()["framework"], flush=True)
"""

STEP = """
import sys
from mia_dual.measure.bench import Case, first_step
name, device, network, *numbers = sys.argv[1:]
first_step(name, device, Case(network, *map(int, numbers)))
print(flush=True)
"""


@dataclass(frozen=True)
class Took:
    """What one thing took a process.

    ``wall``: seconds from the process's start until it was done, or said that it had come so far.
    ``computing``: those of its cores and of processes that it waited for, until it ended; None
    where the system does not say.
    """

    what: str
    backend: Optional[str]
    wall: float
    computing: Optional[float]


def measure_start(backends: Sequence[str], case: Case, device: str, rounds: int) -> list[Took]:
    """Measure starts, and the audit of ``configs/quick.yaml``; the fastest of ``rounds`` counts.

    The audit has nothing at first but what is installed, then finds the caches that the first one
    left, and at last is the same command again. Raises BackendError where a process fails.
    """
    fastest: dict[tuple[str, Optional[str]], Took] = {}
    for _ in range(rounds):
        for now in _measured(backends, case, device):
            before = fastest.setdefault((now.what, now.backend), now)
            fastest[now.what, now.backend] = min(before, now, key=lambda one: one.wall)
    return list(fastest.values())


def _measured(backends: Sequence[str], case: Case, device: str) -> Iterator[Took]:
    yield took("python", None, ["-c", "pass"])[0]
    yield took("mia-dual --help", None, [*COMMAND, "--help"])[0]
    for name in backends:
        ready, framework = took("backend ready", name, ["-c", READY, name, device])
        # A framework's module has its own name, or the backend's.
        for module in (framework, name):
            if find_spec(module) is not None:
                yield took(IMPORT, name, ["-c", f"import {module}"])[0]
                break
        yield ready
        numbers = map(str, list(asdict(case).values()))
        yield took("first step", name, ["-c", STEP, name, device, *numbers])[0]
        yield from _audits(name, device)


def _audits(name: str, device: str) -> Iterator[Took]:
    """The audit with nothing there, with the caches of the one before, and once again."""
    with tempfile.TemporaryDirectory(prefix="mia-dual-bench-") as there:
        environment = {**os.environ, "MIA_DUAL_DATA": str(Path(there) / "data")}
        words = ["run", "--config", str(shipped_config("quick")), "--backend", name, "--quiet"]
        for what, run in ((AUDIT, "first"), ("with caches", "second"), ("repeated", "second")):
            places = ["--out", str(Path(there) / run), "--store", str(Path(there) / f"{run}-store")]
            line = [*COMMAND, *words, "--device", device, "--page", *places]
            yield took(what, name, line, environment)[0]


def took(
    what: str,
    backend: Optional[str],
    words: Sequence[str],
    environment: Optional[Mapping[str, str]] = None,
) -> tuple[Took, str]:
    """What a process of Python took with ``words``, and the first line that it said, if any.

    Of code (``-c``) that line ends the time. Raises BackendError where the process fails.
    """
    before = os.times()
    with tempfile.TemporaryFile() as complaints:
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=environment,
        ) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            said = time.perf_counter() - started
            process.stdout.read()
            code = process.wait()
        wall = said if words[0] == "-c" and line else time.perf_counter() - started
        if code:
            complaints.seek(0)
            reason = complaints.read().decode(errors="replace").strip() or "it said nothing"
            raise BackendError(f"'{what}' failed: {one_line(reason.splitlines()[-1])}")
    after = os.times()
    computing = sum(after[2:4]) - sum(before[2:4])
    return Took(what, backend, wall, computing or None), line.decode().strip()
