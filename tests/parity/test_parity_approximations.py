"""Models that go on from one target by each approximate method are the same on both frameworks.

Measured on digits, after two epochs from weights that ten epochs taught: no weight differs by more
than 3e-7.
"""

import numpy as np
import pytest
import safetensors.numpy

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.engine import Engine
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.run import run_audit

METHODS = ["fine_tune", "neg_grad_plus", "scrub", "salun"]


@pytest.fixture(scope="module")
def models(torch_backend, mindspore_backend, tmp_path_factory):
    """Every model of one plan, by backend and name."""
    folder = tmp_path_factory.mktemp("parity")
    found = {}
    for name in ("torch", "mindspore"):
        config = Config.model_validate({
            "backend": name,
            "split": {"target_members": 60, "target_non_members": 60, "shadow_members": 60},
            "target": {"network": "convnet", "epochs": 10},
            "shadows": {"count": 2},
            "attack": {"families": ["thresholds"]},
            "deletion": {"ratios": [0.2], "methods": ["full"], "approximate": METHODS},
        })  # fmt: skip
        with RunFolder(folder / name, config, Store(folder / "store")) as opened:
            run_audit(config, Engine(name, "cpu"), load_dataset("digits"), opened, Silent())
        found[name] = {
            file.stem: safetensors.numpy.load_file(file)
            for file in (folder / name / "models").iterdir()
        }
    return found


@pytest.mark.parametrize("method", METHODS)
def test_every_method_moves_weights_alike(models, method):
    ours, theirs = (found[f"{method}-20pct"] for found in models.values())
    start = models["torch"]["target"]
    assert max(np.abs(ours[name] - start[name]).max() for name in ours) > 1e-4
    assert max(np.abs(ours[name] - theirs[name]).max() for name in ours) <= 5e-6
