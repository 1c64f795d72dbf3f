"""Audit a MindSpore network of your own.

    python examples/own_mindspore_model.py

It needs a function that builds the network, and says the rest in a config. Target and shadows are
trained here; examples/own_torch_model.py shows how a target is taken that was trained already.
"""

import argparse
from pathlib import Path

import mia_dual


def small_net(input_shape, classes):
    """Your network: made from the shape of one record and the number of classes."""
    # MindSpore is imported by the backend, which sets it up first.
    from mindspore import nn

    channels, height, width = input_shape
    return nn.SequentialCell(
        nn.Conv2d(channels, 8, 3, pad_mode="pad", padding=1, has_bias=True),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dense(8 * height * width, classes),
    )


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("runs/own-mindspore-model"))
    options.add_argument("--quick", action="store_true", help="a few seconds, and rough figures")
    chosen = options.parse_args()
    epochs, shadows = (5, 2) if chosen.quick else (30, 5)

    results = mia_dual.audit(
        {
            "backend": "mindspore",
            "data": {"name": "digits"},
            "split": {
                "target_members": 300,
                "target_non_members": 400,
                "shadow_members": 300,
            },
            "target": {
                "network": "own_mindspore_model:small_net",
                "epochs": epochs,
                "batch_size": 20,
                "learning_rate": 0.05,
            },
            "shadows": {"count": shadows},
            "attack": {"models": ["logistic_regression"]},
            "deletion": {"ratios": [0.1], "methods": ["full"]},
        },
        out=chosen.out,
    )
    print(
        f"accuracy {results.target.train_accuracy:.3f} on members, "
        f"{results.target.test_accuracy:.3f} on non-members"
    )
    for name, attack in results.attacks.items():
        low, high = attack.auc_interval
        print(f"{name}: AUC {attack.auc:.3f} (95 %: {low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
