"""Requests to delete from several targets that are trained in slices, and what that costs."""

import json
import shutil

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.deletion.certificate import read_certificate
from mia_dual.deletion.ledger import read_ledger
from mia_dual.errors import ConfigError, StoreError
from mia_dual.progress import Silent
from mia_dual.store.files import as_npz
from mia_dual.store.folder import LEDGER, RunFolder
from mia_dual.store.keys import array_digest
from mia_dual.store.objects import Store
from mia_dual.training.batches import steps_an_epoch
from mia_dual.walks.delete import delete_records
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.places import accuracy_places, attack_places
from mia_dual.walks.run import run_audit
from mia_dual.walks.verify import verify_run
from mia_dual.walks.wanted import Wanted
from tests.numpy_backend import NumpyBackend, NumpyEngine

# All that a config can ask of deletion beside requests.
SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 100, "target_non_members": 100, "shadow_members": 100},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 6, "learning_rate": 0.1},
    "targets": 3,
    "shadows": {"count": 4, "design": "in_and_out"},
    "attack": {"families": ["lira"]},
    "deletion": {
        "ratios": [0.1],
        "choice": ["random", "exposed"],
        "shared": True,
        "approximate": ["fine_tune"],
        "groups": 2,
        "slices": 3,
        "assignment": "likelihood",
        "aggregation": "weighted",
    },
}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    likely = tmp_path_factory.mktemp("likely") / "likely.txt"
    likely.write_text("".join(f"{record} 0.{record % 9 + 1}\n" for record in range(1797)))
    deletion = {**SETTINGS["deletion"], "likelihood": str(likely)}
    return Config.model_validate({**SETTINGS, "deletion": deletion})


@pytest.fixture(scope="module")
def finished(tmp_path_factory, config, digits):
    folder = tmp_path_factory.mktemp("several") / "run"
    with RunFolder(folder, config, Store(folder.parent / "store")) as opened:
        run_audit(config, NumpyEngine(), digits, opened, Silent())
    return folder


@pytest.fixture
def delete(finished, config, digits, tmp_path):
    """Delete from a copy of the run, which lies at ``tmp_path / "run"``, without its store."""
    run = shutil.copytree(finished, tmp_path / "run")

    def call(**wanted):
        backend = NumpyBackend()
        with RunFolder(run, config, Store(tmp_path / "store"), adopt=True) as folder:
            found = delete_records(
                config, Wanted(**wanted), NumpyEngine(backend), digits, folder, Silent()
            )
        return (*found, backend)

    return call


def members_of(run):
    return {name: membership.members for name, membership in FinishedRun(run).targets.items()}


def alone_in(run, target):
    """Members of ``target`` and of no other."""
    found = members_of(run)
    others = np.concatenate([rows for name, rows in found.items() if name != target])
    return np.setdiff1d(found[target], others)


def last_slices(run, target, records):
    """The ``records`` that training comes to last, in one group or another of ``target``."""
    arrays = np.load(run / "plan.npz")
    ends = [arrays[f"slice/{target}-group-0{number}/002"] for number in range(2)]
    return np.intersect1d(np.concatenate(ends), records)


def verify(run, digits, retrain):
    return verify_run(FinishedRun(run), lambda: digits, NumpyEngine, retrain, Silent())


def test_a_request_goes_to_the_targets_that_have_the_record_and_starts_at_its_slice(
    delete, config, digits, tmp_path
):
    run = tmp_path / "run"
    record = int(last_slices(run, "target-01", alone_in(run, "target-01"))[0])
    entry, results, backend = delete(records=(record,))
    full, grouped = "target-01-full-request-1", entry.retrained["target-01 grouped"]
    assert len(grouped) == 1
    assert entry.versions == {
        "full": "original",
        "grouped": "groups",
        "target-01 full": full,
        "target-01 grouped": "target-01-grouped-request-1",
        "target-02 full": "target-02-original",
        "target-02 grouped": "target-02-groups",
    }
    assert {whom for whom, names in entry.retrained.items() if names} == {
        "target-01 full", "target-01 grouped",
    }  # fmt: skip
    # What is kept in the folder is enough to start from: two of three slices are not seen again.
    assert set(backend.trained) == {full, *grouped}
    told = {found.method: found for found in results.deletion if found.request == "request 1"}
    assert backend.steps == sum(found.steps for found in told.values())
    # A group has 50 records, and each of three slices half of the target's six epochs.
    assert told["grouped"].steps == 3 * steps_an_epoch(50 - 1, config.target.batch_size)
    assert (told["grouped"].deleted, told["grouped"].retained) == (1, 99)
    assert (told["grouped"].groups, told["grouped"].groups_retrained) == (2, 1)
    # Trained from nothing, slice upon slice, they are the same; so are targets that stayed.
    found = verify(run, digits, "all")
    assert found.difference == 0.0
    again, before = NumpyBackend(), (run / "results.json").read_bytes()
    with RunFolder(run, config, Store(tmp_path / "store")) as folder:
        run_audit(config, NumpyEngine(again), digits, folder, Silent())
    assert (again.trained, (run / "results.json").read_bytes()) == ([], before)
    assert {"target", "target-02", *grouped} <= set(found.retrained)


