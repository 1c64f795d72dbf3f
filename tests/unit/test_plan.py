"""The plan says who sees what, before anything trains, and is a function of config and labels."""

import io
import json
import tracemalloc

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.errors import DataError
from mia_dual.plan.document import plan_arrays, plan_document
from mia_dual.plan.draft import draft_plan
from mia_dual.store.files import as_npz, write_npz

LABELS = np.arange(1600) % 4
SPLIT = {"target_members": 200, "target_non_members": 100, "shadow_members": 150}


def plan_of(**settings):
    config = Config.model_validate(
        {"split": SPLIT, "shadows": {"count": 3}, "attack": {"families": ["shadow"]}, **settings}
    )
    return draft_plan(config, LABELS, classes=4)


def test_every_model_knows_its_records():
    plan = plan_of(deletion={"ratios": [0.1], "groups": 5, "classes": [2]})
    assert list(plan.models) == [
        "target", "shadow-00", "shadow-01", "shadow-02",
        *(f"shadow-{shadow:02d}-group-{number:02d}" for shadow in range(3) for number in range(5)),
        "full-10pct", "full-classes",
        *(f"group-{number:02d}" for number in range(5)),
        *(f"group-{number:02d}-{request}" for request in ("10pct", "classes")
          for number in range(5)),
    ]  # fmt: skip
    target = plan.models["target"]
    for model in plan.models.values():
        assert (np.diff(model.members) > 0).all()
        assert (np.diff(model.asked) > 0).all()
        if model.role in ("shadow", "shadow_group"):
            assert not np.isin(model.asked, target.asked).any()
            assert np.isin(model.members, model.asked).all()
        else:
            assert np.array_equal(model.asked, target.asked)
            assert np.isin(model.members, target.members).all()
    assert not (LABELS[plan.models["full-classes"].members] == 2).any()
    for prefix, whole in (("", target), ("shadow-01-", plan.models["shadow-01"])):
        groups = [plan.models[f"{prefix}group-{number:02d}"].members for number in range(5)]
        assert np.array_equal(np.sort(np.concatenate(groups)), whole.members)
    assert [version.name for version in plan.shadow_groups] == [
        "shadow-00", "shadow-01", "shadow-02",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"deletion": {"fitted_on": "single"}},
        {"deletion": {"methods": ["full"]}},
        {"deletion": {"ratios": []}},
        {"shadows": {"count": 3, "data": {"source": "noisy"}}},
    ],
    ids=["single", "full", "nothing", "made"],
)
def test_shadows_are_trained_in_groups_only_where_attacks_learn_from_them(settings):
    plan = plan_of(**settings)
    assert plan.shadow_groups == ()
    assert "shadow_group" not in {model.role for model in plan.models.values()}


def test_memberships_say_who_is_in():
    plan = plan_of()
    found = plan.memberships()
    assert found.shape == (len(plan.models), len(plan.audited))
    for row, model in zip(found, plan.models.values()):
        assert np.array_equal(plan.audited[row], model.members)


def test_versions_hold_no_deleted_record():
    plan = plan_of(deletion={"ratios": [0.05, 0.2], "groups": 4, "placement": "concentrated"})
    assert [(deletion.request.name, deletion.method) for deletion in plan.deletions] == [
        ("5%", "full"), ("5%", "grouped"), ("20%", "full"), ("20%", "grouped"),
    ]  # fmt: skip
    for deletion in plan.deletions:
        after = plan.versions[deletion.after]
        seen = np.concatenate([plan.models[name].members for name in after.models])
        assert np.array_equal(np.sort(seen), deletion.request.retained)
        # What was not hit is not trained again.
        kept = set(after.models) - set(after.retrained)
        assert kept == set(plan.versions[deletion.before].models) & set(after.models)


def test_one_more_shadow_or_ratio_leaves_the_rest_as_it_was():
    plan = plan_of(deletion={"ratios": [0.1]})
    for other in (
        plan_of(shadows={"count": 5}, deletion={"ratios": [0.1]}),
        plan_of(deletion={"ratios": [0.1, 0.3]}),
    ):
        for name, model in plan.models.items():
            assert np.array_equal(other.models[name].members, model.members)
            assert np.array_equal(other.models[name].asked, model.asked)


def test_a_class_without_evidence_is_named_before_anything_trains():
    labels = LABELS.copy()
    labels[labels == 3] = 2
    labels[:1] = 3
    config = Config.model_validate({"split": SPLIT})
    with pytest.raises(DataError, match=r"class 3 has no shadow.*shadow_members"):
        draft_plan(config, labels, classes=4)


def test_the_document_holds_it_all():
    plan = plan_of()
    document = json.loads(json.dumps(plan_document(plan)))
    assert list(document["models"]) == list(plan.models)
    assert document["models"]["target"] == {
        "role": "target", "recipe": "target", "members": 200, "asked": 300, "slices": 0,
        "drawn_as": "target", "origin": None,
    }  # fmt: skip
    arrays = plan_arrays(plan)
    assert np.array_equal(arrays["members/shadow-01"], plan.models["shadow-01"].members)
    assert len(arrays["deleted/10pct"]) == document["requests"]["10%"]["deleted"] == 20
    assert arrays["memberships"].dtype == bool


def test_arrays_are_written_one_by_one_as_numpy_writes_them_all():
    arrays = plan_arrays(plan_of())
    whole = io.BytesIO()
    np.savez(whole, **{name: arrays[name] for name in arrays})
    assert as_npz(arrays) == whole.getvalue()


def test_a_plan_of_many_models_takes_bits_and_is_written_an_array_at_a_time(tmp_path):
    models, records = 42, 20_000
    config = Config.model_validate(
        {
            "split": {
                **{"target_members": 9_000, "target_non_members": 9_000},
                "shadow_members": 10_000,
            },
            "shadows": {"count": 40, "design": "in_and_out"},
            "deletion": {"methods": ["full"], "ratios": [0.1]},
        }
    )
    labels = np.arange(records) % 4
    as_indices = 8 * models * records
    tracemalloc.start()
    plan = draft_plan(config, labels, 4)
    held, _ = tracemalloc.get_traced_memory()
    with (tmp_path / "plan.npz").open("wb") as stream:
        write_npz(stream, plan_arrays(plan))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(plan.models) == models
    assert held < as_indices / 8
    # Memberships are a table of a byte a model and record.
    assert peak < as_indices / 2.5
    written = np.load(tmp_path / "plan.npz")
    assert np.array_equal(
        written["memberships"],
        [np.isin(written["audited"], written[f"members/{name}"]) for name in plan.models],
    )


def test_shadows_of_another_network_have_a_recipe_of_their_own():
    plan = plan_of(shadows={"count": 2, "network": "lenet5"})
    assert {model.role: model.recipe for model in plan.models.values()} == {
        "target": "target", "shadow": "shadow", "shadow_group": "shadow", "full": "target",
        "group": "target",
    }  # fmt: skip
    assert plan.recipes["shadow"].network == "lenet5"
    assert plan.recipes["shadow"].epochs == plan.recipes["target"].epochs
    assert list(plan_of(shadows={"count": 2, "network": "convnet"}).recipes) == ["target"]
