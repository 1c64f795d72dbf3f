"""A signed certificate: whose signature it is, and how each alteration of either is found."""

import json
import shutil

import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.deletion.certificate import encode, read_certificate
from mia_dual.deletion.signature import sign
from mia_dual.deletion.signing_keys import make_pair, read_private_key, read_public_key
from mia_dual.errors import StoreError
from mia_dual.progress import Silent
from mia_dual.store.folder import CERTIFICATE, SIGNATURE, RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.delete import delete_records
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.verify import verify_run
from mia_dual.walks.wanted import Wanted
from tests.numpy_backend import Interrupted, NumpyEngine
from tests.pipeline.deleted_run import SETTINGS
from tests.pipeline.test_bad_input import assert_refused


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("others"))


@pytest.fixture
def unsigned(deleted_run, tmp_path):
    return shutil.copytree(deleted_run, tmp_path / "run")


@pytest.fixture
def run(unsigned, pair):
    sign_again(unsigned, pair)
    return unsigned


def sign_again(path, pair):
    text = sign((path / CERTIFICATE).read_bytes(), read_private_key(pair.private))
    (path / SIGNATURE).write_text(text)


def verify(path, dataset, pair=None):
    key = None if pair is None else read_public_key(pair.public)
    return verify_run(FinishedRun(path), lambda: dataset, NumpyEngine, 0, Silent(), key)


def change_signature(path, key, value):
    content = json.loads((path / SIGNATURE).read_text())
    assert content[key] != value
    content[key] = value
    (path / SIGNATURE).write_text(json.dumps(content))


def certify_anew(path):
    """A certificate that is whole in itself, of the same deletions."""
    found = read_certificate(path)
    (path / CERTIFICATE).write_text(encode(found.model_copy(update={"package": "9"}).sealed()))


def test_a_signature_is_checked_by_the_key_given_or_told_with_its_fingerprint(run, digits, pair):
    signed = verify(run, digits, pair).signed
    assert (signed.fingerprint, signed.trusted) == (pair.fingerprint, True)
    signed = verify(run, digits).signed
    assert (signed.fingerprint, signed.trusted) == (pair.fingerprint, False)
    # Nothing of ours is needed to check it.
    content = json.loads((run / SIGNATURE).read_text())
    load_pem_public_key(content["public_key"].encode()).verify(
        bytes.fromhex(content["signature"]), (run / CERTIFICATE).read_bytes()
    )


def test_a_run_may_go_unsigned_until_a_key_is_given(unsigned, digits, pair):
    assert verify(unsigned, digits).signed is None
    with pytest.raises(StoreError, match=r"has no certificate\.sig: .*was not signed"):
        verify(unsigned, digits, pair)


def test_another_key_is_told_by_its_fingerprint(run, digits, pair, other):
    with pytest.raises(StoreError, match=r"certificate\.sig' is by another key") as caught:
        verify(run, digits, other)
    assert pair.fingerprint in str(caught.value)
    assert other.fingerprint in str(caught.value)


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (certify_anew, r"certificate.sig' does not fit certificate.json: either was altered"),
        (
            lambda path: (path / CERTIFICATE).write_bytes((path / CERTIFICATE).read_bytes() + b" "),
            r"certificate.sig' does not fit certificate.json",
        ),
        (
            lambda path: change_signature(path, "signature", "0" * 128),
            r"certificate.sig' does not fit certificate.json",
        ),
        (
            lambda path: change_signature(path, "signature", "0" * 126),
            r"certificate.sig' was changed: 'signature' is not",
        ),
        (
            lambda path: change_signature(path, "fingerprint", "0" * 64),
            r"certificate.sig' was changed: 'fingerprint' and 'public_key'",
        ),
        (
            lambda path: change_signature(path, "public_key", "none"),
            r"certificate.sig' was changed: 'public_key' is no Ed25519 key",
        ),
        (
            lambda path: change_signature(path, "algorithm", "none"),
            r"certificate.sig' was changed: 'algorithm' is not",
        ),
        (
            lambda path: change_signature(path, "schema_version", 99),
            r"certificate.sig' is of schema version 99, .* reads 1",
        ),
        (lambda path: (path / SIGNATURE).write_text("{"), r"certificate.sig' .* not JSON"),
        (lambda path: (path / SIGNATURE).write_text("[]"), r"certificate.sig' was changed: it is"),
        (lambda path: (path / SIGNATURE).write_bytes(b"\xff\0"), r"certificate.sig' .* not JSON"),
        (
            lambda path: ((path / SIGNATURE).unlink(), (path / SIGNATURE).mkdir()),
            r"certificate.sig' cannot be read",
        ),
    ],
    ids=[
        "certificate", "space", "signature", "short", "fingerprint", "no-key", "algorithm",
        "schema", "no-json", "no-table", "no-text", "folder",
    ],
)  # fmt: skip
def test_each_alteration_is_found_and_named_with_and_without_a_key(
    run, digits, pair, alter, message
):
    alter(run)
    for given in (None, pair):
        with pytest.raises(StoreError, match=message) as raised:
            verify(run, digits, given)
        assert "\n" not in str(raised.value)


