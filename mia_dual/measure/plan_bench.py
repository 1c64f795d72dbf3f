"""Times a plan of many models, and what its files take: nothing of it trains."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from mia_dual.config import load_config
from mia_dual.data.archive import opened
from mia_dual.execution import peak_memory
from mia_dual.measure.bench import CLASSES, in_own_process
from mia_dual.plan.document import plan_arrays, plan_document
from mia_dual.plan.draft import draft_plan
from mia_dual.rows import RowSet
from mia_dual.seeds import generator
from mia_dual.store.files import write_npz, written_atomically

POOL = 50
"""One record of so many is no target's."""

FEWEST_MODELS, FEWEST_RECORDS = 4, 1000
"""A target, two shadows and a retrained target; records of which each class has some on all sides.
"""


@dataclass(frozen=True)
class PlanStep:
    """``step`` of a plan: ``seconds``, ``bytes`` of the file it wrote or read (0: none), and the
    most memory that the process held until its end (None where the system does not say).
    """

    step: str
    seconds: float
    bytes: int
    peak: Optional[int]


def measure_plan(models: int, records: int) -> list[PlanStep]:
    """The plan of ``models`` models: a target, one retrained, and shadows half in and half out,
    each trained on half of ``records`` made-up records of ten classes. In a process of its own.
    """
    return list(in_own_process(_measured, models, records))


def _measured(models: int, records: int) -> list[PlanStep]:
    with tempfile.TemporaryDirectory(prefix="mia-dual-bench-") as made:
        return list(_measure(models, records, Path(made)))


def _measure(models: int, records: int, folder: Path) -> Iterator[PlanStep]:
    side = (records - records // POOL) // 2
    config = load_config(
        None,
        [
            f"split.target_members={side}",
            f"split.target_non_members={side}",
            f"split.shadow_members={records // 2}",
            "shadows.design=in_and_out",
            # Each half of the records makes a shadow.
            f"shadows.count={(models - 2) // 2 * 2}",
            "deletion.methods=[full]",
            "deletion.ratios=[0.01]",
        ],
        {},
    )
    labels = generator(0, "bench", "labels").integers(0, CLASSES, records)
    file, document = folder / "plan.npz", folder / "plan.json"

    def write() -> None:
        with written_atomically(file) as stream:
            write_npz(stream, plan_arrays(plan))

    def read() -> list[RowSet]:
        names = [f"{kind}/{name}" for name in plan.models for kind in ("members", "asked")]
        with opened(file) as archive:
            headers = archive.headers(names)
            return [RowSet(archive.read(name, headers[name])) for name in names]

    started = time.perf_counter()
    plan = draft_plan(config, labels, CLASSES)
    yield PlanStep("draw", time.perf_counter() - started, 0, peak_memory())
    steps: dict[str, tuple[Callable[[], object], Path]] = {
        "plan.json": (lambda: document.write_text(json.dumps(plan_document(plan))), document),
        "plan.npz": (write, file),
        "read plan.npz": (read, file),
    }
    for step, (take, there) in steps.items():
        started = time.perf_counter()
        take()
        yield PlanStep(step, time.perf_counter() - started, there.stat().st_size, peak_memory())
