"""A user's network of MindSpore's own layers keeps what it was built with."""

from dataclasses import replace

import numpy as np

from mia_dual.interface import NetworkSpec, State
from mia_dual.registry import load_backend
from mia_dual.testing import ask, example_job, example_records, train
from mia_dual.training.weights import draw_weights, drawn_names

LAYERS = """
import mindspore as ms
from mindspore import nn, Parameter, Tensor, ops

class Mixed(nn.Cell):
    def __init__(self, features, classes):
        super().__init__()
        self.lstm = nn.LSTM(features, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.slope = nn.PReLU()
        self.gain = Parameter(Tensor([0.25], ms.float32), name="gain", requires_grad=False)
        self.order = Parameter(Tensor([3, 1, 2], ms.int64), name="order")
        self.norm = nn.LayerNorm((8,))
        self.fc = nn.Dense(8, classes)

    def construct(self, rows):
        hidden, _ = self.lstm(rows.reshape(rows.shape[0], rows.shape[2], rows.shape[3]))
        seen = self.attention(hidden, hidden, hidden, need_weights=False)[0]
        seen = self.norm(self.slope(seen.mean(1)))
        return self.fc(seen * self.gain) + 0 * self.order.sum().astype(ms.float32)

def mixed(input_shape, classes):
    return Mixed(input_shape[2], classes)
"""


def test_what_mindspore_builds_is_kept_as_built(tmp_path, monkeypatch):
    (tmp_path / "mixed_nets.py").write_text(LAYERS)
    monkeypatch.syspath_prepend(tmp_path)
    backend = load_backend("mindspore", "cpu")
    spec = NetworkSpec("mixed_nets:mixed", (1, 2, 6), 4)
    built, again, other = (backend.fresh(spec, seed) for seed in (7, 7, 8))
    for name, array in built.items():
        assert np.array_equal(array, again[name]), f"'{name}' is not drawn from the seed"
    assert any(not np.array_equal(built[name], other[name]) for name in built)
    drawn = drawn_names(built)
    assert drawn == [
        "attention.out_proj.bias", "attention.out_proj.weight", "fc.bias", "fc.weight",
    ]  # fmt: skip
    start = draw_weights(built, np.random.default_rng(0))
    kept = built.keys() - set(drawn)
    assert {"gain", "order", "slope.w", "norm.weight"} <= kept
    assert any("lstm" in name for name in kept)
    assert any("in_proj_bias" in name for name in kept)
    for name in kept:
        assert np.array_equal(start[name], built[name])
    assert start["order"].dtype == np.int64
    assert start["gain"] == np.float32(0.25)

    records = example_records(spec)
    job = replace(example_job(backend, spec), start=State(start))
    trained = train(backend, spec, [job], records)["a"].weights
    for name in ("order", "gain"):
        assert np.array_equal(trained[name], start[name])
        assert trained[name].dtype == start[name].dtype
    for name in ("slope.w", "fc.weight"):
        assert not np.array_equal(trained[name], start[name]), f"'{name}' was not trained"
    assert np.isfinite(ask(backend, spec, [trained], records)).all()
