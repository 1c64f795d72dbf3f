"""The tutorial's job, in plain PyTorch and by mia-dual, in one run on the same records.

A network on a 28 x 28 set, SGD .001 with momentum .9: a target and ten shadow models, one attack
model a class. ``--epochs`` of the tutorial's 10 and ``--members`` of its 10,000 say which fraction
is measured; with further ``--seeds`` all is done again, to show how far accuracies spread. Each way
is a process of its own, and its seconds are those of the whole process.

    python benchmarks/tutorial.py --epochs 1
    python benchmarks/tutorial.py --network lenet5 --batch-size 16 --members 1000 --seeds 3
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Optional

import numpy as np

from mia_dual.cli.bench_machine import machine
from mia_dual.cli.telling import Telling
from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.data.load import load_dataset
from mia_dual.measure.start_bench import COMMAND, Took, took
from mia_dual.plan.splits import balanced, draw_split
from mia_dual.progress import Silent
from mia_dual.report.results import Results
from mia_dual.seeds import generator

COLUMNS = (
    *("network", "batch", "by", "seconds", "computing", "times as fast"),
    *("attack accuracy", "target's, on non-members"),
)
PLAIN = Path(__file__).with_name("plain_pytorch.py")


@dataclass(frozen=True)
class Job:
    """What is done, of ``members`` a model and for ``epochs``."""

    network: str
    batch_size: int
    members: int
    epochs: int
    shadows: int
    seed: int = 0

    def settings(self, data: str) -> Config:
        """The tutorial's job without a deletion and without a curve, as mia-dual's config."""
        return Config.model_validate(
            {
                "device": "cpu",
                "seed": self.seed,
                "data": {"name": data},
                "split": {
                    "target_members": self.members,
                    "target_non_members": max(self.members // 20, 200),
                    "shadow_members": self.members,
                    "shadow_non_members": self.members * 3 // 10,
                },
                "target": {
                    "network": self.network,
                    "epochs": self.epochs,
                    "batch_size": self.batch_size,
                    "learning_rate": 0.001,
                    "curve": 0,
                },
                "shadows": {"count": self.shadows},
                "attack": {
                    "families": ["shadow"],
                    "fcnet": {
                        "network": "fcnet",
                        "epochs": 5,
                        "batch_size": 50,
                        "optimizer": "adam",
                        "learning_rate": 0.001,
                    },
                },
                "deletion": {"ratios": [], "methods": ["full"]},
            }
        )


@dataclass(frozen=True)
class Outcome:
    """How long a job took, and how right the attack and the target were."""

    took: Took
    attack_accuracy: float
    train_accuracy: float
    test_accuracy: float


def by_mia_dual(backend: str, config: Config, data_dir: Optional[Path], folder: Path) -> Outcome:
    """The audit, every file it writes but the page."""
    file = folder / "job.yaml"
    file.write_text(config.to_yaml())
    words = ["run", "--config", str(file), "--backend", backend, "--no-page", "--quiet"]
    words += [] if data_dir is None else ["--data-dir", str(data_dir)]
    run = folder / backend
    words += ["--out", str(run), "--store", str(folder / f"{backend}-store")]
    spent, _ = took("job", backend, [*COMMAND, *words])
    results = Results.model_validate_json((run / "results.json").read_bytes())
    attack = results.attacks["shadow_fcnet"].accuracy
    return Outcome(spent, attack, results.target.train_accuracy, results.target.test_accuracy)


def in_plain_pytorch(job: Job, config: Config, dataset: Dataset, folder: Path) -> Outcome:
    """The baseline, on the same members."""
    split = draw_split(len(dataset.labels), config)
    target = split.target
    asked = balanced(
        target.members,
        target.non_members,
        dataset.labels,
        generator(job.seed, "attack", "balance", "target"),
    )
    file = folder / "job.npz"
    np.savez(
        file,
        images=dataset.features[:, 0],
        labels=dataset.labels,
        target_members=target.members,
        shadow_members=[np.asarray(shadow.members) for shadow in split.shadows],
        shadow_non_members=[np.asarray(shadow.non_members) for shadow in split.shadows],
        asked_members=asked.members,
        asked_non_members=asked.non_members,
    )
    words = [f"--{key.replace('_', '-')}={getattr(job, key)}" for key in PASSED]
    spent, said = took("job", None, [str(PLAIN), str(file), *words])
    return Outcome(spent, **json.loads(said))


PASSED = ("network", "batch_size", "epochs", "seed")
"""What of a job the baseline is told by its arguments."""


def measure(job: Job, backends: Sequence[str], given: argparse.Namespace) -> list[Outcome]:
    """Each way of doing ``job``, the baseline first."""
    dataset = load_dataset(given.data, data_dir=given.data_dir, progress=Silent())
    config = job.settings(given.data)
    with tempfile.TemporaryDirectory(prefix="mia-dual-bench-") as name:
        found = [in_plain_pytorch(job, config, dataset, Path(name))]
        found += [by_mia_dual(one, config, given.data_dir, Path(name)) for one in backends]
    for outcome in found:
        print(job, outcome, file=sys.stderr, flush=True)
    return found


def rows_of(ways: Sequence[Sequence[Outcome]], job: Job) -> Iterator[list[str]]:
    """A row of the table for each of ``ways``, which holds its outcomes, one a seed."""
    fastest = [min(one.took.wall for one in outcomes) for outcomes in ways]
    for seconds, outcomes in zip(fastest, ways):
        accuracies = zip(*((one.attack_accuracy, one.test_accuracy) for one in outcomes))
        yield [
            job.network,
            str(job.batch_size),
            outcomes[0].took.backend or "plain PyTorch",
            f"{seconds:.1f}",
            f"{min(one.took.computing or math.nan for one in outcomes):.1f}",
            f"{fastest[0] / seconds:.1f}",
            *(", ".join(f"{one:.3f}" for one in each) for each in accuracies),
        ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--network", action="append", help="repeatable; else convnet")
    parser.add_argument("--batch-size", action="append", type=int, help="repeatable; else 4")
    parser.add_argument("--backend", action="append", help="repeatable; else torch, mindspore")
    parser.add_argument("--data", default="fashion_mnist", help="of one channel, 28 x 28")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--shadows", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1, help="of each; the fastest counts")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    given = parser.parse_args()
    backends = given.backend or ["torch", "mindspore"]
    jobs = [
        Job(network, batch_size, given.members, given.epochs, given.shadows)
        for network in given.network or ["convnet"]
        for batch_size in given.batch_size or [4]
    ]
    rows, measured = [], []
    for job in jobs:
        found = [measure(replace(job, seed=seed), backends, given) for seed in range(given.seeds)]
        rows += rows_of(list(zip(*found)), job)
        measured += [
            {**asdict(job), "seed": seed, **asdict(outcome)}
            for seed, outcomes in enumerate(found)
            for outcome in outcomes
        ]
    telling = Telling(quiet=False, as_json=given.json, as_markdown=True)
    telling.table(COLUMNS, rows, texts=3)
    telling.end(
        f"Seconds of whole processes, and of all cores; {given.epochs} epochs of {given.members:,} "
        f"members of {given.data}, {given.shadows} shadows.",
        lambda: {"machine": machine(), "measured": measured},
    )


if __name__ == "__main__":
    main()
