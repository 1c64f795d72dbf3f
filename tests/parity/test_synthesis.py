"""The same target answers alike on both frameworks, so the same records are found on both."""

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.interface import Records
from mia_dual.plan.draft import draft_plan
from mia_dual.registry import load_backend
from mia_dual.signals import confidences
from mia_dual.synthesis.climbing import Climb, synthesise
from mia_dual.synthesis.made import even_labels
from mia_dual.synthesis.ranges import find_ranges
from mia_dual.training.jobs import first_state, make_job
from mia_dual.training.planned import plan_families, plan_members

CONFIG = Config.model_validate({
    "data": {"name": "purchases", "classes": 20, "records": 3000},
    "split": {"target_members": 800, "target_non_members": 200, "shadow_members": 200},
    "target": {"network": "fcnet", "hidden": 64, "epochs": 20, "learning_rate": 0.05},
    "shadows": {"count": 1},
    "deletion": {"ratios": []},
})  # fmt: skip
RECORDS = 200


@pytest.fixture(scope="module")
def target():
    """A data set, and a target that one framework trained on it."""
    dataset = load_dataset("purchases", classes=20, records=3000)
    plan = draft_plan(CONFIG, dataset.labels, 20)
    family = plan_families(plan, CONFIG, dataset)["target"]
    member = plan_members(plan, "target")["target"]
    backend = load_backend("torch", "cpu")
    start = first_state(family, member, backend)
    job = make_job(family, member, "target", start, 0, ())
    (kept,) = backend.train(
        family.spec, family.optimizer, [job], family.records, lambda steps: None
    )
    return dataset, family.spec, kept.state.weights


def found_by(backend, target):
    dataset, spec, weights = target

    def ask(features):
        records = Records(features, np.zeros(len(features), np.int64))
        rows = np.arange(len(features))[None]
        return confidences(backend.logits(spec, [weights], records, rows)[0])

    ranges, labels = find_ranges(dataset.features), even_labels(RECORDS, 20)
    climb = Climb(k_max=128, k_min=4, conf_min=0.2, rej_max=5, iter_max=1000, candidates=128)
    return synthesise(ask, ranges, labels, range(RECORDS), climb, 0, lambda found: None)


def test_both_frameworks_find_the_same_records(target):
    one, other = (found_by(load_backend(name, "cpu"), target) for name in ("torch", "mindspore"))
    assert np.array_equal(one.queries, other.queries)
    assert np.array_equal(one.features, other.features)
    assert one.queries.sum() > 1000
