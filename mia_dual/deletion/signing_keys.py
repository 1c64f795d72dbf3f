"""Ed25519 keys (RFC 8032) that sign certificates and check signatures: PEM files, read and made."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from mia_dual.errors import ConfigError
from mia_dual.optional import optional

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PASSPHRASE = "MIA_DUAL_KEY_PASSPHRASE"
"""The environment variable that decrypts a private key, and encrypts one that is made."""

LONGEST_PASSPHRASE = 1023
"""Bytes, as OpenSSL has it."""

MOST_BYTES = 1 << 16
"""Of a file that could hold a key."""

MAKE = "`mia-dual keys make` makes a pair"


@dataclass(frozen=True)
class Pair:
    """Files of a new pair of keys; ``encrypted`` says whether the private one is."""

    private: Path
    public: Path
    fingerprint: str
    encrypted: bool


def signature_package(module: str) -> Any:
    """``cryptography.<module>``; raises MissingPackageError naming the extra where it lacks."""
    return optional(f"cryptography.{module}", "a signed certificate", "signature")


def ed25519() -> Any:
    """The module of ``cryptography`` with the classes of keys."""
    return signature_package("hazmat.primitives.asymmetric.ed25519")


def read_private_key(file: Path) -> Ed25519PrivateKey:
    """The key in ``file`` (PEM, PKCS8), decrypted by ``$MIA_DUAL_KEY_PASSPHRASE`` if need be.

    Raises ConfigError, a line, for what cannot be read or is no such key.
    """
    load = signature_package("hazmat.primitives.serialization").load_pem_private_key
    unsupported = signature_package("exceptions").UnsupportedAlgorithm
    content = _content(file, "--sign")
    passphrase = _passphrase()
    try:
        key = load(content, None)
    except TypeError as error:
        if passphrase is None:
            raise ConfigError(
                f"--sign: the key in '{file}' is encrypted: set {PASSPHRASE} to its passphrase"
            ) from error
        try:
            key = load(content, passphrase)
        except (ValueError, TypeError, unsupported) as failure:
            raise ConfigError(
                f"--sign: {PASSPHRASE} does not decrypt the key in '{file}': set it to the "
                "passphrase that the key was made with"
            ) from failure
    except (ValueError, unsupported) as error:
        if b"PUBLIC KEY-----" in content:
            raise ConfigError(
                f"--sign: '{file}' holds a public key: name the private one of the pair"
            ) from error
        raise ConfigError(
            f"--sign: '{file}' holds no private Ed25519 key as PEM (PKCS8): {MAKE}"
        ) from error
    if not isinstance(key, ed25519().Ed25519PrivateKey):
        raise ConfigError(f"--sign: the key in '{file}' is of another kind than Ed25519: {MAKE}")
    return key


def read_public_key(file: Path) -> Ed25519PublicKey:
    """The key in ``file`` (PEM); raises ConfigError, a line, where there is none or no such."""
    content = _content(file, "--key")
    try:
        return decode_public_key(content)
    except ValueError as error:
        if b"PRIVATE KEY-----" in content:
            raise ConfigError(
                f"--key: '{file}' holds a private key: name the public one of the pair, and show "
                "the private one to nobody"
            ) from error
        raise ConfigError(
            f"--key: '{file}' holds no public Ed25519 key as PEM: name the public one of the pair "
            "that signs"
        ) from error


def decode_public_key(content: bytes) -> Ed25519PublicKey:
    """The key that PEM ``content`` holds; raises ValueError where that is none of Ed25519."""
    load = signature_package("hazmat.primitives.serialization").load_pem_public_key
    try:
        key = load(content)
    except signature_package("exceptions").UnsupportedAlgorithm as error:
        raise ValueError("another kind of key") from error
    if not isinstance(key, ed25519().Ed25519PublicKey):
        raise ValueError("another kind of key")
    return key


def encode_public_key(key: Ed25519PublicKey) -> str:
    """``key`` as PEM."""
    forms = signature_package("hazmat.primitives.serialization")
    form = forms.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(forms.Encoding.PEM, form).decode()


def fingerprint_of(key: Ed25519PublicKey) -> str:
    """SHA-256, in hex, of ``key`` as DER, which ``openssl pkey -pubin -outform DER`` gives too."""
    forms = signature_package("hazmat.primitives.serialization")
    form = forms.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(forms.Encoding.DER, form)).hexdigest()


def make_pair(place: Path) -> Pair:
    """Make a new pair of keys, and never write over a file.

    ``place`` is the private key's file where it ends in ``.pem``, and else a folder, made where it
    is not there, for ``mia-dual.pem``. The public key goes beside, as ``.pub.pem``. The private
    file is for its owner alone (mode 0600), and encrypted where ``$MIA_DUAL_KEY_PASSPHRASE`` is
    set. Raises ConfigError, a line, where either cannot be written; none is left then.
    """
    forms = signature_package("hazmat.primitives.serialization")
    passphrase = _passphrase()
    if passphrase is not None and len(passphrase) > LONGEST_PASSPHRASE:
        raise ConfigError(
            f"{PASSPHRASE} has {len(passphrase)} bytes: set one of at most {LONGEST_PASSPHRASE}"
        )
    private = _private_file(place)
    public = private.with_suffix(".pub.pem")
    key = ed25519().Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        forms.Encoding.PEM,
        forms.PrivateFormat.PKCS8,
        forms.NoEncryption() if passphrase is None else forms.BestAvailableEncryption(passphrase),
    )
    shown = encode_public_key(key.public_key()).encode()
    _write_new({private: (secret, 0o600), public: (shown, 0o644)})
    return Pair(private, public, fingerprint_of(key.public_key()), passphrase is not None)


def _private_file(place: Path) -> Path:
    try:
        named = place.suffix == ".pem" and not place.is_dir()
        file = place if named else place / "mia-dual.pem"
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"no folder can be made for '{place}' ({error.strerror}): name another place"
        ) from error
    return file


def _write_new(files: dict[Path, tuple[bytes, int]]) -> None:
    made: list[Path] = []
    for file, (content, mode) in files.items():
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(file)
            with open(descriptor, "wb") as stream:
                stream.write(content)
        except OSError as error:
            for one in made:
                one.unlink()
            raise ConfigError(
                f"'{file}' cannot be written ({error.strerror}): name another place; keys are "
                "never written over"
            ) from error


def _passphrase() -> Optional[bytes]:
    text = os.environ.get(PASSPHRASE)
    return os.fsencode(text) if text else None


def _content(file: Path, option: str) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{option}: '{file}' cannot be read ({error.strerror}): name a file with a key"
        ) from error
    if len(content) > MOST_BYTES:
        raise ConfigError(
            f"{option}: '{file}' is larger than any key ({MOST_BYTES} bytes): name a file with a "
            "key"
        )
    return content
