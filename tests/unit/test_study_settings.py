"""A study's file says what varies; what no config would take is named before anything runs."""

import pytest

from mia_dual.config import ShadowSettings
from mia_dual.errors import ConfigError
from mia_dual.study_settings import CostStudy, load_study, study_names
from mia_dual.yaml_file import write_yaml


@pytest.fixture
def study(tmp_path):
    def load(assignments=(), **settings):
        file = tmp_path / "mine.yaml"
        file.write_text(write_yaml({"target": {"network": "fcnet"}, "study": settings}))
        return load_study(str(file), assignments)

    return load


@pytest.mark.parametrize("name", study_names())
def test_every_study_that_has_a_name_is_sound(name):
    if name == "noise" and "data" not in ShadowSettings.model_fields:
        pytest.skip("shadows.data is not there yet")
    found = load_study(name)
    assert found.name == name
    settings = found.settings
    assert len(settings.seeds) >= 3
    variations = {run.variation.name for run in found.runs}
    assert len(found.runs) == len(variations) * len(settings.seeds)
    assert len({run.folder for run in found.runs}) == len(found.runs)
    assert all(run.config.seed == run.seed for run in found.runs)


def test_the_studies_asked_for_are_there():
    assert study_names() == [
        "architecture", "classes", "deleted", "deletion", "kinds", "noise", "overfitting",
        "records", "shadows",
    ]  # fmt: skip


def test_a_value_changes_its_key_and_nothing_else(study):
    found = study(key="target.epochs", values=[2, 7], seeds=[3, 4])
    assert [run.folder for run in found.runs] == ["2-seed3", "2-seed4", "7-seed3", "7-seed4"]
    assert [run.config.target.epochs for run in found.runs] == [2, 2, 7, 7]
    assert [run.config.seed for run in found.runs] == [3, 4, 3, 4]
    assert [run.variation.number for run in found.runs] == [2, 2, 7, 7]
    one, other = (run.config.model_dump() for run in found.runs[::2])
    one["target"].pop("epochs"), other["target"].pop("epochs")
    assert one == other


def test_two_keys_give_every_pair(study):
    networks = ["fcnet", "lenet5"]
    found = study(key=["target.network", "shadows.network"], values=[networks, networks[:]])
    pairs = {(run.config.target.network, run.config.shadows.network) for run in found.runs}
    assert pairs == {(one, other) for one in networks for other in networks}
    first = found.runs[0]
    assert (first.folder, first.variation.series) == ("fcnet-fcnet-seed0", "fcnet")


def test_values_may_name_several_settings(study):
    values = [{"target.network": "fcnet", "target.epochs": 3}, {"backend": "other"}]
    found = study(values=values, seeds=[0, 1], names=["small", 7])
    assert [run.config.target.epochs for run in found.runs] == [3, 3, 10, 10]
    assert found.runs[2].config.backend == "other"
    assert [run.variation.number for run in found.runs] == [None, None, 7, 7]
    unnamed = study(values=values)
    assert unnamed.runs[0].variation.name == "network=fcnet, epochs=3"


