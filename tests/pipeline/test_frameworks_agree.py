"""A whole audit says the same on both frameworks: seeds part the results more than they do."""

import json
from pathlib import Path

import pytest

QUICK = Path(__file__).parents[2] / "configs" / "quick.yaml"


def test_quick_runs_part_less_by_framework_than_by_seed(cli, tmp_path):
    found = {}
    for backend in ("torch", "mindspore"):
        for seed in (0, 1):
            done = cli(
                "run", "-c", QUICK, "--backend", backend, "--seed", seed, "--out", "run",
                "--set", "shadows.count=4", "--set", "attack.models=[logistic_regression]",
                "--set", "deletion.ratios=[]",
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            results = json.loads((tmp_path / "run" / "results.json").read_text())
            found[backend, seed] = {
                "digest": results["data"]["digest"],
                "accuracy": results["target"]["test_accuracy"],
                "AUC": results["attacks"]["shadow_logistic_regression"]["auc"],
            }
            (tmp_path / "run").rename(tmp_path / f"{backend}-{seed}")
    assert len({result["digest"] for result in found.values()}) == 1
    for figure in ("accuracy", "AUC"):
        spread = max(
            abs(found[backend, 0][figure] - found[backend, 1][figure])
            for backend in ("torch", "mindspore")
        )
        for seed in (0, 1):
            gap = found["torch", seed][figure] - found["mindspore", seed][figure]
            assert abs(gap) <= spread, figure


@pytest.mark.parametrize(
    "config",
    sorted(file for file in QUICK.parent.rglob("*.yaml") if file.parent.name != "studies"),
    ids=lambda file: file.stem,
)
def test_every_config_that_comes_along_is_valid(config):
    from mia_dual.config import load_config

    settings = load_config(config)
    assert settings.split.target_members > 0


@pytest.mark.parametrize("backend", ["torch", "mindspore"])
def test_fashion_mnist_is_audited(cli, fashion_mnist, tmp_path, backend):
    """The real set from its usual place, with the config's own settings but for the size."""
    done = cli(
        "run", "-c", QUICK.parent / "fashion_mnist.yaml", "--backend", backend, "--out", "run",
        "--set", "shadows.count=2", "--set", "target.epochs=15", "--set", "deletion.ratios=[0.05]",
        "--set", "attack.models=[logistic_regression]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["target"]["test_accuracy"] > 0.7
    full, grouped = results["deletion"]
    assert full["deleted"] == grouped["deleted"] == 50
    # The deleted records lie in one group of ten: nine models are left as they are.
    assert grouped["groups_retrained"] == 1
    assert grouped["steps"] * 5 < full["steps"]
