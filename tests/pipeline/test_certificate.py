"""What a certificate of deletions says of a run folder, and how each alteration of it is found."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.deletion.certificate import (
    LIMIT_OF_SCALING,
    LIMITS,
    STATEMENT,
    encode,
    read_certificate,
)
from mia_dual.deletion.ledger import read_ledger
from mia_dual.errors import StoreError
from mia_dual.progress import Silent
from mia_dual.store.files import as_npz, checksum_of
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import array_digest
from mia_dual.store.objects import Store
from mia_dual.walks.delete import delete_records
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.verify import verify_run
from mia_dual.walks.wanted import Wanted
from tests.numpy_backend import Interrupted, NumpyBackend, NumpyEngine
from tests.pipeline.deleted_run import SETTINGS, make_run
from tests.pipeline.test_bad_input import assert_refused


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def deleted_of(path):
    return np.load(path / "plan.npz")["target_members"][:3]


def write_ledger(path, lines):
    (path / "ledger.jsonl").write_text("".join(lines))


def ledger_lines(path):
    return (path / "ledger.jsonl").read_text().splitlines(keepends=True)


@pytest.fixture
def run(deleted_run, tmp_path):
    """A copy of the run folder, without the store that it was made over."""
    return shutil.copytree(deleted_run, tmp_path / "run")


def verify(path, dataset, retrain=0, backend=None):
    engine = NumpyEngine(backend)
    return verify_run(FinishedRun(path), lambda: dataset, lambda: engine, retrain, Silent())


def test_a_certificate_says_what_is_in_force_and_what_it_saw(run, digits):
    certificate = read_certificate(run)
    plan = np.load(run / "plan.npz")
    grouped = certificate.versions["grouped"]
    assert certificate.versions["full"].models == ("full-request-2",)
    assert (grouped.name, grouped.aggregation, len(grouped.models)) == (
        "grouped-request-2", "mean", 4,
    )  # fmt: skip
    assert certificate.models.keys() == {"full-request-2", *grouped.models}
    assert certificate.ledger == read_ledger(run / "ledger.jsonl")[-1].digest
    for name, model in certificate.models.items():
        members = plan[f"members/{name}"]
        assert model.weights == checksum_of(run / "models" / f"{name}.safetensors")
        assert (model.indices, model.records) == (array_digest(members), len(members))
        assert not np.isin(members, deleted_of(run)).any()
    assert certificate.data == digits.digest()
    assert certificate.deleted_indices == array_digest(deleted_of(run))
    assert (certificate.entries, certificate.deleted) == (2, 3)
    assert (certificate.recipe["epochs"], certificate.models["full-request-2"].seed) == (4, 0)
    assert (certificate.statement, certificate.limits) == (STATEMENT, LIMITS)
    assert certificate.environment["framework"] == "numpy"


def test_all_models_are_trained_again_bit_for_bit(run, digits):
    backend = NumpyBackend()
    found = verify(run, digits, "all", backend)
    assert (
        sorted(found.retrained) == sorted(backend.trained) == sorted(read_certificate(run).models)
    )
    assert (found.difference, found.elsewhere) == (0.0, "")


def test_the_models_retrained_last_are_trained_again_first(run, digits):
    backend = NumpyBackend()
    _, last = read_ledger(run / "ledger.jsonl")
    latest = [*last.retrained["full"], *last.retrained["grouped"]]
    assert verify(run, digits, len(latest), backend).retrained == tuple(latest)
    assert backend.trained == latest
    untouched = NumpyBackend()
    found = verify(run, digits, 0, untouched)
    assert (found.retrained, found.difference, untouched.trained) == ((), None, [])


def test_what_is_in_force_can_be_verified_while_a_deletion_is_cut_off(run, digits):
    config = Config.model_validate(SETTINGS)

    def delete(wanted, backend):
        with RunFolder(run, config, Store(run.parent / "store")) as folder:
            delete_records(config, wanted, NumpyEngine(backend), digits, folder, Silent())

    broken = NumpyBackend()
    broken.stop_after = 5
    record = int(np.load(run / "plan.npz")["target_members"][9])
    with pytest.raises(Interrupted):
        delete(Wanted(records=(record,)), broken)
    assert verify(run, digits, "all").certificate.deleted == 3
    delete(Wanted(), NumpyBackend())
    assert verify(run, digits, "all").certificate.deleted == 4
    # Cut off after the certificate was written, before the ledger was.
    write_ledger(run, ledger_lines(run)[:2])
    with pytest.raises(StoreError, match="or repeat a deletion that was interrupted"):
        verify(run, digits)


def change_weight(path, by=0.5):
    file = path / "models" / "full-request-2.safetensors"
    weights = safetensors.numpy.load(file.read_bytes())
    weights["fc1.weight"][3, 5] += np.float32(by)
    file.unlink()  # never write through a link
    file.write_bytes(safetensors.numpy.save(weights))


def change_index(path, array, out, into):
    arrays = dict(np.load(path / "plan.npz"))
    rows = np.setdiff1d(arrays[array], [out])
    assert len(rows) == len(arrays[array]) - 1
    arrays[array] = np.union1d(rows, [into])
    (path / "plan.npz").write_bytes(as_npz(arrays))


def another_index(path):
    plan = np.load(path / "plan.npz")
    change_index(
        path,
        "members/full-request-2",
        plan["members/full-request-2"][3],
        plan["target_non_members"][0],
    )


def deleted_index(path):
    plan = np.load(path / "plan.npz")
    change_index(
        path, "members/full-request-2", plan["members/full-request-2"][3], deleted_of(path)[2]
    )


def change_line(path, number, old, new):
    lines = ledger_lines(path)
    assert old in lines[number]
    lines[number] = lines[number].replace(old, new)
    write_ledger(path, lines)


def change_record(path):
    record = int(deleted_of(path)[0])
    change_line(path, 0, f"[{record}]", f"[{record + 1}]")


def change_certificate(path, key, value):
    content = json.loads((path / "certificate.json").read_text())
    place = content
    *parts, last = key.split("/")
    for part in parts:
        place = place[part]
    assert place[last] != value
    place[last] = value
    (path / "certificate.json").write_text(json.dumps(content))


def change_statement_and_digest(path):
    certificate = read_certificate(path)
    certificate = certificate.model_copy(update={"statement": "Nothing was deleted."}).sealed()
    (path / "certificate.json").write_text(encode(certificate))


def change_config(path):
    file = path / "config.yaml"
    text = file.read_text()
    assert "\nseed: 0\n" in text
    file.write_text(text.replace("\nseed: 0\n", "\nseed: 1\n"))


def change_version(path):
    plan = json.loads((path / "plan.json").read_text())
    plan["versions"]["full-request-2"]["models"] = ["target"]
    (path / "plan.json").write_text(json.dumps(plan))


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (change_weight, r"models/full-request-2.safetensors was altered .*SHA-256"),
        (
            lambda path: (path / "models" / "full-request-2.safetensors").unlink(),
            r"models/full-request-2.safetensors cannot be read",
        ),
        (another_index, r"plan.npz was altered .*'members/full-request-2' are not the indices"),
        (deleted_index, r"plan.npz has record \d+ among .* 'full-request-2', and the ledger says"),
        (change_record, r"ledger.jsonl' was changed: entry 1 "),
        (
            lambda path: write_ledger(path, ledger_lines(path)[1:]),
            r"ledger.jsonl' was changed: entry 1 ",
        ),
        (
            lambda path: write_ledger(path, ledger_lines(path)[:1]),
            r"ledger.jsonl was altered.*after 2 entries, and the last of the ledger's 1 is not",
        ),
        (lambda path: (path / "ledger.jsonl").unlink(), r"ledger.jsonl was altered.*ledger's 0 "),
        (
            lambda path: change_certificate(path, "models/full-request-2/indices", "0" * 64),
            r"certificate.json' was changed: its content does not have its digest",
        ),
        (
            lambda path: change_certificate(path, "statement", "All is well."),
            r"certificate.json' was changed: its content does not have its digest",
        ),
        (change_statement_and_digest, r"certificate.json' was changed: its statement or limits"),
        (
            lambda path: change_certificate(path, "models/full-request-2/records", "many"),
            r"certificate.json' was changed: 'models.full-request-2.records' is not",
        ),
        (
            lambda path: change_certificate(path, "schema_version", 99),
            r"certificate.json' is of schema version 99, .* reads 3",
        ),
        (
            lambda path: (path / "certificate.json").write_text("{"),
            r"certificate.json' was changed: it is not JSON",
        ),
        (
            lambda path: (path / "certificate.json").write_text("[]"),
            r"certificate.json' was changed: it is not as such a file has it",
        ),
        (lambda path: (path / "certificate.json").unlink(), r"has no certificate.json"),
        (change_config, r"config.yaml was altered since it was certified"),
        (change_version, r"plan.json was altered .*versions in force are not of the models"),
    ],
    ids=[
        "weight", "no-weights", "index", "deleted-index", "record", "first-line", "last-line",
        "no-ledger", "certified-digest", "statement", "statement-sealed", "certified-type",
        "schema", "no-json", "no-table", "no-certificate", "seed", "version",
    ],
)  # fmt: skip
def test_each_alteration_is_found_and_named(run, digits, alter, message):
    alter(run)
    with pytest.raises(StoreError, match=message) as raised:
        verify(run, digits)
    assert "\n" not in str(raised.value)


def test_another_label_is_found_and_named(run, digits):
    labels = np.array(digits.labels)
    labels[-1] = (labels[-1] + 1) % 10
    with pytest.raises(StoreError, match="data 'digits' was altered"):
        verify(run, replace(digits, labels=labels))


def forge(path, dataset, by):
    """Another weight, and a certificate that goes with it."""
    change_weight(path, by)
    (path / "index.jsonl").write_text(
        (path / "index.jsonl").read_text() + forged_line(path, "models/full-request-2.safetensors")
    )
    certified = read_certificate(path)
    file = path / "models" / "full-request-2.safetensors"
    models = dict(certified.models)
    models["full-request-2"] = models["full-request-2"].model_copy(
        update={"weights": checksum_of(file)}
    )
    forged = certified.model_copy(update={"models": models}).sealed()
    (path / "certificate.json").write_text(encode(forged))


def forged_line(path, name):
    from mia_dual.store.folder import read_index

    entry = replace(read_index(path / "index.jsonl")[name], sha256=checksum_of(path / name))
    return f"{json.dumps(name)} {entry.encode()}"


def test_a_forged_certificate_is_found_by_training_again(run, digits):
    forge(run, digits, by=1e-6)
    assert verify(run, digits).retrained == ()
    message = r"full-request-2.safetensors is not what training on the certified indices gives"
    with pytest.raises(StoreError, match=message):
        verify(run, digits, "all")


def test_another_version_may_round_otherwise_but_not_train_another_model(run, digits):
    forge(run, digits, by=1e-6)
    found = verify(run, digits, "all", NumpyBackend(version="2"))
    assert 0 < found.difference < 1e-4
    assert found.elsewhere == "version was 1, is 2"
    forge(run, digits, by=0.5)
    with pytest.raises(StoreError, match=r"0.001 is allowed .*\(version was 1, is 2\)"):
        verify(run, digits, "all", NumpyBackend(version="2"))


def test_a_certificate_says_where_scaling_still_knows_the_deleted(tmp_path, digits):
    features = digits.features.reshape(len(digits.labels), -1).astype(np.float32)
    rows = replace(digits, features=features, standardise=True)
    make_run(tmp_path / "run", rows)
    certificate = read_certificate(tmp_path / "run")
    members = np.load(tmp_path / "run" / "plan.npz")["target_members"]
    assert certificate.scaling == array_digest(members)
    assert certificate.limits == (*LIMITS, LIMIT_OF_SCALING)
    assert verify(tmp_path / "run", rows, "all").difference == 0.0
    # Whom features are scaled by cannot be changed unseen, either.
    spare = np.load(tmp_path / "run" / "plan.npz")["shadow_pool"][0]
    change_index(tmp_path / "run", "target_members", members[0], spare)
    with pytest.raises(StoreError, match=r"its records are not the target's in plan\.npz"):
        verify(tmp_path / "run", rows)


def test_the_command_says_what_it_checked_and_fails_on_what_was_altered(cli, run):
    done = cli("verify", run)
    assert done.returncode == 0, done.stderr
    digest = read_certificate(run).digest
    assert digest in done.stdout
    assert "2 entries" in done.stdout
    assert "training indices of 5 models as certified" in done.stdout
    assert "no model was trained again" in done.stdout
    nowhere = ("--retrain", "1", "--engine", "ray", "--ray-address", "localhost:1")
    assert_refused(cli("verify", run, *nowhere), "no Ray cluster answers at 'localhost:1'")
    change_weight(run)
    for arguments, word in (((), "full-request-2"), (("--retrain", "none"), "'none'")):
        done = cli("verify", run, *arguments)
        assert done.returncode == 2
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("mia-dual: ")
        assert word in line
