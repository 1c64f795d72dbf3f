"""What a backend must do for an audit: NumPy arrays in, NumPy arrays out, many models a call.

The rules a backend keeps, all of them checked by :mod:`mia_dual.testing`:

* Its ``capabilities`` say which of the rules on steps, states and weights it keeps; the rest holds
  for all. Without ``STEPS`` a model is fitted on ``TrainingJob.rows`` at once, whatever the
  batches and rates, its last state is the only one given, and targets and masks are refused.
  Without ``WEIGHTS`` a model's arrays are the backend's own affair; it starts from what ``fresh``
  gives, maybe nothing.
* It draws nothing at random but what a user's network draws itself (dropout), and that from the
  job's own stream. Initial weights, batch order and learning rates come with the job.
* Weights cross under canonical names: the dotted path of the layer, then ``weight``, ``bias``,
  ``running_mean`` or ``running_var`` (what ``state_dict`` of an equal PyTorch module says), so
  that weights written by one backend load in every other. Trained parameters are float32.
* A model depends on its job alone, bit for bit: not on the jobs beside it, how many are trained
  together, on how many workers, in which order, or whether it was trained in one go or went on
  from a kept state. Only ``Execution.together`` may move its rounding, and ``environment`` says
  so. The same goes for what a model answers.
* Models are queried in evaluation mode, always.
* Its module imports its framework; nothing else in the process has to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Callable, Optional, Protocol, Union

import numpy as np

from mia_dual.execution import DEFAULT, Execution

Weights = Mapping[str, np.ndarray]
"""A model: canonical name -> array of everything it holds. Trained parameters and running
statistics are float32; what a user's network holds besides keeps its own type.
"""

ReportSteps = Callable[[int], None]
"""Called now and then while training, with the model-steps done since the call before."""

NO_RECORD = -1
"""Fills a batch row's end where an epoch's last batch is smaller than the others."""


class Capability(Enum):
    """What a backend can do beyond training models and asking them; the value says what it is."""

    STEPS = "trains step by step, as a job's batches say, and goes on from kept states"
    WEIGHTS = "its models are arrays under canonical names, drawn by us, that other backends load"
    GRADIENTS = "it says how large the gradient of a model's loss on each record is"


Option = Union[bool, int, float, str, None]
"""The value of a setting of a network."""


@dataclass(frozen=True)
class NetworkSpec:
    """Which network to build.

    ``name`` is ``fcnet``, ``convnet``, ``lenet5``, ``resnet18``, or a user's
    ``package.module:factory``, a callable of (input_shape, classes) that returns the framework's
    own module, or another name that the backend knows. ``input_shape`` is (channels, height,
    width) or (features,); ``hidden`` is the width of FCNet's hidden layer and means nothing
    elsewhere; ``options`` are settings of a backend's own networks, sorted by name.
    """

    name: str
    input_shape: tuple[int, ...]
    classes: int
    hidden: int = 50
    options: tuple[tuple[str, Option], ...] = ()


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

    ``features``: ``(records, *input_shape)``, uint8 or float32. ``labels``: (records,) int64.
    """

    features: np.ndarray
    labels: np.ndarray
    scale: float = 1.0
    shift: float = 0.0

    def __len__(self) -> int:
        return len(self.labels)

    def inputs(self, rows: np.ndarray) -> np.ndarray:
        """The float32 network inputs of ``rows``, shape ``(rows, *input_shape)``."""
        features = self.features[rows].astype(np.float32)
        if self.scale != 1.0 or self.shift != 0.0:
            features *= np.float32(self.scale)
            features += np.float32(self.shift)
        return features

    def take(self, rows: np.ndarray) -> Records:
        """The records at ``rows``, in that order."""
        return Records(self.features[rows], self.labels[rows], self.scale, self.shift)


@dataclass(frozen=True)
class State:
    """Where a training stands, so that it can go on as if it had never stopped.

    ``moments``: the optimizer's averages of each trained parameter, under ``first/<name>``
    (momentum of ``sgd``, mean of ``adam``) and ``second/<name>`` (mean square of ``adam``); zeros
    where absent. ``steps``: steps taken since the moments were zero.
    """

    weights: Weights
    moments: Mapping[str, np.ndarray] = field(default_factory=dict)
    steps: int = 0


@dataclass(frozen=True)
class Targets:
    """What a model is to answer about some records, in place of their labels.

    ``rows``: (n,) int64 record indices, ascending, each once. ``distributions``: (n, classes)
    float32, of those records in their order; a row holds a probability a class and sums to 1. It
    may be a view or a file's memory, which nobody writes to.
    """

    rows: np.ndarray
    distributions: np.ndarray


