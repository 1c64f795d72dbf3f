"""The gradient of each record's loss, in squares of norms: from one pass over many records, or
from a pass a record.

Both go back through the network from the direction of the logits' error; see
:mod:`mia_dual.gradients`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Callable, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from mia_dual.interface import NetworkSpec
from mia_dual_torch.networks import forward
from mia_dual_torch.weights import trained

WINDOWS = 2**20
"""Numbers in the windows of a convolution that are copied at a time: what a cache holds."""


class Squares(Protocol):
    """Differentiates a module in evaluation mode."""

    def squares(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (records, classes), and squared norms (records, parameters), names sorted.

        The norms are of gradients from the direction of the logits' error.
        """
        ...


class OneRecord:
    """A record at a time, by autograd: right for any module."""

    def __init__(self, spec: NetworkSpec, module: nn.Module) -> None:
        self._spec, self._module = spec, module
        self._parameters = [value for _, value in sorted(trained(module).items())]

    def squares(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """See :class:`Squares`."""
        logits, squares = zip(*(self._of_one(*pair) for pair in zip(inputs, labels)))
        return torch.stack(logits), torch.stack(squares)

    def _of_one(self, given: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            logits, found = forward(self._spec, self._differentiate, given[None], label[None])
        return logits.detach()[0], torch.stack([gradient.square().sum() for gradient in found])

    def _differentiate(self, given: Tensor, label: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        logits = self._module(given).reshape(1, -1)
        pulled = _pulled(logits, label)
        return logits, torch.autograd.grad(pulled, self._parameters, materialize_grads=True)


class ManyRecords:
    """Many records at a time: a layer's gradient follows from what it was given and what comes
    back to it, both of which keep records apart (Goodfellow 2015, arXiv 1510.01799; of convolutions
    Rochette et al. 2019, arXiv 1912.06015).

    For modules whose trained parameters all belong to linear layers, convolutions and batch
    normalisations, each used once, by its layer alone, and whose records do not mix:
    :func:`is_known` tries that.
    """

    def __init__(self, spec: NetworkSpec, module: nn.Module) -> None:
        self._spec, self._module = spec, module
        self._names = sorted(trained(module))
        self._given: dict[str, Tensor] = {}
        self._out: dict[str, Tensor] = {}
        self._layers = {
            name: layer
            for name, layer in module.named_modules()
            if any(value.requires_grad for value in layer.parameters(recurse=False))
        }
        for name, layer in self._layers.items():
            layer.register_forward_hook(self._noting(name))

    def squares(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """See :class:`Squares`."""
        with torch.enable_grad():
            logits = forward(self._spec, self._module, inputs)
            errors = torch.autograd.grad(_pulled(logits, labels), list(self._out.values()))
        found: dict[str, Tensor] = {}
        with torch.no_grad():
            for name, error in zip(self._out, errors):
                for kind, squares in _layer_squares(
                    self._layers[name], self._given[name], error
                ).items():
                    found[f"{name}.{kind}" if name else kind] = squares
            self._given.clear()
            self._out.clear()
            return logits.detach(), torch.stack([found[name] for name in self._names], 1)

    def _noting(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def note(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
            self._given[name], self._out[name] = given[0].detach(), out
            # A layer that follows may write over what it is given.
            return out.clone()

        return note


def is_known(spec: NetworkSpec, module: nn.Module) -> bool:
    """Whether :class:`ManyRecords` is right for ``module``, in evaluation mode: tried on three
    random records and random weights, which ``module`` then holds, it gives what
    :class:`OneRecord` gives, of every parameter something. That depends on the network alone.
    """
    stream = torch.Generator().manual_seed(0)
    device = next(module.parameters()).device
    inputs = torch.rand(3, *spec.input_shape, generator=stream).to(device)
    labels = torch.arange(3, device=device) % spec.classes
    with torch.no_grad():
        for value in trained(module).values():
            value.add_(0.1 * torch.randn(value.shape, generator=stream).to(device))
    _, expected = OneRecord(spec, module).squares(inputs, labels)
    try:
        _, found = ManyRecords(spec, module).squares(inputs, labels)
    except Exception:  # whatever a module throws that is not as it should be
        return False
    # A record's products keep the digits of its largest.
    allowed = 1e-3 * expected + 1e-7 * expected.amax(1, keepdim=True)
    return bool(expected.any(0).all() and (abs(found - expected) <= allowed).all())


def _pulled(logits: Tensor, labels: Tensor) -> Tensor:
    """What has the direction of the logits' error as its gradient."""
    least = torch.finfo(logits.dtype).min
    others = logits.detach().scatter(1, labels[:, None], least)
    direction = torch.softmax(others, 1).scatter_add_(
        1, labels[:, None], torch.full_like(others[:, :1], -1.0)
    )
    return (logits * direction).sum()


def _layer_squares(layer: nn.Module, given: Tensor, error: Tensor) -> dict[str, Tensor]:
    """Kind of parameter -> squared norms (records,) of its gradient.

    ``given`` is the layer's input, ``error`` what comes back to its output.
    """
    if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
        shape = (1, -1, *[1] * (given.dim() - 2))
        mean, variance = layer.running_mean, layer.running_var
        assert mean is not None
        assert variance is not None
        scaled = (given - mean.view(shape)) * torch.rsqrt(variance + layer.eps).view(shape)
        bias = error.flatten(2).sum(2) if error.dim() > 2 else error
        weight = error * scaled
        weight = weight.flatten(2).sum(2) if weight.dim() > 2 else weight
        return {"weight": weight.square().sum(1), "bias": bias.square().sum(1)}
    if isinstance(layer, nn.Conv2d):
        each = math.prod((given.shape[1], *layer.kernel_size, *error.shape[2:]))
        some = max(1, WINDOWS // each)
        errors = error.flatten(2).transpose(1, 2)
        weight = torch.cat(
            [
                _product_squares(back, _windows(layer, seen, error.shape[2:]).transpose(1, 2))
                for back, seen in zip(errors.split(some), given.split(some))
            ]
        )
    else:
        errors = error.reshape(len(error), -1, error.shape[-1])
        weight = _product_squares(errors, given.reshape(len(given), -1, given.shape[-1]))
    return {"weight": weight, "bias": errors.sum(1).square().sum(1)}


def _windows(layer: nn.Conv2d, given: Tensor, sides: Sequence[int]) -> Tensor:
    """What each place of the kernel saw: (records, channels x kernel, places).

    As functional.unfold; at stride 1 in a fifth of its time on a CPU.
    """
    down, right = layer.padding
    given = functional.pad(given, (int(right), int(right), int(down), int(down)))
    record, channel, row, column = given.stride()
    windows = given.as_strided(
        (*given.shape[:2], *layer.kernel_size, *sides),
        (
            record,
            channel,
            row * layer.dilation[0],
            column * layer.dilation[1],
            row * layer.stride[0],
            column * layer.stride[1],
        ),
    )
    return windows.flatten(4).flatten(1, 3)


def _product_squares(errors: Tensor, windows: Tensor) -> Tensor:
    """Squared norms of each record's errors^T windows: (records,) from (records, places, n)."""
    places, wide, high = errors.shape[1], errors.shape[2], windows.shape[2]
    if places == 1:
        return errors.square().sum((1, 2)) * windows.square().sum((1, 2))
    if places * (wide + high) > wide * high:
        return torch.bmm(errors.transpose(1, 2), windows).square().sum((1, 2))
    # The norm by inner products of places: Bu, Mao and Xu 2022, arXiv 2205.10683, section 3.
    ours, theirs = (torch.bmm(each, each.transpose(1, 2)) for each in (errors, windows))
    return (ours * theirs).sum((1, 2)).clamp_min(0)