def test_another_key_cannot_take_the_place_of_the_one_that_signed(run, digits, pair, other):
    theirs = json.loads(sign(b"another", read_private_key(other.private)))
    for key in ("public_key", "fingerprint"):
        change_signature(run, key, theirs[key])
    with pytest.raises(StoreError, match=r"certificate.sig' does not fit certificate.json"):
        verify(run, digits)
    # Whole in itself, as a forger signs it: only the trusted key tells.
    certify_anew(run)
    sign_again(run, other)
    with pytest.raises(StoreError, match=r"certificate.sig' is by another key"):
        verify(run, digits, pair)


def test_a_signature_is_of_the_last_deletion_or_is_none(run, digits, pair, monkeypatch):
    config = Config.model_validate(SETTINGS)
    members = np.load(run / "plan.npz")["target_members"].tolist()

    def delete(wanted, key=None):
        with RunFolder(run, config, Store(run.parent / "store")) as folder:
            delete_records(config, wanted, NumpyEngine(), digits, folder, Silent(), key)

    write = RunFolder.write

    def cut_off(folder, name, content):
        if name == SIGNATURE:
            raise Interrupted
        write(folder, name, content)

    key, before = read_private_key(pair.private), (run / SIGNATURE).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write", cut_off)
        with pytest.raises(Interrupted):
            delete(Wanted(records=(members[9],)), key)
    assert (run / SIGNATURE).read_bytes() == before
    for given in (None, pair):
        with pytest.raises(StoreError, match=r"does not fit .* or repeat that deletion"):
            verify(run, digits, given)
    delete(Wanted(), key)
    found = verify(run, digits, pair)
    assert (found.certificate.deleted, found.signed.trusted) == (4, True)
    delete(Wanted(records=(members[10],)))
    assert not (run / SIGNATURE).exists()
    found = verify(run, digits)
    assert (found.certificate.deleted, found.signed) == (5, None)


def test_a_wrong_key_stops_a_deletion_before_anything_changes(cli, run, pair, tmp_path):
    before = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    record = int(np.load(run / "plan.npz")["target_members"][9])
    for name, words in (
        (pair.public, ["--sign", "holds a public key"]),
        (run, ["--sign", "cannot be read"]),
    ):
        assert_refused(cli("delete", run, "--records", record, "--sign", name), *words)
    after = sorted((file.name, file.read_bytes()) for file in run.iterdir() if file.is_file())
    assert before == after
    assert not (tmp_path / "store").exists()


def test_the_command_says_whose_signature_it_is_and_what_that_proves(cli, run, pair, other):
    done = cli("verify", run)
    assert done.returncode == 0, done.stderr
    assert pair.fingerprint in done.stdout
    assert "not checked against a key you trust" in done.stdout
    assert "it does not prove that what it says is true" in done.stdout
    done = cli("verify", run, "--key", pair.public)
    assert done.returncode == 0, done.stderr
    assert f"{pair.fingerprint}, which is the key given" in done.stdout
    assert_refused(cli("verify", run, "--key", other.public), "certificate.sig", "another key")
    assert_refused(cli("verify", run, "--key", pair.private), "--key", "holds a private key")
    (run / SIGNATURE).unlink()
    assert "certificate.sig: none: the certificate is not signed" in cli("verify", run).stdout
