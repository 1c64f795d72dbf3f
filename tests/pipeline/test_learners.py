"""Attacks that learn more than a run's models say: quantile regression and loss trajectories."""

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import ConfigError, DataError
from mia_dual.interface import Capability
from mia_dual.plan.draft import draft_plan
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine

SETTINGS = {
    "split": {"target_members": 200, "target_non_members": 200, "shadow_members": 200},
    "target": {
        "network": "fcnet", "hidden": 64, "epochs": 40, "batch_size": 16, "learning_rate": 0.1,
    },
    "shadows": {"count": 4},
    "attack": {
        "families": ["thresholds", "quantile", "trajectory"],
        "trajectory": {"epochs": 6, "auxiliary": 300},
    },
    "deletion": {"ratios": [0.1], "groups": 2},
}  # fmt: skip
BRIEF = {"target": {"epochs": 3}, "attack": {"trajectory": {"epochs": 2, "auxiliary": 100}}}


def merged(settings, changes):
    """``settings`` with ``changes``, section by section."""
    return {
        **settings,
        **{
            key: merged(settings.get(key, {}), value) if isinstance(value, dict) else value
            for key, value in changes.items()
        },
    }


def config_of(*changes):
    settings = SETTINGS
    for change in changes:
        settings = merged(settings, change)
    return Config.model_validate(settings)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def audit(digits, tmp_path_factory):
    place = tmp_path_factory.mktemp("learners")

    def run(out, *changes, backend=None):
        engine, config = NumpyEngine(backend or NumpyBackend()), config_of(*changes)
        with RunFolder(place / out, config, Store(place / "store")) as folder:
            return run_audit(config, engine, digits, folder, Silent()), engine

    return run


@pytest.fixture(scope="module")
def whole(audit):
    return audit("whole")


def test_both_tell_members_and_fit_thresholds(whole):
    results, _ = whole
    assert results.not_run == {}
    for name in ("quantile", "trajectory"):
        found = results.attacks[name]
        assert found.auc > 0.6
        assert found.accuracy > 0.55
        aimed = found.decisions[0]
        assert aimed.aimed_fpr == 0.1
        assert aimed.fpr < 0.2
        assert aimed.tpr > aimed.fpr
    # Of what they are told beyond the answers they make something.
    assert results.attacks["trajectory"].auc > results.attacks["loss"].auc
    # Several models that answer together are distilled as one.
    assert {"quantile", "trajectory"} <= set(results.grouped.attacks)


def test_all_of_a_kind_are_distilled_in_one_call_and_a_repeated_run_does_nothing(whole, audit):
    first, engine = whole
    # The run's own, what is attacked as one model, and groups.
    assert engine.train_calls == 3
    students = [name for name in engine.backend.trained if "distilled" in name]
    # Each once, however many epochs are looked at: shadows, then what became of the target.
    shadows = [f"shadow-0{number}" for number in range(4)]
    teachers = [*shadows, "original", "full-10pct"]
    teachers += [*(f"grouped-{shadow}" for shadow in shadows), "groups", "grouped-10pct"]
    assert students == [f"{teacher}-distilled-006" for teacher in teachers]
    for out in ("whole", "beside"):
        again, engine = audit(out)
        assert (engine.backend.trained, engine.backend.asked) == ([], [])
        assert again == first


def test_longer_distillation_goes_on_and_trains_nothing_else(whole, audit):
    _, engine = audit("longer", {"attack": {"trajectory": {"epochs": 8}}})
    assert len(engine.backend.trained) == 12
    assert engine.backend.steps == 12 * 2 * 19


@pytest.mark.parametrize(
    ("changes", "reserved"),
    [
        ({}, False),
        ({"split": {"shadow_members": 300}}, True),
        ({"split": {"shadow_members": 250}, "shadows": {"design": "in_and_out"}}, False),
        ({"split": {"shadow_members": 900}, "shadows": {"design": "in_and_out"}}, True),
        ({"attack": {"families": ["trajectory"]}}, False),
    ],
)
def test_auxiliary_records_are_nobodys_and_all_are_asked_about_them(digits, changes, reserved):
    plan = draft_plan(config_of(changes), digits.labels, 10)
    auxiliary = plan.split.auxiliary
    assert len(np.unique(auxiliary)) == 300
    assert np.isin(auxiliary, plan.split.pool).all()
    for model in plan.models.values():
        assert not np.isin(auxiliary, model.members).any()
        assert np.isin(auxiliary, model.asked).all()
    for shadow in plan.split.shadows:
        assert not np.isin(auxiliary, shadow.rows).any()
    # Shadows are what they would be without, where they leave enough.
    plain = draft_plan(config_of(changes, {"attack": {"families": ["lira"]}}), digits.labels, 10)
    assert len(plain.split.auxiliary) == 0
    same = [
        np.array_equal(one.members, other.members)
        for one, other in zip(plan.shadows, plain.shadows)
    ]
    assert any(same) != reserved
    assert all(same) != reserved


@pytest.mark.parametrize(
    "changes",
    [
        {"targets": 2, "shadows": {"count": 2, "design": "in_and_out"}},
        {"shadows": {"count": 1}},
    ],
    ids=["in-and-out", "one-shadow"],
)
def test_other_designs_have_thresholds_too(audit, changes, request):
    results, engine = audit(request.node.name, BRIEF, changes, {"deletion": {"ratios": []}})
    assert engine.train_calls == 2
    for name in ("quantile", "trajectory"):
        assert results.attacks[name].decisions[0].fpr is not None
        assert len(results.attacks[name].per_target) == (2 if "targets" in changes else 0)


def test_stand_ins_that_saw_all_of_the_population_give_no_threshold(audit):
    small = {
        "split": {"shadow_members": 380},
        "attack": {"population": 60, "families": ["quantile"]},
    }
    results, _ = audit("few", BRIEF, small)
    found = results.attacks["quantile"]
    assert found.auc is not None
    assert found.accuracy is None
    assert all(decision.fpr is None for decision in found.decisions)


class AtOnce(NumpyBackend):
    capabilities = frozenset({Capability.WEIGHTS})


@pytest.mark.parametrize(
    ("changes", "backend", "error", "words"),
    [
        (
            {"attack": {"trajectory": {"auxiliary": 1000}}}, NumpyBackend, DataError,
            "auxiliary: 1000 records.*pool, which has 1397 and gives 400 to a shadow: lower it",
        ),
        ({"attack": {"population": 49}}, NumpyBackend, DataError, "learns from 50 records"),
        (
            {}, AtOnce, ConfigError,
            "'trajectory' cannot run here.*trains more models.*name a backend of networks",
        ),
        (
            {"shadows": {"data": {"source": "noisy"}}}, NumpyBackend, ConfigError,
            "'quantile' cannot run here.*shadows.data.source: real",
        ),
    ],
    ids=["auxiliary", "population", "at-once", "made"],
)  # fmt: skip
def test_what_cannot_be_is_one_line_before_anything_trains(audit, changes, backend, error, words):
    numpy = backend()
    with pytest.raises(error, match=words) as caught:
        audit("refused", changes, backend=numpy)
    assert "\n" not in str(caught.value)
    assert (numpy.trained, numpy.asked) == ([], [])
