"""Audit a model by what it said, with neither the model nor a framework at hand.

    python examples/saved_outputs.py

The outputs here are those of scikit-learn's forests; yours may come from anywhere. One forest is
the target. The others are references: forests grown in the same way on other draws of the data,
of which an attacker knows who was in and who was not.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import mia_dual


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("runs/saved-outputs"))
    options.add_argument("--quick", action="store_true", help="a few seconds, and rough figures")
    chosen = options.parse_args()
    models, trees = (4, 10) if chosen.quick else (17, 50)

    digits = load_digits()
    rng = np.random.default_rng(0)
    inside = rng.random((models, len(digits.target))) < 0.5
    said = [
        RandomForestClassifier(trees, random_state=number)
        .fit(digits.data[rows], digits.target[rows])
        .predict_proba(digits.data)
        for number, rows in enumerate(inside)
    ]

    chosen.out.mkdir(parents=True, exist_ok=True)
    file = chosen.out / "forests.npz"
    np.savez(
        file,
        target_confidences=said[0],
        labels=digits.target,
        membership=inside[0],
        reference_confidences=np.stack(said[1:]),
        reference_membership=inside[1:],
    )

    # In a shell: mia-dual attack --outputs forests.npz
    results = mia_dual.attack(file, out=chosen.out / "audit")
    for name, attack in results.attacks.items():
        low, high = attack.auc_interval
        print(f"{name}: AUC {attack.auc:.3f} (95 %: {low:.3f} to {high:.3f})")
    for name, lack in results.not_run.items():
        print(f"{name} did not run: it needs {lack}")


if __name__ == "__main__":
    main()
