"""The tutorial's job as anyone would write it in PyTorch: the baseline of benchmarks/tutorial.py.

A data set whose records pass PIL and transforms one by one, a DataLoader with two workers, a
model after another, an attack model after another. Nothing of mia-dual but the index sets, so
that both see the same members.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
from torchvision import transforms

from mia_dual.plan.splits import Membership


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


class AttackNet(nn.Module):
    """One hidden layer of 50."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(10, 50), nn.Linear(50, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (records, 2): non-member, member."""
        return self.fc2(functional.relu(self.fc1(x)))


@dataclass(frozen=True)
class Outcome:
    """What the job took, and what the attack found."""

    seconds: float
    attack_accuracy: float


def run(
    images: np.ndarray,
    labels: np.ndarray,
    target: Membership,
    shadows: Sequence[Membership],
    truth: Membership,
    epochs: int,
    seed: int,
) -> Outcome:
    """Train target, shadows and attack models, then attack the records of ``truth``.

    ``images``: (records, 28, 28) uint8.
    """
    started = time.perf_counter()
    torch.manual_seed(seed)
    data = Images(images, labels)
    target_model = train_model(Subset(data, target.members.tolist()), epochs)
    features, classes, membership = [], [], []
    for shadow in shadows:
        model = train_model(Subset(data, shadow.members.tolist()), epochs)
        for indices, member in ((shadow.members, 1), (shadow.non_members, 0)):
            outputs, output_labels = query(model, Subset(data, indices.tolist()))
            features.append(outputs)
            classes.append(output_labels)
            membership.append(torch.full((len(indices),), member))
    attacks = train_attacks(torch.cat(features), torch.cat(classes), torch.cat(membership))
    right = total = 0
    for indices, member in ((truth.members, 1), (truth.non_members, 0)):
        outputs, output_labels = query(target_model, Subset(data, indices.tolist()))
        for output, label in zip(outputs, output_labels):
            right += int(attacks[int(label)](output).argmax() == member)
            total += 1
    return Outcome(time.perf_counter() - started, right / total)


def train_model(data: Dataset, epochs: int) -> ConvNet:
    """SGD .001, momentum .9, batches of four."""
    model = ConvNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(data, batch_size=4, shuffle=True, num_workers=2)
    for _ in range(epochs):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
    return model


def query(model: ConvNet, data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
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
) -> list[AttackNet]:
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
        model = AttackNet()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
        for _ in range(5):
            for inputs, truth in loader:
                optimizer.zero_grad()
                functional.cross_entropy(model(inputs), truth).backward()
                optimizer.step()
        attacks.append(model)
    return attacks
