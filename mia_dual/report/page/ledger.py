"""What the page says of a run's ledger and certificate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from mia_dual.deletion.certificate import certificate_bytes, limits_of, read_certificate
from mia_dual.deletion.ledger import read_ledger
from mia_dual.deletion.signature import check_signature
from mia_dual.errors import MiaDualError, MissingPackageError
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.table import Table
from mia_dual.store.folder import LEDGER


@dataclass(frozen=True)
class Deletions:
    """Either ``told``, a sentence, or the ledger with its certificate: pairs of a name and a
    value, what it states, and what it does not.

    ``original``: the statement and the limits as the certificate has them, where the page has them
    in other words. ``reason``: why something cannot be relied on or checked, as the program words
    it.
    """

    told: Optional[str] = None
    ledger: Optional[Table] = None
    certificate: tuple[tuple[str, str], ...] = ()
    statement: str = ""
    limits: tuple[str, ...] = ()
    original: tuple[str, ...] = ()
    reason: str = ""


def deletions_by_request(folder: Path, say: Phrases) -> Deletions:
    """What was deleted by request from the run in ``folder``, and what certifies it."""
    try:
        return _read(folder, say)
    except MiaDualError as error:
        return Deletions(told=say("ledger.changed"), reason=str(error))


def _read(folder: Path, say: Phrases) -> Deletions:
    entries = read_ledger(folder / LEDGER)
    if not entries:
        return Deletions(told=say("ledger.none"))
    certificate = read_certificate(folder)
    signer, reason = _signer(folder, say)
    statement = say("certificate.statement")
    translated = statement != certificate.statement
    return Deletions(
        ledger=Table(
            say("ledger.caption", digest=entries[-1].digest),
            [
                say(f"ledger.{column}")
                for column in ("number", "request", "deleted", "in_all", "digest")
            ],
            [
                (
                    str(entry.number),
                    say.request(entry.request),
                    f"{len(entry.records):,}",
                    f"{entry.deleted:,}",
                    entry.digest,
                )
                for entry in entries
            ],
        ),
        certificate=(
            (say("certificate.deleted"), f"{certificate.deleted:,}"),
            (say("certificate.ledger"), certificate.ledger),
            (say("certificate.data"), certificate.data),
            (say("certificate.own"), certificate.digest),
            (say("certificate.signed"), signer),
        ),
        statement=statement,
        limits=tuple(
            say(f"certificate.limit{place}") for place in range(len(limits_of(certificate.scaling)))
        ),
        original=(certificate.statement, *certificate.limits) if translated else (),
        reason=reason,
    )


def _signer(folder: Path, say: Phrases) -> tuple[str, str]:
    """Who signed, and why that could not be checked, where it could not."""
    try:
        signed = check_signature(folder, certificate_bytes(folder))
    except MissingPackageError as error:
        return say("certificate.unchecked"), str(error)
    if signed is None:
        return say("certificate.unsigned"), ""
    return say("certificate.key", fingerprint=signed.fingerprint), ""
