"""Choices that commands offer, and what a user's words for them mean."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Optional

import typer

from mia_dual.devices import KINDS, known_device
from mia_dual.engines.cluster import Cluster
from mia_dual.errors import ConfigError
from mia_dual.execution import Execution
from mia_dual.optional import check_installed
from mia_dual.quoting import quoted


class Together(str, Enum):
    """When jobs are trained together."""

    auto = "auto"
    always = "always"
    never = "never"


class EngineName(str, Enum):
    """Where training and questions are carried out."""

    local = "local"
    ray = "ray"


def device_named(word: str) -> str:
    """The device that ``word`` is; raises BadParameter where it is none."""
    try:
        return known_device(word.lower())
    except ValueError as error:
        raise typer.BadParameter(f"{quoted(word)} is no device: {error}") from error


def devices_begun(incomplete: str) -> list[str]:
    """What a shell offers for a word that begins so."""
    return [kind for kind in KINDS if kind.startswith(incomplete.lower())]


DEVICE = typer.Option(
    None,
    metavar="DEVICE",
    parser=device_named,
    autocompletion=devices_begun,
    help="Where to compute: auto, cpu, cuda (every GPU), cuda:1 (one) or ascend.",
)
DATA_DIR = typer.Option(
    None, help="Where data sets lie or are downloaded to; else $MIA_DUAL_DATA or the cache."
)
STORE = typer.Option(
    None,
    help="Where models and answers are kept for all runs; else $MIA_DUAL_STORE, or the folder "
    "'store' beside the run folders.",
)
ADOPT = typer.Option(
    False,
    "--adopt",
    help="Take models that this folder holds, and the store lacks, over into the store: trust them "
    "as your own.",
)
TOGETHER = typer.Option(
    Together.auto, help="Train models together: where it is faster, wherever it can, or never."
)
MEMORY = typer.Option(
    None,
    metavar="SIZE",
    help="What models in training may take, and references' signals, as 4GB; else half of what is "
    "free.",
)
TRACK = typer.Option(
    [],
    "--track",
    metavar="TRACKER:PLACE",
    help="Tell a tracker, too, when all is done: mlflow:URI, tensorboard:FOLDER or aim:REPO, each "
    "an extra of the same name; repeatable.",
)
WORKERS = typer.Option(
    None,
    min=1,
    help="Threads or processes that train, or read answers, side by side; else as pays.",
)

PAGE = typer.Option(
    True,
    "--page/--no-page",
    envvar="MIA_DUAL_PAGE",
    help="Write what was found as an HTML page, too.",
)
LANG = typer.Option("en", envvar="MIA_DUAL_LANG", help="The page's language: en or zh.")
RECORDS = typer.Option(
    True,
    "--records/--no-records",
    help="Show the most exposed records on the page, which may be personal data.",
)

ENGINE = typer.Option(
    EngineName.local,
    "--engine",
    help="Compute in processes and threads here, or in tasks of a Ray cluster.",
)
RAY_ADDRESS = typer.Option(
    None,
    metavar="ADDRESS",
    help="Of a running Ray cluster, as auto or host:6379; else one is started on this machine.",
)
GPUS = typer.Option(
    0.0, "--gpus-per-task", min=0, help="GPUs that a task of Ray takes, as 1 or .5."
)
RESOURCES = typer.Option(
    [],
    "--resource",
    metavar="NAME=AMOUNT",
    help="What else a task of Ray takes, as NPU=1; repeatable.",
)

FULL = typer.Option(False, "--full", help="Print the long tables, too.")
QUIET = typer.Option(False, "--quiet", "-q", help="Print nothing but errors and the last line.")
JSON = typer.Option(False, "--json", help="Print what was found as JSON, and nothing else.")


def execution_of(together: Together, memory: Optional[str], workers: Optional[int]) -> Execution:
    """What was said of time and memory; raises ConfigError for a size that is none."""
    return Execution(together.value, None if memory is None else parse_memory(memory), workers)


def cluster_of(
    engine: EngineName, address: Optional[str], gpus: float, resources: Sequence[str]
) -> Optional[Cluster]:
    """The Ray cluster that was named, None where none was; raises ConfigError for an amount that is
    none, and where Ray's options come without it.
    """
    if engine is EngineName.local:
        if address is not None or gpus or resources:
            raise ConfigError(
                "--ray-address, --gpus-per-task and --resource are for --engine ray: name it, too"
            )
        return None
    check_installed("ray", "--engine ray", "ray")
    amounts: dict[str, float] = {}
    for word in resources:
        name, _, amount = word.partition("=")
        try:
            amounts[name] = float(amount)
        except ValueError:
            amounts[name] = math.nan
        if not name or not 0 < amounts[name] < math.inf:
            raise ConfigError(
                f"--resource {quoted(word)} is no amount of anything: write it as in NPU=1"
            )
    return Cluster(address, gpus, amounts)


_SIZE = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(?:([kmgt]i?)?b)?\s*", re.IGNORECASE | re.ASCII)
_BYTES = {
    "": 1,
    "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
    "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40,
}  # fmt: skip
_MOST_BYTES = 2**60


def parse_memory(text: str) -> int:
    """Bytes of a size such as ``4GB``, ``1.5 GiB`` or ``1000000``; raises ConfigError."""
    size = _SIZE.fullmatch(text)
    if size is None or len(text) > 40:
        raise ConfigError(f"--memory {quoted(text)} is no size: write it as in 4GB or 512MiB")
    amount, unit = size.groups(default="")
    count = int(Decimal(amount) * _BYTES[unit.lower()])
    if count < 1:
        raise ConfigError(f"--memory {quoted(text)} leaves nothing to train in: write it as in 4GB")
    if count > _MOST_BYTES:
        raise ConfigError(f"--memory {quoted(text)} is more than machines have: leave it out")
    return count