def test_what_is_kept_of_a_study_reads_back_as_it(study, tmp_path):
    found = study(["target.hidden=9"], key="target.epochs", values=[2, 7], seeds=[3, 4])
    (tmp_path / "again.yaml").write_text(found.to_yaml())
    again = load_study(str(tmp_path / "again.yaml"))
    assert again.runs == found.runs
    assert again.settings == found.settings
    assert again.runs[0].config.target.hidden == 9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"key": "target.epochs"}, "study.values"),
        ({"key": "target.epochs", "values": []}, r"study.values: \[\].*at least 2"),
        ({"key": "target.epochs", "values": [5]}, r"study.values: \[5\].*at least 2"),
        ({"key": "target.epochs", "values": 5}, "study.values: 5.*list"),
        ({"key": "target.epochs", "values": [5, 5]}, r"study.values: it names one twice \(5\)"),
        ({"key": ["target.epochs", "backend"], "values": [[2, 2], ["a"]]}, r"twice \(2\)"),
        (
            {"key": "target.epoch", "values": [5, 6]},
            "study value target.epoch=5: unknown key 'target.epoch': the keys there are network",
        ),
        ({"key": "target.epochs", "values": [5, 0]}, "study value target.epochs=0: .*at least 1"),
        (
            {"key": "target.network", "values": ["fcnet", "vgg"]},
            "study value target.network='vgg'.*choose one of fcnet",
        ),
        ({"key": "backend.name", "values": [5, 0]}, "backend.name=5"),
        ({"key": "seed", "values": [5, 0]}, "study.key.*study.seeds"),
        ({"key": "target..epochs", "values": [5, 0]}, "study.key.*name a setting"),
        ({"key": ["a", "b", "c"], "values": [1, 2, 3]}, "study.key.*at most 2"),
        ({"key": ["target.epochs", "seed"], "values": [[1], [2]]}, "study.key"),
        ({"key": ["target.epochs", "backend"], "values": [1, 2]}, "two lists"),
        ({"values": [5, 6]}, "study.values: 5 names no setting"),
        ({"key": "target.epochs", "values": [5, 6], "seeds": [0]}, r"study.seeds: \[0\].*least 2"),
        ({"key": "target.epochs", "values": [5, 6], "seeds": [1, 1]}, "names one twice"),
        ({"key": "target.epochs", "values": [5, 6], "names": ["a"]}, "study.names: .*as many"),
        ({"key": "target.epochs", "values": [5, 6], "y": ["roc"]}, "study.y.0: 'roc'.*'auc'"),
        ({"key": "target.epochs", "values": [5, 6], "colour": 1}, "unknown key 'study.colour'"),
        (
            {"key": "target.epochs", "values": [5, 6], "y": ["deleted_accuracy"]},
            "deleted_accuracy.*x: deleted",
        ),
        ({"key": "deletion.ratios", "values": [[], [0.5]], "x": "deleted"}, "deletion.ratios"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_bad_studies_are_named(study, settings, message):
    with pytest.raises(ConfigError, match=message) as caught:
        study(**settings)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_study_of_costs_runs_every_pair_of_groups_and_slices(study):
    found = study(kind="cost", groups=[1, 20], slices=[4], seeds=[3, 4])
    assert isinstance(found, CostStudy)
    pairs = [(run.config.deletion.groups, run.config.deletion.slices) for run in found.runs]
    assert pairs == [(1, 4), (1, 4), (20, 4), (20, 4)]
    assert [run.folder for run in found.runs][1:3] == [
        "1-group-4-slices-seed4", "20-groups-4-slices-seed3",
    ]  # fmt: skip
    assert all(run.config.deletion.methods == ("full", "grouped") for run in found.runs)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "price"}, "study.kind: 'price'.*'cost'"),
        ({"kind": "cost", "groups": [0]}, "study.groups.0: 0 .*at least 1"),
        ({"kind": "cost", "slices": []}, "study.slices"),
        ({"kind": "cost", "slices": [2, 2]}, r"study.slices: .*names one twice \(2\)"),
        ({"kind": "cost", "shares": [5.0]}, "study.shares: .*5.0 is not between 0 and 1"),
        ({"kind": "cost", "single": [0]}, "study.single.0: 0 .*at least 1"),
        ({"kind": "cost", "timed": -1}, "study.timed: -1"),
        ({"kind": "cost", "key": "target.epochs"}, "unknown key 'study.key': .*groups, slices"),
    ],
    ids=str,
)
def test_bad_studies_of_costs_are_named(study, settings, message):
    with pytest.raises(ConfigError, match=message) as caught:
        study(**settings)
    assert "\n" not in str(caught.value)


def test_a_study_of_costs_is_of_one_target_that_is_trained(study):
    given = ["data.name=npz", "data.file=mine.npz", "target.weights=mine.safetensors"]
    for assignments in (["targets=2"], given):
        with pytest.raises(ConfigError, match=r"study.kind: cost is of one target"):
            study(assignments, kind="cost")


def test_no_such_study_names_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"no study 'overfiting': choose one of arch.*overfitt"):
        load_study("overfiting")
    with pytest.raises(ConfigError, match=r"nowhere.yaml.*cannot be read"):
        load_study("nowhere.yaml")
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    with pytest.raises(ConfigError, match="is no study: it needs study"):
        load_study(str(tmp_path / "config.yaml"))


def test_the_seed_of_a_study_stands_in_its_seeds(study):
    with pytest.raises(ConfigError, match=r"seed: .*study.seeds"):
        study(["seed=3"], key="target.epochs", values=[5, 6])
