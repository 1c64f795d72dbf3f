"""Whether a page still says what its runs hold; told without what draws pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mia_dual import __version__
from mia_dual.store.files import checksum_of
from mia_dual.store.folder import CERTIFICATE, FORGETTING, LEDGER, PENDING, SIGNATURE
from mia_dual.store.keys import key_of

SOURCES = (
    "config.yaml",
    "environment.json",
    "results.json",
    "cost.json",
    FORGETTING,
    LEDGER,
    PENDING,
    CERTIFICATE,
    SIGNATURE,
)
"""Files of a run that decide what its page says; scores and curves follow from them."""

BEGINNING = 1000
"""Letters of a page that hold what it was made from."""


def made_from(paths: Sequence[Path], language: str, records: bool) -> str:
    """A digest of what a page on the runs in ``paths`` is made from, and how."""
    found = [
        [
            str(path),
            [(name, checksum_of(path / name)) for name in SOURCES if (path / name).exists()],
        ]
        for path in paths
    ]
    return key_of({"version": __version__, "language": language, "records": records, "runs": found})


def is_current(page: Path, source: str) -> bool:
    """Whether ``page`` was made from what :func:`made_from` digests as ``source``."""
    try:
        with page.open(encoding="utf-8", errors="replace") as stream:
            return f'content="{source}"' in stream.read(BEGINNING)
    except OSError:
        return False
