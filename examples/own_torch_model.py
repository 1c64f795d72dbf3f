"""Audit a PyTorch model that you trained yourself.

    python examples/own_torch_model.py

It needs three things: a function that builds the network, the trained weights (safetensors), and
an .npz file with the records as the network sees them, their labels, and who was a member. The
target is taken as it is; shadows, and what is retrained after a deletion, are trained here.
"""

import argparse
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from sklearn.datasets import load_digits
from torch import nn

import mia_dual


def small_net(input_shape, classes):
    """Your network: made from the shape of one record and the number of classes."""
    channels, height, width = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * height * width, classes),
    )


def train(x, y, epochs):
    """Your training, in whatever way you do it."""
    torch.manual_seed(0)
    net = small_net(x.shape[1:], 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
    return net


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("runs/own-torch-model"))
    options.add_argument("--quick", action="store_true", help="a few seconds, and rough figures")
    chosen = options.parse_args()
    epochs, shadows = (5, 2) if chosen.quick else (30, 6)

    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    member = np.random.default_rng(0).permutation(len(x)) < 300
    net = train(torch.from_numpy(x[member]), torch.from_numpy(y[member]), epochs)

    chosen.out.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(net.state_dict(), chosen.out / "net.safetensors")
    np.savez(chosen.out / "digits.npz", x=x, y=y, member=member)

    results = mia_dual.audit(
        {
            "backend": "torch",
            "data": {"name": "npz", "file": str(chosen.out / "digits.npz")},
            "split": {
                "target_members": 300,
                "target_non_members": 400,
                "shadow_members": 300,
            },
            # The settings beside the weights train shadows: say how you trained, or about so.
            "target": {
                "network": "own_torch_model:small_net",
                "weights": str(chosen.out / "net.safetensors"),
                "epochs": epochs,
                "batch_size": 20,
                "learning_rate": 0.05,
            },
            "shadows": {"count": shadows},
            "attack": {"models": ["fcnet", "logistic_regression"]},
            "deletion": {"ratios": [0.1], "methods": ["full"]},
        },
        out=chosen.out / "audit",
    )
    print(
        f"accuracy {results.target.train_accuracy:.3f} on members, "
        f"{results.target.test_accuracy:.3f} on non-members"
    )
    for name, attack in results.attacks.items():
        low, high = attack.auc_interval
        print(f"{name}: AUC {attack.auc:.3f} (95 %: {low:.3f} to {high:.3f})")
    for deletion in results.deletion:
        for name, attack in deletion.attacks.items():
            change = attack.deleted
            print(
                f"{name} on the {deletion.deleted} records deleted: AUC {change.before.auc:.3f} "
                f"before, {change.after.auc:.3f} after"
            )


if __name__ == "__main__":
    main()
