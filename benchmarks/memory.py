"""A large run but for the training itself, with its peak memory against ``--memory``.

Nothing trains: models' answers are drawn from a generator, and stored as a backend's are. By
default 256 shadows, in and out of half of 60,000 records of ten classes each: 614 MB of answers.
All attacks on records and all thresholds run; ``--family`` names others. ``--network`` and
``--epochs`` say what waits for its training: first weights and batches of that kind. Each size of
memory is measured in a process of its own, and all give the same results.

    python benchmarks/memory.py --memory 2GB --memory 8GB
    python benchmarks/memory.py --memory 8GB --network resnet18 --epochs 50
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mia_dual.cli.options import parse_memory
from mia_dual.config import load_config
from mia_dual.data.dataset import Dataset
from mia_dual.engine import Engine
from mia_dual.execution import Execution, peak_memory
from mia_dual.interface import (
    NO_RECORD,
    Capability,
    KeptState,
    NetworkSpec,
    Records,
    State,
    TrainingJob,
    Weights,
)
from mia_dual.measure.bench import in_own_process
from mia_dual.networks import blank_weights
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.weights import drawn_names
from mia_dual.walks.run import run_audit

FAMILIES = ("thresholds", "population", "reference", "lira", "bavaria", "rmia", "base", "proxy")
SHAPE = (1, 8, 8)
"""Of a record; weights of a network like ResNet18 do not depend on it."""

RIGHT = 4.0
"""What the right class has more than the others, so that models are right as a rule."""


class Drawn:
    """A backend whose models stay as they begin, and say what a generator draws for them."""

    capabilities = frozenset({Capability.STEPS, Capability.WEIGHTS})
    networks = ("fcnet", "resnet18")

    def environment(self) -> dict[str, str]:
        """See :class:`mia_dual.interface.Backend`, here and below."""
        return {"framework": "drawn", "version": "1", "device": "cpu", "together": "auto"}

    def fresh(self, spec: NetworkSpec, seed: int) -> Weights:
        """Zeros."""
        return blank_weights(spec)

    def train(
        self, spec: NetworkSpec, optimizer: object, jobs: Sequence[TrainingJob], *_: object
    ) -> Iterator[KeptState]:
        """Every state that is to be kept is the first."""
        for job in jobs:
            for step in sorted({*job.keep, len(job.batches)}):
                state = State(job.start.weights, job.start.moments, job.start.steps + step)
                yield KeptState(job.name, step, state, seconds=0.0)

    def logits(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> np.ndarray:
        """The same of a model each time, whatever else is asked."""
        said = np.zeros((*rows.shape, spec.classes), np.float32)
        for weights, chosen, answer in zip(models, rows, said):
            asked = np.flatnonzero(chosen != NO_RECORD)
            seed = hashlib.sha256(weights[drawn_names(weights)[0]].tobytes()).digest()[:8]
            rng = np.random.default_rng(int.from_bytes(seed, "little"))
            answer[asked] = 3 * rng.standard_normal((len(asked), spec.classes), np.float32)
            answer[asked, records.labels[chosen[asked]]] += RIGHT
        return said


class DrawnEngine(Engine):
    """An engine with that backend."""

    def __init__(self, execution: Execution) -> None:
        super().__init__("torch", execution=execution)
        self.name, self._backend = "drawn", Drawn()


def measure(
    shadows: int,
    records: int,
    classes: int,
    memory: int,
    families: Sequence[str],
    network: str,
    epochs: int,
    folder: Path,
) -> tuple[float, int, str]:
    """Seconds, the peak in bytes, and the digest of the results."""
    side = (records - records // 60) // 2
    config = load_config(
        None,
        [
            f"split={{target_members: {side}, target_non_members: {side}, "
            f"shadow_members: {records // 2}}}",
            f"shadows={{count: {shadows}, design: in_and_out}}",
            f"target={{network: {network}, epochs: {epochs}, batch_size: 500, curve: 0}}",
            "deletion={methods: [full], ratios: [0.01]}",
            f"attack.families=[{', '.join(families)}]",
        ],
        {},
    )
    rng = np.random.default_rng(0)
    features = rng.standard_normal((records, *SHAPE), np.float32)
    labels = rng.integers(0, classes, records)
    engine = DrawnEngine(Execution(memory=memory))
    started = time.perf_counter()
    with RunFolder(folder / "run", config, Store(folder / "store")) as run:
        dataset = Dataset("drawn", features, labels, classes, records)
        run_audit(config, engine, dataset, run, Silent())
    seconds = time.perf_counter() - started
    digest = hashlib.sha256((folder / "run" / "results.json").read_bytes()).hexdigest()
    return seconds, peak_memory() or 0, digest


def main() -> None:
    """Measure as the arguments say, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shadows", type=int, default=256)
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--memory", action="append", help="as 2GB; repeatable")
    parser.add_argument("--family", action="append", help="of attacks; repeatable")
    parser.add_argument("--network", choices=Drawn.networks, default="fcnet")
    parser.add_argument("--epochs", type=int, default=1)
    given = parser.parse_args()
    families = given.family or FAMILIES
    answers = 4 * given.shadows * given.records * given.classes
    size = f"{given.shadows} shadows x {given.records:,} records"
    print(f"{size}: {answers / 1e6:,.0f} MB of answers")
    digests = set()
    for memory in given.memory or ["2GB", "8GB"]:
        with tempfile.TemporaryDirectory(prefix="mia-dual-bench-") as folder:
            seconds, peak, digest = in_own_process(
                measure,
                given.shadows,
                given.records,
                given.classes,
                parse_memory(memory),
                families,
                given.network,
                given.epochs,
                Path(folder),
            )
        digests.add(digest)
        print(
            f"--memory {memory}: {seconds:.1f} s, peak {peak / 1e6:,.0f} MB, "
            f"{peak / answers:.2f} of the answers, {peak / parse_memory(memory):.2f} of --memory"
        )
    print("all results are the same" if len(digests) == 1 else "results differ")


if __name__ == "__main__":
    main()
