"""The networks every backend builds, and the images each can take.

All four are the tutorial's. Layers in order (canonical parameter prefix in brackets):

* ``fcnet``: flatten, linear to ``hidden`` [fc1], ReLU, linear to classes [fc2].
* ``convnet``: conv 6@5x5 [conv1], ReLU, max pool 2, conv 16@5x5 [conv2], ReLU, max pool 2,
  linear 120 [fc1], ReLU, linear 84 [fc2], ReLU, linear to classes [fc3].
* ``lenet5``: conv 6@5x5 padded by 2 [conv1], sigmoid, average pool 2, conv 16@5x5 [conv2],
  sigmoid, average pool 2, conv 120@5x5 [conv3], linear 84 [fc1], linear to classes [fc2].
* ``resnet18``: conv 32@3x3, stride 3, padded by 1, no bias [conv1, bn1], ReLU, four residual
  blocks of 64, 128, 256 and 256 channels [block1 .. block4], global average pool, linear to
  classes [fc]. A block: conv 3x3 [conv1, bn1], ReLU, conv 3x3 [conv2, bn2], plus its input,
  ReLU; where the channels change the first convolution has stride 2 and the input passes a 1x1
  convolution of stride 2 [shortcut_conv, shortcut_bn]. Convolutions have no bias. Batch
  normalisation: epsilon 1e-5, running statistics moved by .1, running variance unbiased.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Callable, TypeVar

import numpy as np

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec, Weights
from mia_dual.quoting import quoted

Module = TypeVar("Module")

NETWORKS = ("fcnet", "convnet", "lenet5", "resnet18")
"""Networks that every backend with ``Capability.WEIGHTS`` builds alike."""

ESTIMATORS = (
    "decision_tree",
    "random_forest",
    "gradient_boosting",
    "k_nearest_neighbours",
    "logistic_regression",
    "svm",
    "naive_bayes",
    "mlp",
    "k_means",
)
"""Kinds of model that are no networks; backend ``sklearn`` fits them."""

SMALLEST_IMAGE = {"fcnet": 1, "convnet": 16, "lenet5": 28, "resnet18": 8}
"""The smallest side, in pixels, of an image that leaves every layer something to look at."""


IDENTITY = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
"""A batch normalisation that changes nothing, as every one starts."""


def smallest_image(network: str) -> int:
    """The side images are enlarged to where they are smaller; a user's own network takes any."""
    return SMALLEST_IMAGE.get(network, 1)


def is_factory(network: str) -> bool:
    """Whether ``network`` names a user's own ``package.module:factory``."""
    module, _, factory = network.partition(":")
    return bool(factory) and all(part.isidentifier() for part in [*module.split("."), factory])


def check_spec(spec: NetworkSpec) -> None:
    """Raise NetworkError where ``spec`` names no network of ours, or records it cannot take."""
    if spec.name in ESTIMATORS:
        raise NetworkError(
            f"'{spec.name}' is a kind of model that is no network: choose --backend sklearn for "
            f"it, or one of {', '.join(NETWORKS)}"
        )
    if spec.name not in NETWORKS:
        raise NetworkError(
            f"no network '{spec.name}': choose one of {', '.join(NETWORKS)}, "
            "or name your own as package.module:factory"
        )
    if spec.name != "fcnet" and len(spec.input_shape) != 3:
        raise NetworkError(
            f"network '{spec.name}' takes images (channels, height, width), "
            f"not records of shape {spec.input_shape}: use fcnet"
        )
    if flattened(spec) < 1:
        raise NetworkError(
            f"network '{spec.name}' cannot take records of shape {spec.input_shape}: "
            "enlarge the images (data.image_size) or choose fcnet"
        )


