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

from mia_dual.answers import Answers
from mia_dual.attacks.asked import Asked
from mia_dual.attacks.base import Attack
from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.on_records import OnRecords
from mia_dual.attacks.references import References, Shadows, Signals
from mia_dual.attacks.table import SignalTable
from mia_dual.attacks.threshold_attack import ThresholdAttack
from mia_dual.errors import ConfigError
from mia_dual.execution import Execution
from mia_dual.measure.bench import in_own_process
from mia_dual.plan.plan import single
from mia_dual.quoting import quoted
from mia_dual.seeds import generator

TARGET = "target"

LOSS = "loss"
"""The attack that takes no references: what all others add to."""

MEASURED = (LOSS, *FAMILIES)
"""Families that can be measured."""


@dataclass(frozen=True)
class Table:
    """How large: what a target and ``references`` say of ``records`` and of a ``population``,
    logits of ``classes``.
    """

    references: int = 256
    records: int = 100_000
    classes: int = 10
    population: int = 1000

    @property
    def asked(self) -> int:
        """Records that each model is asked about."""
        return self.records + self.population

    @property
    def bytes(self) -> int:
        """What its files take, the target's included."""
        return 4 * (self.references + 1) * self.asked * self.classes


@dataclass(frozen=True)
class AttackSpeed:
    """What one attack took to score every record of one target.

    ``signal``: seconds from all models' logits to its signal, which attacks with the same one
    share; ``score``: from there to the scores, the target's own signal included. ``reading``:
    seconds of summing all logits once, in memory already, by one core. ``peak``: bytes that NumPy
    and Python held at most, pages of mapped files left out: the system takes those back when it
    needs them.
    """

    attack: str
    signal: float
    score: float
    reading: float
    peak: int

    @property
    def ratio(self) -> float:
        """Seconds, in readings of the table."""
        return (self.signal + self.score) / self.reading


def attacks_of(families: Sequence[str]) -> list[str]:
    """The names of all attacks of ``families``; raises ConfigError for one that cannot be timed."""
    for family in families:
        if family not in MEASURED:
            raise ConfigError(
                f"bench --attacks: no family {quoted(family)} on records alone: "
                f"choose of {', '.join(MEASURED)}"
            )
    return [name for family in families for name in _members(family)]


def measure_attacks(
    names: Sequence[str], table: Table, execution: Execution, rounds: int
) -> Iterator[AttackSpeed]:
    """Each attack of ``names`` on one made-up table; the fastest of ``rounds`` counts.

    ``execution``: memory and threads, as a run's. The table's files lie in a temporary folder, and
    go with it. Raises ConfigError where that folder has no room.
    """
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
            yield in_own_process(_measure, name, folder, table, execution, rounds)


def write_table(folder: Path, table: Table) -> None:
    """Write what each model says as an .npy file, as answers are stored; none is held longer."""
    for name in _names(table):
        logits = generator(0, "bench", "table", name).standard_normal(
            (table.asked, table.classes), np.float32
        )
        logits *= 3
        np.save(folder / f"{name}.npy", logits)


def _names(table: Table) -> list[str]:
    return [*(str(number) for number in range(table.references)), TARGET]


def _members(family: str) -> dict[str, tuple[Attack, Optional[str]]]:
    """The attacks of ``family`` by name, and the signal of references each looks at."""
    if family == LOSS:
        return {LOSS: (ThresholdAttack(LOSS, "log_odds"), None)}
    found = FAMILIES[family](FamilySettings())
    return {attack.name: (OnRecords(attack), attack.signal) for attack in found}


def _measure(
    name: str, folder: Path, table: Table, execution: Execution, rounds: int
) -> AttackSpeed:
    ((attack, signal),) = (members[name] for members in map(_members, MEASURED) if name in members)
    names, rows = _names(table), np.arange(table.asked)
    answers = Answers(
        dict.fromkeys(names, rows),
        {each: np.load(folder / f"{each}.npy", mmap_mode="r") for each in names},
        {},
    )
    rng = generator(0, "bench", "memberships")
    labels = rng.integers(0, table.classes, table.asked)
    # Half of the records, as where references are in and out.
    members = {each: np.flatnonzero(rng.random(table.asked) < 0.5) for each in names}
    shadows = Shadows([], [], answers, labels, labels, table.classes, seed=0)
    versions = [single(each) for each in names]
    asked = Asked([single(TARGET)], answers)

    def read() -> None:
        for each in names:
            answers.of(each, rows).sum()

    def run() -> tuple[float, float]:
        started = time.perf_counter()
        audited, population = (
            SignalTable(versions, members, part, answers, labels, execution=execution)
            for part in (rows[: table.records], rows[table.records :])
        )
        if signal is not None:
            audited.values(signal)
            population.values(signal)
        ready = time.perf_counter()
        signals = Signals(audited, population, known=None, stand_ins=[])
        references = References(shadows, signals, left_out=TARGET)
        attack.fit(references).scores(asked, audited.rows)
        return ready - started, time.perf_counter() - ready

    read()
    reading = min(_seconds(read) for _ in range(rounds))
    taken = min((run() for _ in range(rounds)), key=sum)
    # Apart from the clock: watching every allocation takes time, too.
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return AttackSpeed(name, *taken, reading, peak)


def _seconds(task: Callable[[], None]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started
