"""The gradient norms of models by record: a model after another, in evaluation mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from mia_dual.gradients import loss_errors
from mia_dual.interface import NO_RECORD, GradientNorms, NetworkSpec, Records, Weights
from mia_dual_mindspore.networks import build
from mia_dual_mindspore.same_shapes import always_alike
from mia_dual_mindspore.stacked.places import Places
from mia_dual_mindspore.weights import load, trained_parameters

COPIES = 32
"""Places of a stack that all hold the same model, for a record each."""

LEAST = float(np.finfo(np.float32).min)


class Pulled(nn.Cell):
    """What has the direction of the logits' error as its gradient: see :mod:`mia_dual.gradients`.

    ``truth`` is one-hot (records, classes), however the network's logits are shaped.
    """

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.softmax = nn.Softmax()

    def construct(self, inputs: Tensor, truth: Tensor) -> tuple:
        """(a number, the logits (records, classes))."""
        logits = self.network(inputs).reshape(truth.shape)
        direction = ops.stop_gradient(self.softmax(logits * (1 - truth) + LEAST * truth) - truth)
        return (logits * direction).sum(), logits


class Squares(nn.Cell):
    """The squared norms of gradients; ``records``: how many of them a parameter's first axis
    keeps apart, 1 where it is the parameter itself.
    """

    def __init__(self, network: nn.Cell, parameters: Sequence[Parameter], records: int) -> None:
        super().__init__(auto_prefix=False)
        pulled = Pulled(network)
        self.differentiate = ms.value_and_grad(
            pulled, None, ms.ParameterTuple(parameters), has_aux=True
        )
        self.records = records

    def construct(self, inputs: Tensor, truth: Tensor) -> Any:
        """Logits (records, classes), and (parameters, records)."""
        (_, logits), gradients = self.differentiate(inputs, truth)
        squares = []
        for gradient in gradients:
            squares.append((gradient * gradient).reshape(self.records, -1).sum(1))
        return logits, ops.stack(squares)


class Holder(Protocol):
    """A network that holds one model."""

    network: nn.Cell
    parameters: dict[str, Parameter]
    records: int
    """How many it takes at a time, which its parameters' first axis keeps apart if not 1."""

    def put(self, weights: Weights) -> None:
        """Make ``weights`` the model."""
        ...

    def inputs(self, records: Records, rows: np.ndarray) -> Tensor:
        """What the network takes for ``rows`` (records,)."""
        ...


class Copies:
    """As many places of a stack as records, each with the same model: what a place's gradient
    is, is its record's. Twice as fast as a record after another.
    """

    records = COPIES

    def __init__(self, spec: NetworkSpec) -> None:
        self._places = Places(spec, COPIES, 1)
        self.network = self._places.network
        self.parameters = dict(zip(self._places.named(), self._places.parameters))

    def put(self, weights: Weights) -> None:
        """See :class:`Holder`."""
        for place in range(COPIES):
            self._places.put(place, weights)

    def inputs(self, records: Records, rows: np.ndarray) -> Tensor:
        """See :class:`Holder`."""
        return self._places.inputs(records, rows[:, None])


class Single:
    """The network's own cell, a record at a time: right for any."""

    records = 1

    def __init__(self, spec: NetworkSpec) -> None:
        self._spec = spec
        self.network = build(spec)
        self.parameters = trained_parameters(self.network)

    def put(self, weights: Weights) -> None:
        """See :class:`Holder`."""
        load(self.network, weights, self._spec)

    def inputs(self, records: Records, rows: np.ndarray) -> Tensor:
        """See :class:`Holder`."""
        return Tensor(records.inputs(rows))


class Slopes:
    """A network of ``spec`` that never trains and its gradients, compiled once for all models of
    the spec; ``together``: many records at a time.
    """

    def __init__(self, spec: NetworkSpec, together: bool) -> None:
        self._spec = spec
        self._holder: Holder = Copies(spec) if together else Single(spec)
        squares = Squares(
            self._holder.network, list(self._holder.parameters.values()), self._holder.records
        )
        self._squares = always_alike(squares.set_train(False))
        names = list(self._holder.parameters)
        self._order = sorted(range(len(names)), key=names.__getitem__)
        self.names = tuple(names[place] for place in self._order)
        self._identity = np.eye(spec.classes, dtype=np.float32)

    def norms(self, models: Sequence[Weights], records: Records, rows: np.ndarray) -> GradientNorms:
        """See :meth:`mia_dual.interface.Backend.gradient_norms`."""
        norms = np.zeros((*rows.shape, len(self.names)))
        size = self._holder.records
        for weights, asked, found in zip(models, rows, norms):
            self._holder.put(weights)
            (places,) = np.nonzero(asked != NO_RECORD)
            for start in range(0, len(places), size):
                part = places[start : start + size]
                # Another shape would compile again.
                filled = np.resize(asked[part], size)
                labels = records.labels[filled]
                logits, squares = self._squares(
                    self._holder.inputs(records, filled), Tensor.from_numpy(self._identity[labels])
                )
                errors = loss_errors(logits.asnumpy(), labels)
                each = np.sqrt(squares.asnumpy()[self._order].T.astype(np.float64))
                found[part] = (errors[:, None] * each)[: len(part)]
        return GradientNorms(self.names, norms)