def flattened(spec: NetworkSpec) -> int:
    """How many numbers enter a network's first linear layer; 0 where images are too small."""
    if spec.name == "fcnet":
        return math.prod(spec.input_shape)
    sides = spec.input_shape[1:]
    if spec.name == "convnet":
        return 16 * math.prod(max(((side - 4) // 2 - 4) // 2, 0) for side in sides)
    if spec.name == "lenet5":
        return 120 * math.prod(max((side // 2 - 4) // 2 - 4, 0) for side in sides)
    return 256


def blank_weights(spec: NetworkSpec) -> dict[str, np.ndarray]:
    """What a model of one of ``NETWORKS`` is made of, float32 under canonical names.

    Kernels and biases are zeros, to be drawn; normalisation is the identity. Raises NetworkError
    as :func:`check_spec` does.
    """
    check_spec(spec)
    found: dict[str, np.ndarray] = {}

    def layer(name: str, *kernel: int, bias: bool = True) -> None:
        found[f"{name}.weight"] = np.zeros(kernel, np.float32)
        if bias:
            found[f"{name}.bias"] = np.zeros(kernel[0], np.float32)

    def normalisation(name: str, channels: int) -> None:
        for kind, value in IDENTITY.items():
            found[f"{name}.{kind}"] = np.full(channels, value, np.float32)

    entering, channels = flattened(spec), spec.input_shape[0]
    if spec.name == "fcnet":
        layer("fc1", spec.hidden, entering)
        layer("fc2", spec.classes, spec.hidden)
    elif spec.name == "convnet":
        layer("conv1", 6, channels, 5, 5)
        layer("conv2", 16, 6, 5, 5)
        layer("fc1", 120, entering)
        layer("fc2", 84, 120)
        layer("fc3", spec.classes, 84)
    elif spec.name == "lenet5":
        layer("conv1", 6, channels, 5, 5)
        layer("conv2", 16, 6, 5, 5)
        layer("conv3", 120, 16, 5, 5)
        layer("fc1", 84, entering)
        layer("fc2", spec.classes, 84)
    else:
        layer("conv1", 32, channels, 3, 3, bias=False)
        normalisation("bn1", 32)
        widths = (32, 64, 128, 256, 256)
        for number, (before, after) in enumerate(zip(widths, widths[1:]), start=1):
            block = f"block{number}"
            layer(f"{block}.conv1", after, before, 3, 3, bias=False)
            normalisation(f"{block}.bn1", after)
            layer(f"{block}.conv2", after, after, 3, 3, bias=False)
            normalisation(f"{block}.bn2", after)
            if before != after:
                layer(f"{block}.shortcut_conv", after, before, 1, 1, bias=False)
                normalisation(f"{block}.shortcut_bn", after)
        layer("fc", spec.classes, 256)
    return found


def normalises(names: Mapping[str, object]) -> bool:
    """Whether a model that holds ``names`` normalises over the batch while it trains."""
    return any(name.rpartition(".")[2] == "running_mean" for name in names)


def from_factory(
    spec: NetworkSpec, kind: type[Module], logits_shape: Callable[[Module], tuple[int, ...]]
) -> Module:
    """What a user's factory makes, tried once.

    ``logits_shape`` says the shape of what a module answers to two blank records. Raises
    NetworkError where there is no such factory, it makes no ``kind``, or the module fails on
    the records or answers in another shape than (2, classes).
    """
    module_name, _, factory_name = spec.name.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
    except (ImportError, AttributeError) as error:
        raise NetworkError(f"network '{spec.name}' cannot be imported: {error}") from error
    try:
        module = factory(spec.input_shape, spec.classes)
        shape = logits_shape(module) if isinstance(module, kind) else ()
    except Exception as error:  # the user's own code may raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NetworkError(
            f"network '{spec.name}' fails on records of shape {spec.input_shape}: {reason}"
        ) from error
    if not isinstance(module, kind):
        raise NetworkError(
            f"network '{spec.name}' returned {type(module).__name__}, "
            f"not a {kind.__module__.partition('.')[0]} {kind.__name__}"
        )
    if shape != (2, spec.classes):
        raise NetworkError(
            f"network '{spec.name}' answers two records with shape {shape}, "
            f"not (2, {spec.classes}): a row of logits a record, one a class"
        )
    return module


def check_weights(
    spec: NetworkSpec, expected: dict[str, tuple[int, ...]], weights: Weights
) -> None:
    """Raise NetworkError naming the first of ``weights`` that is not as ``expected``."""
    for name in sorted(expected.keys() | weights.keys()):
        given = tuple(weights[name].shape) if name in weights else None
        if given != expected.get(name):
            raise NetworkError(
                f"weights do not fit network '{spec.name}': {quoted(name)} is "
                f"{given or 'absent'}, expected {expected.get(name) or 'absent'}"
            )


def check_mask(
    spec: NetworkSpec,
    expected: Mapping[str, tuple[int, ...]],
    mask: Mapping[str, np.ndarray],
    model: str,
) -> None:
    """Raise NetworkError naming the first of the mask of ``model`` that is no bool array of the
    shape of a trained parameter, which ``expected`` says by name.
    """
    for name in sorted(mask):
        told = f"the mask of model '{model}' does not fit network '{spec.name}': '{name}' is"
        if name not in expected:
            raise NetworkError(f"{told} none of its trained parameters: leave it out")
        given = mask[name]
        if given.dtype != np.bool_ or given.shape != expected[name]:
            raise NetworkError(
                f"{told} {given.dtype} of shape {given.shape}, expected bool of {expected[name]}"
            )
