"""What a dry run says a plan takes is what it takes, slices included."""

import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.measure.forecast import forecast
from mia_dual.plan.draft import plan_dataset
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.planned import plan_families, plan_members
from mia_dual.training.stages import target_stages
from mia_dual.training.trainer import Trainer
from tests.numpy_backend import NumpyBackend, NumpyEngine

SETTINGS = {
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 60},
    "target": {"network": "fcnet", "hidden": 8, "epochs": 5, "learning_rate": 0.05},
    "shadows": {"count": 1},
    "deletion": {"ratios": [0.01], "groups": 2, "slices": 4, "fitted_on": "single",
                 "methods": ["full", "grouped"]},
}  # fmt: skip


def test_slices_that_are_taken_over_are_not_counted_again(tmp_path):
    config = Config.model_validate(SETTINGS)
    dataset, plan = plan_dataset(config, load_dataset("digits"))
    families = plan_families(plan, config, dataset)
    stages = target_stages(plan, config, families["target"], NumpyEngine())
    assert len(stages) == 4
    expected = forecast(plan, families, NumpyEngine(), None, stages=stages)
    assert [model for model in plan.models.values() if model.untouched]

    backend, store = NumpyBackend(), Store(tmp_path / "store")
    with RunFolder(tmp_path / "run", config, store) as folder:
        trainer = Trainer(NumpyEngine(backend), folder, Silent())
        (family,) = families.values()
        passed = {name: stage.member for name, stage in stages.items()}
        trained = trainer.train("models", family, {**plan_members(plan, "target"), **passed})
    assert sum(role.steps for role in expected.roles) == backend.steps
    entries = [model.entry for name, model in trained.items() if name not in stages]
    assert len(entries) == sum(role.lacking for role in expected.roles)
    # Files say a little more than the arrays in them.
    there = sum(file.stat().st_size for file in (tmp_path / "store").rglob("*.safetensors"))
    asked = sum(len(model.asked) for model in plan.models.values())
    answers = (asked + len(stages) * len(plan.target_rows)) * 10 * 4
    scores = len(plan.versions) * len(plan.target_rows) * 8
    assert expected.disk - answers - scores == pytest.approx(there, rel=0.25)
    assert expected.disk - answers - scores < there
