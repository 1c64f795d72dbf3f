"""``mia-dual keys``: the keys that sign certificates of deletions."""

from __future__ import annotations

from pathlib import Path

import typer

from mia_dual.cli.guard import guarded
from mia_dual.cli.options import JSON, QUIET

keys = typer.Typer(help="Make keys that sign certificates of deletions.", no_args_is_help=True)


@keys.callback()
def _group() -> None:
    """Keep ``make`` a command of its own, though it is the only one."""


@keys.command()
@guarded
def make(
    place: Path = typer.Argument(
        ...,
        metavar="FOLDER_OR_FILE",
        help="A file that ends in .pem for the private key, or a folder for mia-dual.pem; the "
        "public key goes beside it.",
    ),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Make a pair of Ed25519 keys: one signs deletions, the other checks what was signed.

    The private one is encrypted where MIA_DUAL_KEY_PASSPHRASE is set.
    """
    from mia_dual.cli.telling import Telling
    from mia_dual.deletion.signing_keys import PASSPHRASE, make_pair

    telling = Telling(quiet, as_json)
    pair = make_pair(place)
    state = f"encrypted by {PASSPHRASE}" if pair.encrypted else "not encrypted"
    telling.say(
        f"{pair.private} is the private key ({state}): mia-dual delete RUN --sign, no other"
    )
    telling.say(f"{pair.public} is the public key, for whoever checks: mia-dual verify RUN --key")
    telling.end(
        f"fingerprint {pair.fingerprint}",
        lambda: {
            "private": str(pair.private),
            "public": str(pair.public),
            "fingerprint": pair.fingerprint,
            "encrypted": pair.encrypted,
        },
    )
