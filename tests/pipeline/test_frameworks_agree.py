"""A whole audit says the same on both frameworks: seeds part the results more than they do."""

import json
from pathlib import Path

import numpy as np
import pytest

from mia_dual.metrics.agreement import spearman

QUICK = Path(__file__).parents[2] / "configs" / "quick.yaml"


def test_quick_runs_part_less_by_framework_than_by_seed(cli, tmp_path):
    found = {}
    for backend, seeds in (("torch", (0, 1, 2)), ("mindspore", (0, 1))):
        for seed in seeds:
            done = cli(
                "run", "-c", QUICK, "--backend", backend, "--seed", seed, "--out", "run",
                "--set", "shadows.count=4", "--set", "deletion.ratios=[]",
                "--set", "attack={families: [shadow], models: [logistic_regression]}",
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
        # Two seeds lie close together now and then.
        spread = np.ptp([found["torch", seed][figure] for seed in (0, 1, 2)])
        for seed in (0, 1):
            gap = found["torch", seed][figure] - found["mindspore", seed][figure]
            assert abs(gap) <= spread, figure


def test_attacks_that_ask_and_train_more_score_alike_on_both(cli, small_config, tmp_path):
    """Targets and references in and out, altered copies, gradients, students and a cascade."""
    families = "lira,rmia,base,label_only,gradients,quantile,trajectory,imitative,cascade"
    scores = {}
    for backend in ("torch", "mindspore"):
        done = cli(
            "run", "-c", small_config, "--backend", backend, "--out", backend,
            "--set", "targets=2", "--set", "shadows={count: 4, design: in_and_out}",
            "--set", f"attack={{families: [{families}]}}", "--set", "attack.imitative.count=2",
            "--set", "attack.cascade={rounds: 1, count: 2}",
            "--set", "attack.trajectory={epochs: 2, auxiliary: 100}",
            "--set", "target.epochs=10", "--set", "deletion={ratios: []}",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        results = json.loads((tmp_path / backend / "results.json").read_text())
        assert results["not_run"] == {}
        assert results["targets"] == 2
        scores[backend] = np.load(tmp_path / backend / "scores.npz")
    for attack in results["attacks"]:
        for ours, theirs in zip(scores["torch"][attack], scores["mindspore"][attack]):
            # Shares and places step, and many records have equal ones.
            assert spearman(ours, theirs) > 0.98, attack


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
        "--set", "shadows.count=2", "--set", "target.epochs=10", "--set", "deletion.ratios=[0.05]",
        "--set", "attack={families: [thresholds, shadow], models: [logistic_regression]}",
        "--set", "deletion.fitted_on=single",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["target"]["test_accuracy"] > 0.7
    full, grouped = results["deletion"]
    assert full["deleted"] == grouped["deleted"] == 50
    # The deleted records lie in one group of ten: nine models are left as they are.
    assert grouped["groups_retrained"] == 1
    assert grouped["steps"] * 5 < full["steps"]
