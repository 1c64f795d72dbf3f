"""Attacks that look at altered copies and at gradients, from a run's config to its findings."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import safetensors.numpy

from mia_dual.attacks.gradient_norm import gradient_signal
from mia_dual.attacks.label_only import rightly_called
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.data.outputs import load_outputs
from mia_dual.deletion.versions import joined
from mia_dual.engine import Engine
from mia_dual.errors import ConfigError, DataError
from mia_dual.interface import Capability
from mia_dual.progress import Silent
from mia_dual.queries.choice import choose_alterations
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.planned import dataset_family
from mia_dual.walks.attack import attack_outputs, outputs_config
from mia_dual.walks.run import run_audit
from mia_dual_sklearn.adapter import SklearnBackend
from tests.numpy_backend import NumpyBackend, NumpyEngine

NAMES = {
    "label_only", "label_only_calibrated", "gradient_norm", "gradient_norm_calibrated",
    "lira_offline_queries",
}  # fmt: skip
SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 32, "epochs": 40, "learning_rate": 0.05},
    "shadows": {"count": 8},
    "attack": {
        "families": ["label_only", "queries", "gradients"],
        "population": 200,
        "queries": {"draws": 2},
    },
    "deletion": {"ratios": []},
}


class Looked(NumpyBackend):
    """``looks``: (models, rows) of every call for logits, and ``pulls`` for gradients."""

    def __init__(self):
        super().__init__()
        self.looks, self.pulls = [], []

    def logits(self, spec, models, records, rows):
        self.looks.append(rows.shape)
        return super().logits(spec, models, records, rows)

    def gradient_norms(self, spec, models, records, rows):
        self.pulls.append(rows.shape)
        return super().gradient_norms(spec, models, records, rows)


class Blind(NumpyBackend):
    capabilities = frozenset(Capability) - {Capability.GRADIENTS}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def audit(tmp_path, digits):
    """Run an audit into a folder under one store; gives the backend and the results."""

    def run(changes=MappingProxyType({}), backend=None, dataset=digits, out="run"):
        settings = {
            key: {**SETTINGS.get(key, {}), **value} if isinstance(value, dict) else value
            for key, value in {**SETTINGS, **changes}.items()
        }
        backend = backend or Looked()
        engine = backend if isinstance(backend, Engine) else NumpyEngine(backend)
        config = Config.model_validate(settings)
        with RunFolder(tmp_path / out, config, Store(tmp_path / "store")) as folder:
            return backend, run_audit(config, engine, dataset, folder, Silent())

    return run


@pytest.mark.parametrize("design", ["in_and_out", "disjoint"])
def test_they_beat_chance_and_a_repeated_run_asks_nothing(audit, tmp_path, design):
    changes = {"shadows": {"count": 8, "design": design}}
    backend, results = audit(changes)
    online = {"lira_online_queries"}
    lacking = set() if design == "in_and_out" else online
    assert set(results.not_run) == lacking
    assert set(results.attacks) == NAMES | (online - lacking)
    for name, found in results.attacks.items():
        assert found.auc > 0.57, name
        # Thresholds come from references.
        assert 0.52 < found.accuracy < 0.9, name
    # All models together: once as records are, once altered, once pulled.
    rows = 240 + 200
    altered = 4 + 2 * 2
    assert backend.pulls == [(9, rows)]
    assert backend.looks[-1] == (9, altered * rows)
    assert sum(models for models, count in backend.looks if count == altered * rows) == 9
    first = (tmp_path / "run" / "results.json").read_bytes()
    again, _ = audit(changes)
    assert (again.trained, again.looks, again.pulls) == ([], [], [])
    assert (tmp_path / "run" / "results.json").read_bytes() == first
    # Fewer copies are others' scores, of answers that are there.
    fewer, others = audit({**changes, "attack": {"queries": {"draws": 1}}}, out="fewer")
    assert (fewer.trained, fewer.looks, fewer.pulls) == ([], [], [])
    assert others.attacks["label_only"] != results.attacks["label_only"]
    assert others.attacks["gradient_norm"] == results.attacks["gradient_norm"]


@pytest.mark.parametrize("aggregation", ["mean", "vote"])
def test_groups_are_looked_at_together(audit, tmp_path, digits, aggregation):
    audit(
        {
            "shadows": {"count": 2},
            "target": {"epochs": 8},
            "attack": {"families": ["label_only", "gradients"]},
            "deletion": {
                "ratios": [0.1],
                "methods": ["grouped"],
                "groups": 2,
                "aggregation": aggregation,
            },
        }
    )
    scores = np.load(tmp_path / "run" / "scores.npz")
    rows, place = scores["rows"], scores["versions"].tolist().index("groups")
    settings = Config.model_validate({**SETTINGS, "attack": {}}).target
    family = dataset_family(settings, None, digits)
    groups = [
        safetensors.numpy.load_file(tmp_path / "run" / "models" / f"group-0{number}.safetensors")
        for number in range(2)
    ]
    backend = NumpyBackend()
    found = backend.gradient_norms(family.spec, groups, family.records, np.stack([rows, rows]))
    norms = np.exp(-gradient_signal(found))
    expected = -np.log(np.sqrt((norms**2).mean(axis=0)))
    np.testing.assert_allclose(scores["gradient_norm"][place], expected, rtol=1e-9)

    copies = choose_alterations(
        ["shift", "noise"], family.spec.input_shape, 0, draws=2, levels=(0.3, 0.7)
    )
    right = []
    for records in [
        family.records.take(rows),
        *(copy.apply(family.records, rows) for copy in copies),
    ]:
        asked = np.tile(np.arange(len(rows)), (2, 1))
        said = backend.logits(family.spec, groups, records, asked)
        right.append(rightly_called(joined(list(said), aggregation), records.labels))
    assert len(right) == 9
    np.testing.assert_allclose(scores["label_only"][place], np.mean(right, axis=0), rtol=1e-6)


def test_shadows_of_another_network_see_records_as_it_does(audit, digits):
    """A ConvNet takes digits of 16 pixels a side where an FCNet takes those of 8."""
    engine = Engine("torch", "cpu")
    changes = {
        "target": {"network": "convnet", "hidden": 16, "epochs": 2},
        "shadows": {"count": 2, "network": "fcnet"},
        "attack": {"families": ["label_only", "gradients"], "population": 50},
    }
    settings = Config.model_validate({**SETTINGS, "target": changes["target"]}).target
    assert dataset_family(settings, None, digits).spec.input_shape == (1, 16, 16)
    _, results = audit(changes, engine)
    assert set(results.attacks) == NAMES - {"lira_offline_queries"}
    assert not results.not_run


def test_gradients_are_refused_where_a_backend_has_none(audit):
    gradients = {"attack": {"families": ["gradients"]}}
    line = r"'gradient_norm' cannot run here: .*gradients by record \(name a backend of networks\)"
    blind = Blind()
    with pytest.raises(ConfigError, match=line):
        audit(gradients, blind)
    assert blind.trained == []
    trees = {"backend": "sklearn", "target": {"network": "decision_tree"}}
    trees["target"]["options"] = {"max_depth": 9}
    with pytest.raises(ConfigError, match=line):
        audit({**gradients, **trees}, SklearnBackend("cpu"))
    # Whatever predicts can be asked about copies.
    label_only = {"families": ["label_only"], "population": 50}
    _, results = audit({**trees, "attack": label_only}, SklearnBackend("cpu"))
    assert results.attacks["label_only"].auc > 0.57


@pytest.mark.parametrize("family", ["label_only", "queries", "gradients"])
def test_saved_outputs_cannot_be_asked(tmp_path, family):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "outputs.npz",
        target_logits=rng.normal(size=(40, 3)).astype(np.float32),
        labels=np.arange(40) % 3,
        membership=rng.random(40) < 0.5,
        reference_logits=rng.normal(size=(4, 40, 3)).astype(np.float32),
        reference_membership=rng.random((4, 40)) < 0.5,
    )
    outputs = load_outputs(tmp_path / "outputs.npz", Silent())
    config = outputs_config(Config.model_validate({"attack": {"families": [family]}}), outputs)
    with (
        RunFolder(tmp_path / "run", config, Store(tmp_path / "store")) as folder,
        pytest.raises(ConfigError, match=r"cannot run here: .*mia-dual run, with target.weights"),
    ):
        attack_outputs(config, outputs, None, folder, Silent())


def test_rows_of_numbers_are_altered_by_noise_and_cannot_be_shifted(audit, digits):
    features = digits.features.reshape(len(digits.labels), -1).astype(np.float32)
    rows = replace(digits, features=features)
    changes = {"attack": {"families": ["label_only"], "population": 50}, "shadows": {"count": 2}}
    backend, results = audit(changes, dataset=rows)
    assert backend.looks[-1] == (3, 4 * (240 + 50))
    assert results.attacks["label_only"].auc > 0.5
    untrained = Looked()
    changes["attack"]["queries"] = {"kinds": ["shift"]}
    with pytest.raises(DataError, match="'shift' alters images"):
        audit(changes, untrained, rows, out="shifted")
    assert untrained.trained == []
