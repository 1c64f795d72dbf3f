"""Equal models have equal gradients, record by record, in both frameworks."""

import numpy as np
import pytest

from mia_dual.interface import NetworkSpec, Records
from mia_dual.seeds import generator
from mia_dual.testing import example_weights


@pytest.mark.parametrize(
    ("network", "count", "tolerance"), [("convnet", 70, 1e-4), ("resnet18", 4, 1e-3)]
)
def test_gradient_norms_agree_on_fashion_mnist(
    torch_backend, mindspore_backend, fashion_mnist, network, count, tolerance
):
    spec = NetworkSpec(network, (1, 28, 28), 10)
    images, labels = fashion_mnist
    records = Records(images[:count], labels[:count], scale=1 / 127.5, shift=-1.0)
    models = []
    for label in "ab":
        weights = dict(example_weights(torch_backend, spec, label))
        rng = generator(0, "parity", label)
        for name, array in weights.items():
            # Normalisation away from the identity, or a mix-up of its four arrays would not show.
            if name.endswith("running_var") or ("bn" in name and name.endswith("weight")):
                weights[name] = rng.uniform(0.5, 1.5, array.shape).astype(np.float32)
            elif "bn" in name:
                weights[name] = rng.normal(0, 0.3, array.shape).astype(np.float32)
        models.append(weights)
    rows = np.tile(np.arange(count), (2, 1))
    ours, theirs = (
        backend.gradient_norms(spec, models, records, rows)
        for backend in (torch_backend, mindspore_backend)
    )
    assert ours.parameters == theirs.parameters
    assert ours.norms.min() > 0
    assert np.abs(ours.norms / theirs.norms - 1).max() <= tolerance
