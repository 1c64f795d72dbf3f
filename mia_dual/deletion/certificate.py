"""The certificate of a run's deletions: ``certificate.json``, what is in force and what it saw.

It is made again from the run folder by whoever doubts it: see :mod:`mia_dual.walks.verify`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mia_dual.deletion_settings import Aggregation
from mia_dual.errors import StoreError
from mia_dual.quoting import quoted
from mia_dual.store.folder import CERTIFICATE
from mia_dual.store.keys import key_of

CERTIFICATE_SCHEMA = 3
"""Raised when a certificate's fields or words change."""

STATEMENT = (
    "No record that the ledger names as deleted is among the training indices of any model in "
    "force."
)

LIMITS = (
    "It holds for requests that do not depend on what the models answered: where records are "
    "chosen by looking at answers, what is left can still tell of them (Gupta et al. 2021, "
    '"Adaptive Machine Unlearning").',
    "It holds for this version of the code, and for what has the digests named here.",
    "It says nothing of copies of models or records made before, or of answers given before.",
    "Versions that are no longer in force stay whole in the run folder and its store, and so do "
    "states kept after slices, the audit's other models, and all answers: they saw deleted "
    "records. To be rid of them, copy the models in force elsewhere, remove the folder, and have "
    "`mia-dual store prune` remove what it alone referred to.",
    "It does not protect against someone who holds the models of before and of after: what differs "
    "between them tells of the deleted records.",
    "By itself it shows nobody who wrote it: whoever can write the run folder can write another. "
    "Sign it with a key that is kept elsewhere, or keep its digest elsewhere.",
)

LIMIT_OF_SCALING = (
    "Features are standardised by mean and deviation of all original members, the deleted ones "
    "included: these numbers still hold a trace of them."
)
"""A further limit where ``scaling`` is not null."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CertifiedModel(_Part):
    """A model in force. Digests are SHA-256 in hex."""

    key: str = Field(description="its key in the store, over all that it depends on")
    weights: str = Field(description="digest of the file models/<name>.safetensors")
    indices: str = Field(
        description="digest of its training indices, sorted int64: "
        "mia_dual.store.keys.array_digest of plan.npz's array members/<name>"
    )
    records: int = Field(ge=1, description="how many these are")
    slices: tuple[str, ...] = Field(
        description="digests of the same indices in the order in which training comes to them, "
        "plan.npz's arrays slice/<name>/<number>; none: they come all at once"
    )
    seed: int = Field(description="with the name below: draws its weights and batches")
    drawn_as: str = Field(
        description="its own name, or that of its group's first model, whose training it goes on "
        "with where slices before the first deletion are as they were"
    )


class CertifiedVersion(_Part):
    """What a method put in the place of a target, or that target where none had to."""

    name: str
    models: tuple[str, ...] = Field(min_length=1)
    aggregation: Optional[Aggregation] = Field(description="how models are joined; null: it is one")
    sizes: tuple[int, ...] = Field(
        description="records of each, by which aggregation: weighted weighs it; none: it is one"
    )


class Certificate(_Part):
    """What is in force after the ledger's last entry, and what it was made of."""

    schema_version: int
    package: str = Field(description="version of mia-dual")
    code_schema: int = Field(description="mia_dual.store.keys.CODE_SCHEMA of that version")
    environment: dict[str, str] = Field(
        description="framework, its version, the device and whatever else moves a bit of a model"
    )
    entries: int = Field(ge=1, description="entries of ledger.jsonl")
    ledger: str = Field(description="digest of the last of them, and so of all")
    deleted: int = Field(ge=1, description="how many records are deleted")
    deleted_indices: str = Field(description="digest of all of them, sorted int64")
    data: str = Field(description="digest of all features and labels, as in results.json")
    config: str = Field(description="digest of the file config.yaml")
    recipe: dict[str, Any] = Field(description="settings that every model in force is trained by")
    scaling: Optional[str] = Field(
        description="digest of the indices whose mean and deviation standardise features, sorted "
        "int64; null: features are left as they are"
    )
    versions: dict[str, CertifiedVersion] = Field(
        min_length=1, description="by target and method, as the ledger names them"
    )
    models: dict[str, CertifiedModel] = Field(min_length=1, description="of all versions, by name")
    statement: str
    limits: tuple[str, ...]
    digest: str = Field(description="of all that stands above, as canonical JSON")

    def computed(self) -> str:
        """The digest that this certificate's content has."""
        return key_of(self.model_dump(mode="json", exclude={"digest"}))

    def sealed(self) -> Certificate:
        """The same certificate with the digest of its content."""
        return self.model_copy(update={"digest": self.computed()})


def limits_of(scaling: Optional[str]) -> tuple[str, ...]:
    """The limits of a certificate whose ``scaling`` that is."""
    return LIMITS if scaling is None else (*LIMITS, LIMIT_OF_SCALING)


def encode(certificate: Certificate) -> str:
    """The text of ``certificate.json`` that holds ``certificate``."""
    return json.dumps(certificate.model_dump(mode="json"), indent=2, allow_nan=False) + "\n"


def read_certificate(folder: Path) -> Certificate:
    """The certificate of the run in ``folder``.

    Raises StoreError where there is none, or it is of another schema, or not as it was written.
    """
    return decode(folder / CERTIFICATE, certificate_bytes(folder))


def certificate_bytes(folder: Path) -> bytes:
    """The bytes of the certificate of the run in ``folder``; raises StoreError without them."""
    file = folder / CERTIFICATE
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise StoreError(
            f"run '{folder}' has no {CERTIFICATE}: `mia-dual delete` writes one with each deletion"
        ) from error
    except OSError as error:
        raise StoreError(f"'{file}' cannot be read ({error.strerror})") from error


def decode(file: Path, text: bytes) -> Certificate:
    """The certificate whose ``file`` holds ``text``; raises as :func:`read_certificate` does."""
    try:
        content = json.loads(text.decode("utf-8"))
        version = content.get("schema_version") if isinstance(content, dict) else None
        if isinstance(version, int) and version != CERTIFICATE_SCHEMA:
            raise StoreError(
                f"'{file}' is of schema version {quoted(version)}, and this version of mia-dual "
                f"reads {CERTIFICATE_SCHEMA}: verify it with the version that wrote it"
            )
        found = Certificate.model_validate_json(json.dumps(content))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        found_at = quoted(place) if place else "it"
        raise _changed(file, f"{found_at} is not as such a file has it") from error
    except (ValueError, RecursionError) as error:
        raise _changed(file, "it is not JSON") from error
    if found.digest != found.computed():
        raise _changed(file, "its content does not have its digest")
    if found.statement != STATEMENT or found.limits != limits_of(found.scaling):
        raise _changed(file, "its statement or limits are in other words")
    return found


def _changed(file: Path, reason: str) -> StoreError:
    return StoreError(f"'{file}' was changed: {reason}; put the file back as it was")
