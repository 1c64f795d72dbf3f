"""Requests to delete: they add up, cost what held the records, and are noted down for good."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.deletion.ledger import read_ledger
from mia_dual.errors import ConfigError, MiaDualError, StoreError
from mia_dual.progress import Silent
from mia_dual.report.page.phrases import read_words
from mia_dual.report.results import Results
from mia_dual.store.folder import LEDGER, PENDING, RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.delete import delete_records
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit
from mia_dual.walks.wanted import Wanted
from tests.numpy_backend import Interrupted, NumpyBackend, NumpyEngine
from tests.pipeline.test_bad_input import assert_refused

SETTINGS = {
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 12, "learning_rate": 0.05},
    "shadows": {"count": 3},
    "attack": {"families": ["thresholds", "lira"]},
    "deletion": {"ratios": [], "groups": 4},
}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, digits):
    folder = tmp_path_factory.mktemp("delete")
    config = Config.model_validate(SETTINGS)
    with RunFolder(folder / "run", config, Store(folder / "store")) as opened:
        run_audit(config, NumpyEngine(), digits, opened, Silent())
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A finished run of four groups, with its store."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


def delete(run, backend=None, **wanted):
    config, backend = Config.model_validate(SETTINGS), backend or NumpyBackend()
    with RunFolder(run, config, Store(run.parent / "store")) as folder:
        entry, results = delete_records(
            config, Wanted(**wanted), NumpyEngine(backend), load_dataset("digits"), folder, Silent()
        )
    return entry, results, backend


def members(run):
    return np.load(run / "plan.npz")["target_members"].tolist()


def test_one_record_retrains_its_group_and_requests_add_up(run):
    first, second, third = members(run)[:3]
    # The groups, the target's and the shadows', are trained with the first request, since nothing
    # asked for them before.
    entry, _, backend = delete(run, records=(first,))
    assert set(backend.trained) == {
        "full-request-1", *(f"group-0{number}" for number in range(4)),
        *(f"shadow-0{shadow}-group-0{number}" for shadow in range(3) for number in range(4)),
        *entry.retrained["grouped"],
    }  # fmt: skip
    assert len(entry.retrained["grouped"]) == 1
    entry, results, backend = delete(run, records=(second, third))
    assert (entry.number, entry.deleted, entry.records) == (2, 3, (second, third))
    assert set(backend.trained) == {"full-request-2", *entry.retrained["grouped"]}
    finished = FinishedRun(run)
    gone = np.array([first, second, third])
    for version in ("full-request-2", "grouped-request-2"):
        assert not finished.seen(version, gone).any()
    assert finished.seen("grouped-request-1", gone).tolist() == [False, True, True]
    # The old versions are whole.
    assert finished.seen("original", gone).all()
    assert [deletion.request for deletion in results.deletion] == [
        "request 1", "request 1", "request 2", "request 2",
    ]  # fmt: skip
    told = results.deletion[3]
    assert (told.deleted, told.retained) == (2, 117)
    assert [one.request for one in read_ledger(run / LEDGER)] == [
        f"records {first}", f"records {second},{third}",
    ]  # fmt: skip


def test_a_ratio_means_the_original_members_and_class_and_group_what_is_left(run, digits):
    assert len(delete(run, ratio=0.1)[0].records) == 12
    assert len(delete(run, ratio=0.1)[0].records) == 12
    entry, _, _ = delete(run, label=3)
    assert (digits.labels[list(entry.records)] == 3).all()
    entry, _, _ = delete(run, group=1)
    versions = json.loads((run / "plan.json").read_text())["versions"]
    assert not any(
        model.startswith("group-01") for model in versions["grouped-request-4"]["models"]
    )
    assert len(versions["grouped-request-4"]["models"]) == 3
    assert entry.retrained["grouped"] == ()
    with pytest.raises(ConfigError, match="no audited member of it is left"):
        delete(run, group=1)
    with pytest.raises(ConfigError, match="no member of that class is left"):
        delete(run, label=3)


def test_what_was_cut_off_leaves_the_old_version_in_force_and_goes_on(run):
    before = (run / "results.json").read_bytes()
    record = members(run)[5]
    cut_off = NumpyBackend()
    cut_off.stop_after = 200
    with pytest.raises(Interrupted):
        delete(run, cut_off, records=(record,))
    assert (run / "results.json").read_bytes() == before
    assert FinishedRun(run).requests == {}
    assert (run / PENDING).exists()
    assert read_ledger(run / LEDGER) == []
    with pytest.raises(StoreError, match=f"deletion of 'records {record}' was begun"):
        delete(run, ratio=0.1)
    entry, _, backend = delete(run)
    assert entry.records == (record,)
    assert 0 < len(backend.trained) < 12 + 6
    assert not (run / PENDING).exists()
    assert Results.load(run).deletion[0].request == "request 1"


def test_a_run_repeated_after_a_deletion_keeps_it(run, digits):
    delete(run, records=(members(run)[0],))
    before = (run / "results.json").read_bytes()
    config, backend = Config.model_validate(SETTINGS), NumpyBackend()
    with RunFolder(run, config, Store(run.parent / "store")) as folder:
        run_audit(config, NumpyEngine(backend), digits, folder, Silent())
    assert backend.trained == []
    assert (run / "results.json").read_bytes() == before


def test_requests_that_only_begin_alike_have_other_names():
    many = tuple(range(1000, 1100))
    names = {Wanted(records=records).name for records in (many, many[:-1], many[:1])}
    assert len(names) == 3
    assert all(len(name) < 200 and name.isprintable() for name in names)


@pytest.mark.parametrize("change", ["record", "number", "gone", "twice", "garbage"])
def test_a_ledger_that_was_changed_is_refused(run, change):
    first, second = members(run)[:2]
    delete(run, records=(first,))
    delete(run, records=(second,))
    file = run / LEDGER
    lines = file.read_text().splitlines()
    if change == "record":
        lines[0] = lines[0].replace(f"[{first}]", f"[{members(run)[9]}]")
    elif change == "number":
        lines[1] = lines[1].replace('"number": 2', '"number": 3')
    elif change == "gone":
        lines = lines[1:]
    elif change == "twice":
        lines.append(lines[1])
    else:
        lines[1] = lines[1][:40]
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(StoreError, match=r"ledger.jsonl' was changed: entry \d"):
        delete(run, records=(members(run)[3],))


def test_what_cannot_be_deleted_is_a_line_and_nothing_changes(run, cli, digits, tmp_path):
    first = members(run)[0]
    delete(run, records=(first,))
    before = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    outside = int(np.load(run / "plan.npz")["target_non_members"][0])
    everyone = [one for one in members(run) if one != first]
    labels = digits.labels[everyone]
    of_a_class = tuple(one for one, label in zip(everyone, labels) if label == 5)
    for wanted, words in (
        ({}, "name what to delete"),
        ({"records": (first,)}, f"record {first} is deleted already"),
        ({"records": (outside,)}, f"{outside} is no member"),
        ({"records": tuple(everyone)}, "all 119 members that are left"),
        ({"records": of_a_class}, "no member of class 5: say so with --class 5"),
        ({"ratio": 1.5}, "not between 0 and 1"),
        ({"ratio": 0.999}, "119 are left"),
        ({"label": 77}, "--class 77"),
        ({"group": 9}, "the groups are 0 to 3"),
        ({"indices": tmp_path / "none.txt"}, "--indices: .* cannot be read"),
        ({"ratio": 0.1, "label": 1}, "is one of"),
    ):
        with pytest.raises(MiaDualError, match=words) as caught:
            delete(run, **wanted)
        assert "\n" not in str(caught.value)
    assert_refused(cli("delete", run, "--records", "five"), "'five'", "5,17")
    assert_refused(cli("delete", tmp_path / "nowhere", "--ratio", "0.1"), "no run folder")
    assert_refused(cli("log", tmp_path / "nowhere"), "no run folder")
    after = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    assert before == after


class ElsewhereEngine(NumpyEngine):
    """Believes no record of another run."""

    def recall(self, record):
        pass


def garble(file):
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def of_schema(run, version):
    content = json.loads((run / "results.json").read_text())
    (run / "results.json").write_text(json.dumps({**content, "schema_version": version}))


def add_a_comment(run):
    with (run / "config.yaml").open("a") as stream:
        stream.write("# mine\n")


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda run: (run / "results.json").unlink(), "is not finished"),
        (lambda run: of_schema(run, 1), "has results of schema version 1"),
        (lambda run: garble(run / "results.json"), "results.json is damaged"),
        (lambda run: garble(run / "plan.npz"), "plan.npz is damaged"),
        (lambda run: (run / "plan.json").write_text("{}"), "plan.json is damaged"),
        (lambda run: (run / "index.jsonl").unlink(), "index.jsonl does not name"),
        (lambda run: (run / PENDING).write_text("{}"), "deletion.pending.json' was changed"),
        (add_a_comment, "config.yaml is not what the run was planned by"),
    ],
    ids=["unfinished", "schema", "results", "arrays", "plan", "index", "pending", "config"],
)
def test_a_run_that_is_not_whole_is_left_as_it_is(run, alter, words):
    alter(run)
    before = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    backend = NumpyBackend()
    with pytest.raises(StoreError, match=words) as caught:
        delete(run, backend, ratio=0.1)
    assert "\n" not in str(caught.value)
    after = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    assert (before, backend.trained) == (after, [])


def test_models_of_another_version_are_not_replaced(run, digits, monkeypatch):
    labels = np.array(digits.labels)
    labels[-1] = (labels[-1] + 1) % 10
    config, record = Config.model_validate(SETTINGS), members(run)[0]
    before = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())

    def refused(dataset, engine, words):
        with (
            RunFolder(run, config, Store(run.parent / "store")) as folder,
            pytest.raises(StoreError, match=words),
        ):
            delete_records(config, Wanted(records=(record,)), engine, dataset, folder, Silent())

    newer = NumpyBackend(version="2")
    refused(digits, ElsewhereEngine(newer), r"another version \(version was 1, is 2\)")
    refused(replace(digits, labels=labels), NumpyEngine(newer), "of mia-dual or of the data")
    with monkeypatch.context() as patch:
        patch.setattr("mia_dual.store.keys.CODE_SCHEMA", 99)
        refused(digits, NumpyEngine(newer), "of mia-dual or of the data")
    after = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    assert (before, newer.trained) == (after, [])
    with (
        RunFolder(run, config, Store(run.parent / "store")),
        pytest.raises(StoreError, match="in use by another"),
    ):
        delete(run, records=(record,))


def test_the_commands_delete_show_and_verify(cli, small_config, tmp_path):
    settings = ("--set", "attack.families=[thresholds]", "--set", "deletion.ratios=[]",
                "--set", "deletion.classes=[]", "--set", "targets=2",
                "--set", "shadows.count=4", "--set", "shadows.design=in_and_out",
                "--set", "deletion.slices=2")  # fmt: skip
    begun = cli("run", "-c", small_config, *settings, "--out", "run", "--page")
    assert begun.returncode == 0, begun.stderr
    assert "run/report.html shows it" in " ".join(begun.stdout.split())
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    arrays = np.load(tmp_path / "run" / "plan.npz")
    chosen = np.intersect1d(arrays["target_members"], arrays["target-01/members"])[[3, 8]]
    (tmp_path / "gone.txt").write_text("\n".join(map(str, chosen)))
    made = cli("keys", "make", "keys")
    assert made.returncode == 0, made.stderr
    # The folder is one's own, and has what another store lacks.
    log = tmp_path / "run" / "log.jsonl"
    before = len(log.read_text().splitlines())
    done = cli("delete", "run", "--indices", "gone.txt", "--sign", "keys/mia-dual.pem",
               "--page", "--adopt", "--store", "store")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--adopt" not in done.stderr
    events = map(json.loads, log.read_text().splitlines()[before:])
    trained = [name for one in events if one["event"] == "train" for name in one["models"]]
    assert {"full-request-1", "target"} & set(trained) == {"full-request-1"}
    after = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert [read_words("en")["certificate.title"] in text for text in (page, after)] == [
        False, True,
    ]  # fmt: skip
    *_, fingerprint = made.stdout.split()
    assert f"certificate.sig: signed, fingerprint {fingerprint}" in done.stdout
    assert "request 1 (indices gone.txt): 2 deleted, 2 in all" in done.stdout
    *table, signed, _, last = done.stdout.splitlines()
    assert max(map(len, table)) <= 80
    assert (signed.split(":")[0], last.split(" (")[0]) == ("run/certificate.sig", "request 1")
    shown = cli("log", "run")
    assert shown.returncode == 0, shown.stderr
    for version in ("grouped-request-1", "target-01-full-request-1"):
        assert version in shown.stdout
    assert max(map(len, shown.stdout.splitlines()[:-1])) <= 80
    verified = cli("verify", "run", "--retrain", "all", "--key", "keys/mia-dual.pub.pem")
    assert verified.returncode == 0, verified.stderr
    assert "8 of 8 models trained again: equal bit for bit" in verified.stdout
    assert f"{fingerprint}, which is the key given" in verified.stdout
