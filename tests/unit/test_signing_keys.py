"""Files of keys: pairs that are made, and what is no key to sign or to check with."""

import stat
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from mia_dual.deletion.signature import check_signature, sign
from mia_dual.deletion.signing_keys import (
    PASSPHRASE,
    fingerprint_of,
    make_pair,
    read_private_key,
    read_public_key,
)
from mia_dual.errors import ConfigError, MissingPackageError
from mia_dual.store.folder import SIGNATURE


@pytest.fixture(autouse=True)
def _no_passphrase(monkeypatch):
    monkeypatch.delenv(PASSPHRASE, raising=False)


def others():
    """Keys of other kinds."""
    return {
        "rsa": rsa.generate_private_key(65537, 2048),
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "ed448": ed448.Ed448PrivateKey.generate(),
    }


def test_a_pair_is_made_in_a_folder_or_as_a_file_and_never_over_another(tmp_path):
    pair = make_pair(tmp_path / "new" / "keys")
    assert pair.private == tmp_path / "new" / "keys" / "mia-dual.pem"
    assert pair.public == tmp_path / "new" / "keys" / "mia-dual.pub.pem"
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o600
    assert not pair.encrypted
    public = read_public_key(pair.public)
    read_public_key(pair.public).verify(read_private_key(pair.private).sign(b"content"), b"content")
    assert fingerprint_of(public) == pair.fingerprint
    named = make_pair(tmp_path / "mine.pem")
    assert (named.private.name, named.public.name) == ("mine.pem", "mine.pub.pem")
    assert named.fingerprint != pair.fingerprint
    before = pair.private.read_bytes()
    with pytest.raises(ConfigError, match=r"mia-dual\.pem' cannot be written \(File exists\)"):
        make_pair(tmp_path / "new" / "keys")
    assert pair.private.read_bytes() == before
    # Nothing is left of a pair of which one file is in the way.
    (tmp_path / "half.pub.pem").write_text("here before")
    with pytest.raises(ConfigError, match=r"half\.pub\.pem' cannot be written"):
        make_pair(tmp_path / "half.pem")
    assert not (tmp_path / "half.pem").exists()
    assert (tmp_path / "half.pub.pem").read_text() == "here before"
    with pytest.raises(ConfigError, match="no folder can be made"):
        make_pair(pair.private / "keys")


def test_a_passphrase_encrypts_a_key_that_is_made_and_decrypts_it(tmp_path, monkeypatch):
    monkeypatch.setenv(PASSPHRASE, "wörd")
    pair = make_pair(tmp_path)
    assert pair.encrypted
    assert b"ENCRYPTED" in pair.private.read_bytes()
    assert fingerprint_of(read_private_key(pair.private).public_key()) == pair.fingerprint
    for value, words in ((None, f"is encrypted: set {PASSPHRASE}"), ("word", "does not decrypt")):
        if value is None:
            monkeypatch.delenv(PASSPHRASE)
        else:
            monkeypatch.setenv(PASSPHRASE, value)
        with pytest.raises(ConfigError, match=words) as caught:
            read_private_key(pair.private)
        assert "'word'" not in str(caught.value)
    # It is left aside where a key needs none.
    monkeypatch.delenv(PASSPHRASE)
    plain = make_pair(tmp_path / "plain.pem")
    monkeypatch.setenv(PASSPHRASE, "word")
    read_private_key(plain.private)
    monkeypatch.setenv(PASSPHRASE, "w" * 1024)
    with pytest.raises(ConfigError, match="has 1024 bytes: set one of at most 1023"):
        make_pair(tmp_path / "long.pem")
    assert not (tmp_path / "long.pem").exists()


def test_what_is_no_such_key_is_a_line(tmp_path):
    pair = make_pair(tmp_path / "pair")
    whole = pair.private.read_text()
    (tmp_path / "half.pem").write_text(whole[:60])
    (tmp_path / "garbled.pem").write_text(whole.replace(whole[30:70], "A" * 40))
    (tmp_path / "bytes.pem").write_bytes(b"\0\xff" * 10)
    (tmp_path / "empty.pem").touch()
    (tmp_path / "large.pem").write_bytes(b"-" * (1 << 17))
    cases = [
        ("half.pem", "no private Ed25519 key", "holds a private key|no public Ed25519 key"),
        ("garbled.pem", "no private Ed25519 key", "holds a private key"),
        ("bytes.pem", "no private Ed25519 key", "no public Ed25519 key"),
        ("empty.pem", "no private Ed25519 key", "no public Ed25519 key"),
        ("large.pem", "larger than any key", "larger than any key"),
        ("none.pem", "cannot be read", "cannot be read"),
        ("pair", r"cannot be read \(Is a directory\)", r"cannot be read \(Is a directory\)"),
        ("empty.pem/key", "cannot be read", "cannot be read"),
    ]
    for kind, key in others().items():
        (tmp_path / f"{kind}.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (tmp_path / f"{kind}.pub.pem").write_bytes(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        cases.append((f"{kind}.pem", "of another kind than Ed25519", "holds a private key"))
        cases.append((f"{kind}.pub.pem", "holds a public key", "no public Ed25519 key"))
    for name, as_private, as_public in cases:
        for read, option, words in (
            (read_private_key, "--sign", as_private),
            (read_public_key, "--key", as_public),
        ):
            with pytest.raises(ConfigError, match=words) as caught:
                read(tmp_path / name)
            assert str(caught.value).startswith(f"{option}: ")
            assert str(tmp_path / name) in str(caught.value)
            assert str(caught.value).isprintable()
    with pytest.raises(ConfigError, match=r"--sign: .* holds a public key"):
        read_private_key(pair.public)
    with pytest.raises(ConfigError, match=r"--key: .* holds a private key"):
        read_public_key(pair.private)


def test_the_extra_is_named_where_the_package_is_missing(tmp_path, monkeypatch):
    pair = make_pair(tmp_path)
    signed = tmp_path / "signed"
    signed.mkdir()
    (signed / SIGNATURE).write_text(sign(b"content", read_private_key(pair.private)))
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for call, argument in (
        (read_private_key, pair.private),
        (read_public_key, pair.public),
        (make_pair, tmp_path / "new.pem"),
        (lambda folder: check_signature(folder, b"content"), signed),
    ):
        with pytest.raises(MissingPackageError, match=r"pip install 'mia-dual\[signature\]'"):
            call(argument)
    assert not (tmp_path / "new.pem").exists()
    # What is not signed needs none.
    assert check_signature(tmp_path, b"content") is None
