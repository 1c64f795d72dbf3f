"""The tutorial's job as anyone would write it in PyTorch: the baseline of benchmarks/tutorial.py.

A data set whose records pass PIL and transforms one by one, a DataLoader with two workers, a
model after another, an attack model after another. Nothing of mia-dual but the index sets, so
that both see the same members. Records and index sets come in a file:

    python benchmarks/plain_pytorch.py job.npz --network convnet --batch-size 4 --epochs 1
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
from torchvision import transforms


class Images(Dataset):
    """Grey images as torchvision's data sets give them."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


class FCNet(nn.Module):
    """One hidden layer: of 50 on 28 x 28 pixels, of 50 on ten confidences for attacks."""

    def __init__(self, dim_in: int = 28 * 28, dim_hidden: int = 50, dim_out: int = 10) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim_in, dim_hidden), nn.Linear(dim_hidden, dim_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (records, dim_out)."""
        return self.fc2(functional.relu(self.fc1(torch.flatten(x, 1))))


class ConvNet(nn.Module):
    """The tutorial's network on 28 x 28 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (records, 10)."""
        x = self.pool(functional.relu(self.conv1(x)))
        x = self.pool(functional.relu(self.conv2(x)))
        x = functional.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc3(functional.relu(self.fc2(x)))


class LeNet5(nn.Module):
    """With sigmoids and average pools, on 28 x 28 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.pool = nn.AvgPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv3 = nn.Conv2d(16, 120, 5)
        self.fc1, self.fc2 = nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (records, 10)."""
        x = self.pool(torch.sigmoid(self.conv1(x)))
        x = self.pool(torch.sigmoid(self.conv2(x)))
        return self.fc2(self.fc1(torch.flatten(self.conv3(x), 1)))


class Block(nn.Module):
    """A residual block; where the channels change, it halves the image."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.changes = channels_in != channels_out
        stride = 2 if self.changes else 1
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        if self.changes:
            self.shortcut_conv = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
            self.shortcut_bn = nn.BatchNorm2d(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (records, channels_out, height, width)."""
        shortcut = self.shortcut_bn(self.shortcut_conv(x)) if self.changes else x
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet18(nn.Module):
    """The tutorial's small one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 3, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.block1, self.block2 = Block(32, 64), Block(64, 128)
        self.block3, self.block4 = Block(128, 256), Block(256, 256)
        self.fc = nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (records, 10)."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.block4(self.block3(self.block2(self.block1(x))))
        return self.fc(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))


NETWORKS = {"fcnet": FCNet, "convnet": ConvNet, "lenet5": LeNet5, "resnet18": ResNet18}


def run(job: dict[str, np.ndarray], network: str, batch_size: int, epochs: int) -> dict[str, float]:
    """Train target, shadows and attack models, then attack the target; the accuracies.

    ``job``: ``images`` (records, 28, 28) uint8 and ``labels`` (records,); record indices
    ``target_members``, ``shadow_members`` and ``shadow_non_members`` (shadows, indices); and what
    the target is asked and attacked about, ``asked_members`` and ``asked_non_members``.
    """
    data = Images(job["images"], job["labels"])

    def trained(members: np.ndarray) -> nn.Module:
        return train_model(NETWORKS[network](), Subset(data, members.tolist()), batch_size, epochs)

    target = trained(job["target_members"])
    features, classes, membership = [], [], []
    for members, non_members in zip(job["shadow_members"], job["shadow_non_members"]):
        shadow = trained(members)
        for indices, member in ((members, 1), (non_members, 0)):
            outputs, labels = query(shadow, Subset(data, indices.tolist()))
            features.append(outputs)
            classes.append(labels)
            membership.append(torch.full((len(indices),), member))
    attacks = train_attacks(torch.cat(features), torch.cat(classes), torch.cat(membership))
    attacked, right = [], {}
    for name, member in (("asked_members", 1), ("asked_non_members", 0)):
        outputs, labels = query(target, Subset(data, job[name].tolist()))
        right[name] = (outputs.argmax(1) == labels).double().mean().item()
        for output, label in zip(outputs, labels):
            attacked.append(attacks[int(label)](output[None]).argmax() == member)
    return {
        "attack_accuracy": float(np.mean(attacked)),
        "train_accuracy": right["asked_members"],
        "test_accuracy": right["asked_non_members"],
    }


def train_model(model: nn.Module, data: Dataset, batch_size: int, epochs: int) -> nn.Module:
    """SGD .001, momentum .9."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(data, batch_size=batch_size, shuffle=True, num_workers=2)
    for _ in range(epochs):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
    return model


def query(model: nn.Module, data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Confidences (records, 10) and labels."""
    model.eval()
    found, labels = [], []
    with torch.no_grad():
        for inputs, batch_labels in DataLoader(data, batch_size=100, num_workers=2):
            found.append(torch.softmax(model(inputs), 1))
            labels.append(batch_labels)
    return torch.cat(found), torch.cat(labels)


def train_attacks(
    features: torch.Tensor, classes: torch.Tensor, membership: torch.Tensor
) -> list[FCNet]:
    """An attack model a class: Adam .001, batches of 50, five epochs, as many in as out."""
    attacks = []
    for label in range(10):
        inside = torch.nonzero((classes == label) & (membership == 1)).flatten()
        outside = torch.nonzero((classes == label) & (membership == 0)).flatten()
        count = min(len(inside), len(outside))
        rows = torch.cat([part[torch.randperm(len(part))[:count]] for part in (inside, outside)])
        loader = DataLoader(
            TensorDataset(features[rows], membership[rows]), batch_size=50, shuffle=True
        )
        model = FCNet(10, 50, 2)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
        for _ in range(5):
            for inputs, truth in loader:
                optimizer.zero_grad()
                functional.cross_entropy(model(inputs), truth).backward()
                optimizer.step()
        attacks.append(model)
    return attacks


def main() -> None:
    """Do the job, and print its accuracies as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("job")
    parser.add_argument("--network", choices=NETWORKS, default="convnet")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    job = dict(np.load(given.job))
    print(json.dumps(run(job, given.network, given.batch_size, given.epochs)))


if __name__ == "__main__":
    main()
