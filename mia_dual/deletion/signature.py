"""The signature of a certificate: ``certificate.sig``, over the exact bytes of its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mia_dual.deletion.signing_keys import (
    decode_public_key,
    encode_public_key,
    fingerprint_of,
    signature_package,
)
from mia_dual.errors import StoreError
from mia_dual.quoting import quoted
from mia_dual.store.folder import CERTIFICATE, SIGNATURE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

SIGNATURE_SCHEMA = 1
"""Raised when the fields of a signature's file change."""

PROVES = (
    "a signature proves that who held the private key signed this certificate, and that it is the "
    "same since; it does not prove that what it says is true (--retrain all trains again), when it "
    "was signed, or that no deletion came after"
)


class Signature(BaseModel):
    """What ``certificate.sig`` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    schema_version: int
    algorithm: Literal["Ed25519"] = Field(description="as in RFC 8032")
    public_key: str = Field(description="as PEM: of the key that signed")
    fingerprint: str = Field(description="SHA-256 of the public key as DER, in hex")
    signature: str = Field(
        pattern="^[0-9a-f]{128}$", description="of the bytes of certificate.json, in hex"
    )


@dataclass(frozen=True)
class Signed:
    """By which key a certificate is signed; ``trusted``: the verifier gave that key."""

    fingerprint: str
    trusted: bool


def sign(content: bytes, key: Ed25519PrivateKey) -> str:
    """The text of ``certificate.sig`` by which ``key`` signs ``content``, a certificate's file."""
    public = key.public_key()
    signature = Signature(
        schema_version=SIGNATURE_SCHEMA,
        algorithm="Ed25519",
        public_key=encode_public_key(public),
        fingerprint=fingerprint_of(public),
        signature=key.sign(content).hex(),
    )
    return json.dumps(signature.model_dump(mode="json"), indent=2) + "\n"


def check_signature(
    folder: Path, content: bytes, trusted: Optional[Ed25519PublicKey] = None
) -> Optional[Signed]:
    """Check the signature in the run ``folder`` over ``content``, the bytes of its certificate.

    Returns None where there is none, unless it must be by a ``trusted`` key. Raises StoreError
    naming the file where it is missing, by another key, not as it was written, or does not fit.
    """
    file = folder / SIGNATURE
    try:
        text = file.read_bytes()
    except FileNotFoundError as error:
        if trusted is None:
            return None
        raise StoreError(
            f"run '{folder}' has no {SIGNATURE}: its last deletion was not signed (`mia-dual "
            "delete --sign`), or the file was taken away: put it back"
        ) from error
    except OSError as error:
        raise StoreError(f"'{file}' cannot be read ({error.strerror})") from error
    found = _decoded(file, text)
    try:
        key = decode_public_key(found.public_key.encode())
    except ValueError as error:
        raise _changed(file, "'public_key' is no Ed25519 key") from error
    fingerprint = fingerprint_of(key)
    if found.fingerprint != fingerprint or found.public_key != encode_public_key(key):
        raise _changed(file, "'fingerprint' and 'public_key' are not as written for one key")
    if trusted is not None and fingerprint_of(trusted) != fingerprint:
        raise StoreError(
            f"'{file}' is by another key: its fingerprint is {fingerprint}, and that of --key is "
            f"{fingerprint_of(trusted)}; do not trust this certificate unless you trust that key"
        )
    try:
        key.verify(bytes.fromhex(found.signature), content)
    except signature_package("exceptions").InvalidSignature as error:
        raise StoreError(
            f"'{file}' does not fit {CERTIFICATE}: either was altered, or a deletion was "
            "interrupted; put them back as they were, or repeat that deletion"
        ) from error
    return Signed(fingerprint, trusted is not None)


def _decoded(file: Path, text: bytes) -> Signature:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _changed(file, "it is not JSON") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version != SIGNATURE_SCHEMA:
        raise StoreError(
            f"'{file}' is of schema version {quoted(version)}, and this version of mia-dual reads "
            f"{SIGNATURE_SCHEMA}: verify it with the version that wrote it"
        )
    try:
        return Signature.model_validate(content)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        found_at = quoted(place) if place else "it"
        raise _changed(file, f"{found_at} is not as such a file has it") from error


def _changed(file: Path, reason: str) -> StoreError:
    return StoreError(f"'{file}' was changed: {reason}; put the file back as it was")
