"""What a backend must do for an audit: NumPy arrays in, NumPy arrays out, many models a call.

The rules a backend keeps, all of them checked by :mod:`mia_dual.testing`:

* It draws nothing at random. Initial weights, batch order and learning rates come with the job.
* Weights cross as float32 arrays under canonical names: the dotted path of the layer, then
  ``weight``, ``bias``, ``running_mean`` or ``running_var`` (what ``state_dict`` of an equal
  PyTorch module says), so that weights written by one backend load in every other.
* Jobs of one call may be trained together or one by one; their results must not depend on which.
* Models are queried in evaluation mode, always.
* Its module imports its framework; nothing else in the process has to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Protocol, runtime_checkable

import numpy as np

from mia_dual.execution import DEFAULT, Execution

Weights = Mapping[str, np.ndarray]
"""A model: canonical parameter name -> float32 array; trained parameters and statistics alike."""

ReportSteps = Callable[[int], None]
"""Called now and then while training, with the model-steps done since the call before."""

NO_RECORD = -1
"""Fills a batch row's end where an epoch's last batch is smaller than the others."""


@dataclass(frozen=True)
class NetworkSpec:
    """Which network to build.

    ``name`` is ``fcnet``, ``convnet``, ``lenet5``, ``resnet18``, or a user's
    ``package.module:factory``, a callable of (input_shape, classes) that returns the framework's
    own module. ``input_shape`` is (channels, height, width) or (features,); ``hidden`` is the
    width of FCNet's hidden layer and means nothing elsewhere.
    """

    name: str
    input_shape: tuple[int, ...]
    classes: int
    hidden: int = 50


@dataclass(frozen=True)
class Optimizer:
    """How weights are updated; the learning rate of every step comes with the job.

    ``sgd``: v <- momentum v + g, w <- w - rate v. ``adam``: betas .9 and .999, epsilon 1e-8.
    ``weight_decay`` adds weight_decay x w to the gradient of *every* trained parameter, biases
    and normalisation included.
    """

    name: str
    momentum: float = 0.9
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Records:
    """Labelled records as a network sees them: input = features x scale + shift, in float32.

    ``features``: (records, *input_shape), uint8 or float32. ``labels``: (records,) int64.
    """

    features: np.ndarray
    labels: np.ndarray
    scale: float = 1.0
    shift: float = 0.0

    def __len__(self) -> int:
        return len(self.labels)

    def inputs(self, rows: np.ndarray) -> np.ndarray:
        """The float32 network inputs of ``rows``, shape (rows, *input_shape)."""
        features = self.features[rows].astype(np.float32)
        if self.scale != 1.0 or self.shift != 0.0:
            features *= np.float32(self.scale)
            features += np.float32(self.shift)
        return features

    def take(self, rows: np.ndarray) -> Records:
        """The records at ``rows``, in that order."""
        return Records(self.features[rows], self.labels[rows], self.scale, self.shift)


@dataclass(frozen=True)
class TrainingJob:
    """One model to train.

    ``weights``: what it starts from. ``batches``: (steps, batch size) int64 record indices, a row
    a step, a short batch's row ended with ``NO_RECORD``; the loss of a step is the mean cross
    entropy over its real records. ``learning_rates``: (steps,) float64.
    """

    name: str
    weights: Weights
    batches: np.ndarray
    learning_rates: np.ndarray


@dataclass(frozen=True)
class TrainedModel:
    """A finished job: its name, the weights after its last step, and its share of the seconds."""

    name: str
    weights: dict[str, np.ndarray]
    seconds: float


class Backend(Protocol):
    """A framework at work on one device. Made by ``Backend(device, execution)``, device one of
    ``auto``, ``cpu``, ``cuda``, ``ascend``; raises BackendError where that device is not to be
    had.
    """

    name: str

    def __init__(self, device: str, execution: Execution = DEFAULT) -> None: ...

    @staticmethod
    def devices() -> list[str]:
        """The devices that work on this machine, the one ``auto`` takes first."""
        ...

    def environment(self) -> dict[str, str]:
        """What results may depend on: ``framework``, ``version``, ``device``, and the like."""
        ...

    def parameter_shapes(self, spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape of everything that makes up a model of ``spec``.

        Raises NetworkError for a network that is unknown or does not fit ``spec.input_shape``.
        """
        ...

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[TrainedModel]:
        """Train every job, giving each model as soon as it is finished, in any order.

        Raises DivergedError when a model's loss is no longer finite, NetworkError for weights
        that do not fit ``spec``.
        """
        ...

    def logits(self, spec: NetworkSpec, models: Sequence[Weights], records: Records) -> np.ndarray:
        """What each model says of each record, in evaluation mode.

        Returns float32 of shape (models, records, classes), softmax not yet applied.
        """
        ...


@dataclass(frozen=True)
class ImageSet:
    """A data set as a reader gives it: uint8 pixels and integer labels, in the files' order.

    ``images``: (records, channels, height, width) uint8, the training part first, then the test
    part. ``labels``: (records,) int64. ``training``: how many records the training part has.
    """

    images: np.ndarray
    labels: np.ndarray
    training: int


@runtime_checkable
class DatasetReader(Protocol):
    """A backend whose framework ships loaders for the published data sets (optional).

    ``dataset_form`` is ``python`` or ``binary``: which of CIFAR's published forms it reads.
    """

    dataset_form: str

    def read_dataset(self, name: str, folder: Path) -> ImageSet:
        """Read data set ``name`` from ``folder``, laid out as :mod:`mia_dual.data.catalog` says.

        Raises DataError when the files are not what the framework's reader expects.
        """
        ...
