"""Times attacks on a table of logits as large as an audit's, each in a process of its own."""

from __future__ import annotations

import shutil
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

import numpy as np

from mia_dual.attacks.blocks import Signal, panels, whole_panel
from mia_dual.attacks.panel import Panel, Score
from mia_dual.errors import ConfigError
from mia_dual.measure.bench import in_own_process
from mia_dual.quoting import quoted
from mia_dual.seeds import generator


@dataclass(frozen=True)
class Table:
    """How large: what a target and ``references`` say of ``records``, logits of ``classes``."""

    references: int = 256
    records: int = 100_000
    classes: int = 10

    @property
    def bytes(self) -> int:
        """What its files take, the target's included."""
        return 4 * (self.references + 1) * self.records * self.classes


@dataclass(frozen=True)
class Timed:
    """An attack to measure. ``whole``: it estimates something over all records, so that it takes
    the panel of all of them and not block after block.
    """

    signal: Signal
    score: Score
    whole: bool = False


@dataclass(frozen=True)
class AttackSpeed:
    """What one attack took, from the logits to a score of every record.

    ``reading``: seconds of summing all logits once, in memory already, by one core. ``peak``:
    bytes that NumPy and Python held at most, the attack's scores and memberships included, pages
    of mapped files left out: the system takes those back when it needs them.
    """

    attack: str
    seconds: float
    reading: float
    peak: int

    @property
    def ratio(self) -> float:
        """Seconds, in readings of the table."""
        return self.seconds / self.reading


def _log_confidence(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    exact = np.array(logits.T, np.float64, order="C")
    exact -= exact.max(axis=0)
    own = exact[labels, np.arange(len(labels))]
    return np.asarray(own - np.log(np.exp(exact, out=exact).sum(axis=0)))


def _threshold(panel: Panel, population: Optional[Panel]) -> np.ndarray:
    return panel.target


def _calibration(panel: Panel, population: Optional[Panel]) -> np.ndarray:
    outside = ~panel.inside
    total = np.einsum("mr,mr->r", panel.references, outside)
    return np.asarray(panel.target - total / np.maximum(outside.sum(axis=0), 1))


ATTACKS = {
    "threshold": Timed(_log_confidence, _threshold),
    "calibration": Timed(_log_confidence, _calibration),
}
"""What can be measured, by name; looked up again in each process."""


def measure_attacks(
    names: Sequence[str],
    table: Table,
    *,
    memory: Optional[int],
    workers: Optional[int],
    rounds: int,
) -> Iterator[AttackSpeed]:
    """Each attack of ``names`` on one made-up table; the fastest of ``rounds`` counts.

    ``memory`` and ``workers`` are those of :func:`mia_dual.attacks.blocks.signal_blocks`. The
    table's files lie in a temporary folder, and go with it. Raises ConfigError for a name that is
    none, and where that folder has no room.
    """
    for name in names:
        if name not in ATTACKS:
            raise ConfigError(
                f"bench --attacks: no attack {quoted(name)}: choose of {', '.join(ATTACKS)}"
            )
    with tempfile.TemporaryDirectory(prefix="mia-dual-bench-") as made:
        folder = Path(made)
        free = shutil.disk_usage(folder).free
        if table.bytes > free:
            raise ConfigError(
                f"bench --attacks writes {table.bytes / 1e9:.3g} GB of logits to "
                f"'{folder.parent}', where {free / 1e9:.3g} GB are free: ask for fewer "
                "--references or --records, or "
                "set TMPDIR to a folder with room"
            )
        write_table(folder, table)
        for name in names:
            yield in_own_process(_measure, name, str(folder), table, memory, workers, rounds)


def write_table(folder: Path, table: Table) -> None:
    """Write what each model says as an .npy file, as answers are stored; none is held longer."""
    for model in range(table.references + 1):
        rng = generator(0, "bench", "table", str(model))
        logits = rng.standard_normal((table.records, table.classes), np.float32)
        logits *= 3
        np.save(folder / f"{model}.npy", logits)


def _measure(
    name: str,
    folder: str,
    table: Table,
    memory: Optional[int],
    workers: Optional[int],
    rounds: int,
) -> AttackSpeed:
    attack = ATTACKS[name]
    rng = generator(0, "bench", "memberships")
    labels = rng.integers(0, table.classes, table.records)
    inside = rng.random((table.references, table.records), np.float32) < 0.5
    target, *references = (
        np.load(Path(folder, f"{model}.npy"), mmap_mode="r")
        for model in range(table.references + 1)
    )

    def read() -> None:
        for logits in (target, *references):
            logits.sum()

    def run() -> None:
        scores = np.empty(table.records)
        if attack.whole:
            panel = whole_panel(target, references, labels, inside, attack.signal, workers)
            scores[:] = attack.score(panel, None)
            return
        for records, panel in panels(
            target, references, labels, inside, attack.signal, memory, workers
        ):
            scores[records] = attack.score(panel, None)

    read()
    reading, seconds = (min(_seconds(task) for _ in range(rounds)) for task in (read, run))
    # Apart from the clock: watching every allocation takes time, too.
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return AttackSpeed(name, seconds, reading, peak + labels.nbytes + inside.nbytes)


def _seconds(task: Callable[[], None]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started
