"""The tutorial's job, in plain PyTorch and by mia-dual, in one run on the same records.

ConvNet on a 28 x 28 set, batch 4, SGD .001 with momentum .9: a target and ten shadow models, one
attack model a class. ``--epochs`` of the tutorial's 10 and ``--members`` of its 10,000 say which
fraction is measured; mia-dual is also run with further seeds, to show how far accuracies spread.

    python benchmarks/tutorial.py --epochs 1
    python benchmarks/tutorial.py --members 1000 --epochs 10 --seeds 5
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import plain_pytorch

from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.data.load import load_dataset
from mia_dual.engine import Engine
from mia_dual.plan.splits import balanced, draw_split
from mia_dual.progress import Silent
from mia_dual.seeds import generator
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.run import run_audit


def settings(backend: str, arguments: argparse.Namespace, seed: int) -> Config:
    """The tutorial's job without a deletion, as mia-dual's config."""
    members = arguments.members
    return Config.model_validate(
        {
            "backend": backend,
            "device": "cpu",
            "seed": seed,
            "data": {"name": arguments.data},
            "split": {
                "target_members": members,
                "target_non_members": max(members // 20, 200),
                "shadow_members": members,
                "shadow_non_members": members * 3 // 10,
            },
            "target": {
                "network": "convnet",
                "epochs": arguments.epochs,
                "batch_size": 4,
                "learning_rate": 0.001,
            },
            "shadows": {"count": arguments.shadows},
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


def by_mia_dual(
    backend: str, dataset: Dataset, arguments: argparse.Namespace, seed: int
) -> tuple[float, float]:
    """(seconds, attack accuracy) of the audit, importing the framework not counted."""
    config = settings(backend, arguments, seed)
    engine = Engine(backend, "cpu")
    assert engine.environment
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        with RunFolder(folder / "run", config, Store(folder / "store")) as run:
            results = run_audit(config, engine, dataset, run, Silent())
        seconds = time.perf_counter() - started
        events = map(json.loads, (folder / "run" / "log.jsonl").read_text().splitlines())
        asking = sum(event["seconds"] for event in events if event["event"] == "ask")
        print(f"  {asking:.1f} of {seconds:.1f} s were questions")
        return seconds, results.attacks["shadow_fcnet"].accuracy


def in_plain_pytorch(
    dataset: Dataset, arguments: argparse.Namespace, seed: int
) -> tuple[float, float]:
    """(seconds, attack accuracy) of the baseline."""
    config = settings("torch", arguments, seed)
    split = draw_split(len(dataset.labels), config)
    truth = balanced(
        split.target.members,
        split.target.non_members,
        dataset.labels,
        generator(seed, "attack", "balance", "target"),
    )
    outcome = plain_pytorch.run(
        dataset.features[:, 0],
        dataset.labels,
        split.target,
        split.shadows,
        truth,
        arguments.epochs,
        seed,
    )
    return outcome.seconds, outcome.attack_accuracy


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--shadows", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1, help="of each; the first is timed")
    parser.add_argument("--backend", nargs="*", default=["torch", "mindspore"])
    arguments = parser.parse_args()

    dataset = load_dataset(arguments.data, data_dir=arguments.data_dir, progress=Silent())
    share = arguments.epochs * arguments.members / 100_000
    print(f"{share:.0%} of the tutorial's steps on {arguments.data}, {arguments.shadows} shadows")
    ways = {
        "plain PyTorch": lambda seed: in_plain_pytorch(dataset, arguments, seed),
        **{
            f"mia-dual, {name}": lambda seed, name=name: by_mia_dual(name, dataset, arguments, seed)
            for name in arguments.backend
        },
    }
    slowest = None
    for title, way in ways.items():
        found = [way(seed) for seed in range(arguments.seeds)]
        seconds = min(taken for taken, _ in found)
        slowest = slowest or seconds
        accuracies = " ".join(f"{accuracy:.3f}" for _, accuracy in found)
        print(
            f"{title:20s} {seconds:8.1f} s, {slowest / seconds:5.1f} times as fast; "
            f"attack accuracy {accuracies}",
            flush=True,
        )


if __name__ == "__main__":
    main()
