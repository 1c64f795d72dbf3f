"""Times a store of many small objects: made, listed, verified, referred to, found and pruned."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from mia_dual.store.files import checksum
from mia_dual.store.keys import key_of
from mia_dual.store.objects import Store

AT_ONCE = 1000
"""Keys that a run comes to need at a time."""


@dataclass(frozen=True)
class StoreStep:
    """``step`` with all objects of a store: ``seconds``, and those of processors alone, since what
    removes waits for the disk.
    """

    step: str
    seconds: float
    computing: float


def measure_store(objects: int) -> list[StoreStep]:
    """A store of ``objects`` objects in a temporary folder, which goes with it.

    A run refers to half of them, so that the other half is pruned.
    """
    found: list[StoreStep] = []

    def timed(step: str, take: Callable[[], object]) -> None:
        started, computed = time.perf_counter(), time.process_time()
        take()
        found.append(StoreStep(step, time.perf_counter() - started, time.process_time() - computed))

    with tempfile.TemporaryDirectory(prefix="mia-dual-bench-") as made:
        store, run = Store(Path(made) / "store"), Path(made) / "run"
        run.mkdir()
        (run / "config.yaml").write_text("seed: 0\n", encoding="utf-8")
        keys = [key_of({"bench": number}) for number in range(objects)]
        needed = keys[::2]

        def put() -> None:
            for key in keys:
                store.put(key, "scores", "bench", checksum(key.encode()).encode())

        def refer() -> None:
            store.refer(run, ())
            for start in range(0, len(needed), AT_ONCE):
                store.refer_more(run, needed[start : start + AT_ONCE])

        timed("put", put)
        timed("refer", refer)
        timed("find", lambda: [store.find(key) for key in keys])
        timed("list", lambda: (store.referred(), list(store)))
        timed("verify", lambda: [store.is_sound(entry) for entry in store])
        timed("prune", store.prune)
    return found