@dataclass(frozen=True)
class TrainingJob:
    """One segment of one model's training: from a state, by steps, to a state.

    ``batches``: (steps, batch size) int64 record indices, a row a step, a short batch's row ended
    with ``NO_RECORD``. ``learning_rates``: (steps,) float64. ``shares``: (steps, batch size)
    float32, what each record weighs in the step's loss, which is the sum of shares x cross
    entropy; 0 where there is no record, and of either sign elsewhere. None: 1 / the batch's
    records, that is, their mean. ``targets``: distributions t that some records are to be
    answered with, whose cross entropy is -sum over classes of t x log softmax of the logits; a
    record that is not among them has its label. None: all have. ``mask``: canonical name of a
    trained parameter -> bool array of its shape, False where a value is not to be trained (as
    SalUn has it for weights that are not salient: Fan et al. 2024, arXiv 2310.12508);
    a name that is absent is trained whole. None: all are. ``keep``: after which steps of
    this job (counted from 1, ascending) the state is given as well as after the last. ``stream``
    seeds what the network draws itself while training: a step's draws depend on it and on the
    steps taken before (``start.steps`` included), and on nothing else. ``rows``: the records of
    the whole training, sorted, for a backend that does not train step by step.

    The gradient, weight decay included, is multiplied by the mask (1 for True) before the
    optimizer takes it. So a value that is masked out and whose moments are zeros keeps its bits,
    and they theirs; moments that are not zeros still move their value. In the first step every
    other value moves bit for bit as without the mask; in later ones its gradient is that of a
    model whose masked-out values stand still. A mask that is True everywhere moves no bit. Running
    statistics are not trained and not masked: they follow the data as always.
    """

    name: str
    start: State
    batches: np.ndarray
    learning_rates: np.ndarray
    shares: Optional[np.ndarray] = None
    targets: Optional[Targets] = None
    mask: Optional[Mapping[str, np.ndarray]] = None
    keep: tuple[int, ...] = ()
    stream: int = 0
    rows: Optional[np.ndarray] = None


@dataclass(frozen=True)
class KeptState:
    """The state of job ``name`` after ``step`` of its steps, and its share of the seconds so far.

    ``step`` is one of the job's ``keep``, or its last, which finishes it.
    """

    name: str
    step: int
    state: State
    seconds: float


@dataclass(frozen=True)
class GradientNorms:
    """How far each record pulls at each trained parameter of each model.

    ``norms``: (models, rows, parameters) float64, the L2 norms of the gradient of the cross
    entropy at the record's own label; ``parameters``: the canonical names of the last axis,
    sorted. The norm of several parameters' gradient is the root of the sum of their squares.
    """

    parameters: tuple[str, ...]
    norms: np.ndarray


class Backend(Protocol):
    """A framework at work on one kind of device. Made by ``Backend(device, execution)``, device one
    of ``auto``, ``cpu``, ``cuda``, ``cuda:1`` (the GPU of that number), ``ascend``; raises
    BackendError where that device is not to be had.
    """

    name: str
    capabilities: frozenset[Capability]
    networks: tuple[str, ...]
    """The networks it trains by name, factories aside: what it is tried on."""

    def __init__(self, device: str, execution: Execution = DEFAULT) -> None: ...

    @staticmethod
    def devices() -> list[str]:
        """The devices that work on this machine, the one ``auto`` takes first."""
        ...

    def environment(self) -> dict[str, str]:
        """What results may depend on: ``framework``, ``version``, ``device``, ``together`` (the
        execution's), and the like.
        """
        ...

    def fresh(self, spec: NetworkSpec, seed: int) -> dict[str, np.ndarray]:
        """What a new model of ``spec`` holds as the framework builds it: canonical name -> array.

        ``seed`` seeds whatever the framework draws while it builds. Raises NetworkError for a
        network that is unknown, cannot be built, or does not fit ``spec.input_shape``.
        """
        ...

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[KeptState]:
        """Train every job, giving each state to keep as soon as it is reached.

        Without ``Capability.STEPS`` that is a job's last alone.

        States of one job come in their order, those of several in any. Raises DivergedError when
        a model's loss is no longer finite, NetworkError for weights or masks that do not fit
        ``spec``, and BackendError for targets or masks where there is no ``Capability.STEPS``.
        """
        ...

    def logits(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> np.ndarray:
        """What each model says of its own rows of ``records``, in evaluation mode.

        A kind of model that gives probabilities answers with their logarithms, finite.

        ``rows``: (models, rows) int64 record indices, filled with ``NO_RECORD`` where a model is
        asked about fewer. Returns float32 of shape (models, rows, classes), softmax not yet
        applied, and zeros where no record is asked about.
        """
        ...

    def gradient_norms(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> GradientNorms:
        """The gradients of each model's loss on each of its own rows, in evaluation mode.

        Called where ``Capability.GRADIENTS`` is declared; others need no such method. ``rows`` are
        as those of :meth:`logits`, and a model's bits as much its own. Zeros where no record is
        asked about. A record that is fitted nearly perfectly has norms of full precision: see
        :mod:`mia_dual.gradients`. Raises NetworkError for weights that do not fit ``spec`` and a
        network that cannot be differentiated.
        """
        ...