def test_requests_add_up_over_targets_and_all_that_is_told_belongs_together(
    delete, digits, tmp_path
):
    run = tmp_path / "run"
    first = int(alone_in(run, "target-02")[0])
    delete(records=(first,))
    entry, results, _ = delete(ratio=0.1)
    everyone = np.unique(np.concatenate(list(members_of(run).values())))
    assert len(entry.records) == round(0.1 * len(everyone))
    assert first not in entry.records
    finished = FinishedRun(run)
    gone = np.array([first, *entry.records])
    for version in entry.versions.values():
        assert not finished.seen(version, gone).any()
    deleted = [len(np.intersect1d(entry.records, rows)) for rows in members_of(run).values()]
    assert min(deleted) > 0
    (told,) = [
        found
        for found in results.deletion
        if (found.request, found.method) == ("request 2", "grouped")
    ]
    assert (told.deleted, told.retained) == (sum(deleted), 3 * 100 - 1 - sum(deleted))
    # What the config asks for stays beside it.
    asked = {found.request for found in (*results.deletion, *results.compared)}
    assert asked == {"10%", "10% exposed", "request 1", "request 2"}
    attack_places(finished)
    for place in accuracy_places(finished).values():
        place.called_rightly(finished)
    certificate = verify(run, digits, 2).certificate
    assert certificate.deleted == len(gone)
    assert certificate.versions.keys() == entry.versions.keys()
    for version in certificate.versions.values():
        sizes = tuple(certificate.models[name].records for name in version.models)
        assert version.sizes in ((), sizes)
    # A class goes from every target, and so does a group's.
    entry, _, _ = delete(label=3)
    assert set(digits.labels[list(entry.records)]) == {3}
    left = np.setdiff1d(everyone, [*gone, *entry.records])
    assert 3 not in digits.labels[left]
    entry, _, _ = delete(group=1)
    versions = FinishedRun(run).versions
    for target in ("", "target-01-", "target-02-"):
        models = versions[f"{target}grouped-request-4"].models
        assert {name.partition("-request")[0] for name in models} == {f"{target}group-00"}
    assert [found.number for found in read_ledger(run / LEDGER)] == [1, 2, 3, 4]


def test_a_certificate_holds_each_slice_and_whose_training_a_model_goes_on_with(
    delete, digits, tmp_path
):
    run = tmp_path / "run"
    record = int(alone_in(run, "target-01")[0])
    (name,) = delete(records=(record,))[0].retrained["target-01 grouped"]
    arrays = dict(np.load(run / "plan.npz"))
    certified = read_certificate(run).models
    assert certified[name].slices == tuple(
        array_digest(arrays[f"slice/{name}/00{number}"]) for number in range(3)
    )
    assert certified[name].drawn_as == name.replace("-request-1", "")
    assert certified["target"].slices == ()
    before = (run / "plan.npz").read_bytes()
    moved = arrays[f"slice/{name}/000"][:1]
    arrays[f"slice/{name}/000"] = arrays[f"slice/{name}/000"][1:]
    (run / "plan.npz").write_bytes(as_npz(arrays))
    with pytest.raises(StoreError, match=f"the slices of '{name}' do not make up"):
        verify(run, digits, 0)
    arrays[f"slice/{name}/001"] = np.union1d(arrays[f"slice/{name}/001"], moved)
    (run / "plan.npz").write_bytes(as_npz(arrays))
    with pytest.raises(StoreError, match=rf"plan.npz was altered .*'slice/{name}' are not"):
        verify(run, digits, 0)
    (run / "plan.npz").write_bytes(before)
    for change, words in (
        (lambda plan: plan["models"][name].update(drawn_as=name), "is drawn under another name"),
        (
            lambda plan: plan["versions"]["target-01-grouped-request-1"].update(sizes=[1, 1]),
            "the versions in force are not of the models and sizes",
        ),
    ):
        text = (run / "plan.json").read_text()
        plan = json.loads(text)
        change(plan)
        (run / "plan.json").write_text(json.dumps(plan))
        with pytest.raises(StoreError, match=f"plan.json was altered .*{words}"):
            verify(run, digits, 0)
        (run / "plan.json").write_text(text)
    assert verify(run, digits, 0).certificate.deleted == 1


def test_what_cannot_be_deleted_from_a_target_names_it_and_changes_nothing(
    delete, digits, tmp_path
):
    run = tmp_path / "run"
    members = members_of(run)
    everyone = np.unique(np.concatenate(list(members.values())))
    none = int(np.setdiff1d(FinishedRun(run).targets["target"].rows, everyone)[0])
    second = members["target-01"]
    of_a_class = second[digits.labels[second] == 5]
    before = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    for wanted, words in (
        ({"records": (none,)}, rf"{none} is no member of any target"),
        ({"records": tuple(second.tolist())}, "all 100 members that are left of target-01"),
        ({"records": tuple(of_a_class.tolist())}, "leave target-01 no member of class 5: say so"),
        ({"group": 2}, "the groups are 0 to 1"),
    ):
        with pytest.raises(ConfigError, match=words) as caught:
            delete(**wanted)
        assert "\n" not in str(caught.value)
    after = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    assert before == after
