"""The line with models that are fitted at once: the same results, and nothing about steps."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import ConfigError, NetworkError
from mia_dual.measure.checkup import examine
from mia_dual.measure.forecast import forecast
from mia_dual.plan.draft import draft_plan
from mia_dual.progress import Silent
from mia_dual.report.plan_table import print_plan
from mia_dual.report.results import Results
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.planned import plan_families
from mia_dual.walks.run import run_audit
from mia_dual_sklearn.adapter import SklearnBackend
from tests.numpy_backend import NumpyEngine

SETTINGS = {
    "backend": "sklearn",
    "split": {"target_members": 150, "target_non_members": 150, "shadow_members": 150},
    "target": {"network": "decision_tree", "options": {"max_depth": 9}},
    "shadows": {"count": 3},
    "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
    "deletion": {"ratios": [0.1], "groups": 3},
}
MODELS = 20
"""Target, three shadows, three groups of each, one retrained in full, three groups, and those
again.
"""


class Counted(SklearnBackend):
    def __init__(self):
        super().__init__("cpu")
        self.fitted = []

    def train(self, spec, optimizer, jobs, records, report):
        self.fitted += [job.name for job in jobs]
        return super().train(spec, optimizer, jobs, records, report)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def audit(tmp_path, digits):
    def run(out, **changes):
        config = Config.model_validate({**SETTINGS, **changes})
        backend = Counted()
        with RunFolder(tmp_path / out, config, Store(tmp_path / "store")) as folder:
            run_audit(config, NumpyEngine(backend), digits, folder, Silent())
        return backend.fitted

    return run


def test_the_results_are_those_of_any_backend_and_nothing_is_fitted_twice(audit, tmp_path):
    assert len(audit("run")) == MODELS
    text = (tmp_path / "run" / "results.json").read_text()
    results = Results.model_validate_json(text)
    assert results.target.train_accuracy > results.target.test_accuracy + 0.1
    assert results.curve == []
    attack = results.attacks["shadow_logistic_regression"]
    assert attack.auc is not None
    assert attack.auc > 0.6
    assert results.grouped.fitted_on == "grouped"
    full, grouped = results.deletion
    assert (full.method, full.steps, grouped.method) == ("full", 1, "grouped")
    assert grouped.steps == grouped.groups_retrained
    # The tree no longer knows by heart what was deleted from it.
    assert full.deleted_accuracy < full.deleted_accuracy_before
    for name in ("target", "group-00", "full-10pct"):
        assert (tmp_path / "run" / "models" / f"{name}.safetensors").is_file()
    assert audit("run") == []
    assert (tmp_path / "run" / "results.json").read_text() == text
    # A damaged model is fitted again, to the same bits.
    target = tmp_path / "run" / "models" / "target.safetensors"
    content = target.read_bytes()
    target.write_bytes(content[:-1] + b"x")
    assert audit("run") == ["target"]
    assert target.read_bytes() == content
    assert json.loads((tmp_path / "run" / "environment.json").read_text())["capabilities"] == []


@pytest.mark.parametrize(
    ("changes", "fitted"),
    [
        ({"epochs": 3, "batch_size": 7, "learning_rate": 0.5, "optimizer": "adam"}, 0),
        ({"options": {"max_depth": 3}}, MODELS),
    ],
    ids=["of-steps", "option"],
)
def test_settings_of_steps_are_in_no_key_and_options_are(audit, changes, fitted):
    audit("run")
    assert len(audit("other", target={**SETTINGS["target"], **changes})) == fitted


def test_shadows_of_another_kind_have_its_own_options(audit):
    fitted = audit("run", shadows={"count": 3, "network": "naive_bayes"})
    assert len(fitted) == MODELS


def test_an_attack_that_trains_networks_is_refused_with_what_to_set(audit):
    with pytest.raises(ConfigError, match=r"'shadow_fcnet' .*set attack.models=\[random_forest\]"):
        audit("run", attack={"families": ["shadow"], "models": ["fcnet"]})


def test_a_dry_run_tells_nothing_of_steps(digits):
    config = Config.model_validate(SETTINGS)
    plan = draft_plan(config, digits.labels, digits.classes)
    backend = Counted()
    expected = forecast(plan, plan_families(plan, config, digits), NumpyEngine(backend), None)
    # A sample is fitted, not the plan.
    assert 0 < len(backend.fitted) < MODELS
    assert expected.seconds > 0
    assert expected.disk > MODELS * 1000
    shown = io.StringIO()
    print_plan(plan, expected, [], [], Console(file=shown, width=80))
    told = " ".join(shown.getvalue().split())
    assert "fitted at once" in told
    for word in ("steps", "operations", "Drawn"):
        assert word not in told


def test_backends_of_networks_say_whose_kind_it_is(digits):
    from mia_dual.interface import NetworkSpec
    from mia_dual.registry import load_backend

    with pytest.raises(NetworkError, match=r"'k_means' is a kind of model.*--backend sklearn"):
        load_backend("torch", "cpu").fresh(NetworkSpec("k_means", (1, 8, 8), 10), 0)


def test_doctor_fits_what_it_offers():
    (finding,) = examine("sklearn")
    assert (finding.device, finding.works) == ("cpu", True), finding.remedy


def test_the_command_line_runs_it(cli, tmp_path):
    done = cli(
        "run", "--backend", "sklearn", "--set", "target={network: k_means}", "--out", "run",
        "--set", "attack.models=[logistic_regression]", "--set", "shadows.count=2",
        "--set", "deletion={ratios: [0.1], groups: 2}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "k_means on digits (sklearn)" in done.stdout
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert np.isfinite(results["attacks"]["shadow_logistic_regression"]["auc"])
    refused = cli(
        "run", "--backend", "sklearn", "--set", "attack.models=[random_forest]", "--out", "other",
        "--set", "target={network: k_means, options: {n_clusters: 9}}",
    )  # fmt: skip
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "fewer than the 10 classes" in refused.stderr
