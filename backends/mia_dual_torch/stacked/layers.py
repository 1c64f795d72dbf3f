"""Layers of many models at once, forward and backward written out.

Every tensor's first axis is the model. Maps are laid out (models, channels, height, width,
records), so that what a convolution and a pool move lies in runs of width x records floats;
vectors are (models, records, features). A layer owns its output and its gradients and writes them
again at each step: on a CPU, fresh memory for tensors of this size costs as much as the
arithmetic. Layers may change what they are given in place.

What is computed of a model has the same bits whatever models are beside it, and wherever it
stands among them: see :meth:`Workspace.zeros` and :func:`product_into`.

Ties and edges fall as PyTorch's own layers have them: a maximum's gradient goes to the first of
equals in row order, ReLU's gradient at 0 is 0.
"""

from __future__ import annotations

import math
from typing import Literal, Optional, Protocol

import torch
from torch import Tensor

ALIGNMENT = 32
"""Floats of two of the longest vectors, which is what a kernel takes at a time."""


_threshold_backward = torch.ops.aten.threshold_backward.grad_input
"""The error where the output is above a threshold, 0 elsewhere."""


class Workspace:
    """Hands out the tensors of ``models`` models that see ``records`` records a step.

    Where ``learning`` is false, only :meth:`Layer.forward` may be called, and what is needed for
    the way back takes no memory.
    """

    def __init__(
        self, models: int, records: int, device: torch.device, learning: bool = True
    ) -> None:
        self.models, self.records = models, records
        self._device = device
        self._learning = learning
        self.bytes = 0

    def zeros(self, *shape: int) -> Tensor:
        """(models, *shape) float32 of zeros; counted in ``bytes``.

        Each model's part begins at a multiple of ``ALIGNMENT`` floats. Products round otherwise
        where their matrices begin elsewhere, and sigmoids do in what is left at a tensor's end:
        so nothing is left, or as much of each model.
        """
        floats = -(-math.prod(shape) // ALIGNMENT) * ALIGNMENT
        made = torch.zeros(self.models, floats, device=self._device)
        self.bytes += made.numel() * made.element_size()
        steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        # And not as a view, of which a single model would not say where the next one began.
        return made.as_strided((self.models, *shape), (floats, *steps))

    def errors(self, *shape: int) -> Tensor:
        """(models, *shape) float32 of zeros, for the way back."""
        if self._learning:
            return self.zeros(*shape)
        return torch.zeros(self.models, *shape, device="meta")

    def maps(self, channels: int, height: int, width: int) -> Tensor:
        """(models, channels, height, width, records) float32."""
        return self.zeros(channels, height, width, self.records)

    def map_errors(self, channels: int, height: int, width: int) -> Tensor:
        """As :meth:`maps`, for the way back."""
        return self.errors(channels, height, width, self.records)

    def width(self, features: int) -> int:
        """How many numbers a vector of so many features takes: zeros fill it up.

        So that models' vectors, and matrices of two widths, follow each other without gaps: a
        product of matrices that have some between them is taken a model at a time.
        """
        step = max(8, ALIGNMENT // math.gcd(ALIGNMENT, self.records))
        return -(-features // step) * step

    def vectors(self, features: int) -> Tensor:
        """(models, records, width of features) float32."""
        return self.zeros(self.records, self.width(features))

    def vector_errors(self, features: int) -> Tensor:
        """As :meth:`vectors`, for the way back."""
        return self.errors(self.records, self.width(features))


class Parameter:
    """A stacked parameter and its gradient, both (models, *shape) float32.

    ``whole`` and ``whole_gradient``: the memory they are in, (models, *memory); zeros stand in
    what of it is not theirs.
    """

    def __init__(
        self, space: Workspace, *shape: int, memory: Optional[tuple[int, ...]] = None
    ) -> None:
        memory = memory or shape
        self.whole, self.whole_gradient = space.zeros(*memory), space.errors(*memory)
        inner = (slice(None), *map(slice, shape))
        self.value, self.gradient = self.whole[inner], self.whole_gradient[inner]


class Layer(Protocol):
    """A step of a network and its derivative."""

    parameters: dict[str, Parameter]

    def forward(self, given: Tensor) -> Tensor:
        """The layer's output."""
        ...

    def backward(self, error: Tensor) -> Optional[Tensor]:
        """Write the gradients of the parameters; return that of ``given``, None for a first
        layer, which has nobody to tell.
        """
        ...


class Convolution:
    """Stride 1, no bias: copies of shifted maps times the kernels, one product a model."""

    def __init__(
        self, space: Workspace, name: str, given: tuple[int, int, int], channels: int, kernel: int
    ) -> None:
        height, width = given[1] - kernel + 1, given[2] - kernel + 1
        self.shape = (channels, height, width)
        weight = Parameter(space, channels, given[0], kernel, kernel)
        self.parameters = {f"{name}.weight": weight}
        shifted = (given[0], kernel, kernel, height, width, space.records)
        self._shifted, shifted_error = space.zeros(*shifted), space.errors(*shifted)
        self._columns, self._columns_error = (
            each.flatten(4).flatten(1, 3) for each in (self._shifted, shifted_error)
        )
        self._kernels = weight.value.flatten(2)
        self._kernels_error = weight.gradient.flatten(2)
        self._out = space.maps(*self.shape)
        self._error = space.map_errors(*given)
        # Where each tap of the kernel looked, and what comes back from there.
        self._returns = [
            (
                self._error[:, :, row : row + height, column : column + width],
                shifted_error[:, :, row, column],
            )
            for row in range(kernel)
            for column in range(kernel)
        ]

    def forward(self, given: Tensor) -> Tensor:
        """(models, channels, height, width, records)."""
        model, channel, row, column, record = given.stride()
        self._shifted.copy_(
            given.as_strided(
                self._shifted.shape, (model, channel, row, column, row, column, record)
            )
        )
        product_into(self._out.flatten(2), self._kernels, self._columns)
        return self._out

    def backward(self, error: Tensor) -> Tensor:
        """The gradient of the maps given."""
        outputs = error.flatten(2)
        product_into(self._kernels_error, outputs, self._columns.transpose(1, 2))
        product_into(self._columns_error, self._kernels.transpose(1, 2), outputs)
        self._error.zero_()
        for place, part in self._returns:
            place.add_(part)
        return self._error


class Linear:
    """``error given^T`` and its like, one product a model; no bias."""

    def __init__(
        self,
        space: Workspace,
        name: str,
        features_in: int,
        features: int,
        first: bool = False,
        shape: Optional[tuple[int, ...]] = None,
    ) -> None:
        widths = (space.width(features), space.width(features_in))
        weight = Parameter(space, features, features_in, memory=widths)
        self._matrix, self._matrix_error = weight.whole, weight.whole_gradient
        if shape is not None:
            weight.value, weight.gradient = (
                each.unflatten(2, shape[1:]) for each in (weight.value, weight.gradient)
            )
        self.parameters = {f"{name}.weight": weight}
        self._out = space.vectors(features)
        self._error = None if first else space.vector_errors(features_in)
        self._given = self._out

    def forward(self, given: Tensor) -> Tensor:
        """(models, records, width of features)."""
        self._given = given
        return product_into(self._out, given, self._matrix.transpose(1, 2))

    def backward(self, error: Tensor) -> Optional[Tensor]:
        """The gradient of the vectors given."""
        product_into(self._matrix_error, error.transpose(1, 2), self._given)
        if self._error is None:
            return None
        return product_into(self._error, error, self._matrix)


class Bias:
    """Adds a number a channel (of maps, or of planes of maps) or a feature (of vectors)."""

    def __init__(
        self, space: Workspace, name: str, size: int, of: Literal["vectors", "maps", "planes"]
    ) -> None:
        bias = Parameter(space, size, memory=(space.width(size),) if of == "vectors" else None)
        self.parameters = {f"{name}.bias": bias}
        self._gradient = bias.whole_gradient
        self._behind, self._others = {
            "vectors": (2, (1,)),
            "maps": (2, (2,)),
            "planes": (3, (1, 3)),
        }[of]
        self._value = bias.whole
        for axis in self._others:
            self._value = self._value.unsqueeze(axis)

    def forward(self, given: Tensor) -> Tensor:
        """``given``, changed."""
        given.flatten(self._behind).add_(self._value)
        return given

    def backward(self, error: Tensor) -> Tensor:
        """``error`` as it is."""
        torch.sum(error.flatten(self._behind), self._others, out=self._gradient)
        return error


class Relu:
    """max(0, x)."""

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}

    def forward(self, given: Tensor) -> Tensor:
        """``given``, changed."""
        self._out = given.clamp_min_(0)
        return self._out

    def backward(self, error: Tensor) -> Tensor:
        """``error``, changed."""
        return where_on(error, self._out)


class Sigmoid:
    """1 / (1 + exp(-x))."""

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}

    def forward(self, given: Tensor) -> Tensor:
        """``given``, changed."""
        self._out = given.sigmoid_()
        return self._out

    def backward(self, error: Tensor) -> Tensor:
        """``error``, changed."""
        return error.addcmul_(error, self._out, value=-1).mul_(self._out)


class Flatten:
    """Maps to vectors, in the order of channels, rows, columns."""

    def __init__(self, space: Workspace, given: tuple[int, int, int]) -> None:
        self.parameters: dict[str, Parameter] = {}
        self._features = math.prod(given)
        self._vectors = space.vectors(self._features)
        self._maps = space.map_errors(*given)

    def forward(self, given: Tensor) -> Tensor:
        """(models, records, width of channels x height x width)."""
        self._vectors[:, :, : self._features].copy_(given.flatten(1, 3).transpose(1, 2))
        return self._vectors

    def backward(self, error: Tensor) -> Tensor:
        """The gradient of the maps given."""
        self._maps.flatten(1, 3).copy_(error[:, :, : self._features].transpose(1, 2))
        return self._maps


def where_on(error: Tensor, out: Tensor) -> Tensor:
    """``error`` where ReLU's output is above 0, else 0; in place."""
    found: Tensor = _threshold_backward(error, out, 0, grad_input=error)
    return found


def product_into(out: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Write ``left @ right``: (models, rows, columns) from (models, rows, n), (models, n, columns).

    A model's part has the bits that it has alone, provided all are a :class:`Workspace`'s.
    """
    if 1 in (*left.shape[1:], out.shape[2]):
        # Vectors take other kernels in a batch than by themselves.
        for matrix, first, second in zip(out.unbind(), left.unbind(), right.unbind()):
            torch.mm(first, second, out=matrix)
        return out
    # As torch.bmm(out=), which fills its output with zeros first.
    return out.baddbmm_(left, right, beta=0)
