"""A run that has not come to its end, read from its folder as far as that goes."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import Any, Optional

from mia_dual.data.outputs import OUTPUTS
from mia_dual.engine import CHECKSUM
from mia_dual.store.folder import LEDGER, flat, read_index, read_json
from mia_dual.walks.finished import run_config
from mia_dual.walks.study_report import is_study

MODELS = "models/"


class UnfinishedRun:
    """The run in folder ``path``, which holds no results yet.

    ``config``; ``environment``: flat, empty where it is not known yet; ``planned`` and ``made``:
    role -> models planned, and those of them that are there; ``last``: when and what its log tells
    last, None where there is none; ``has_ledger``: whether anything was deleted from it by request.
    Raises StoreError where the folder holds no run, ConfigError
    where its config is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = run_config(path)
        found = read_json(path / "environment.json")
        self.environment: dict[str, Any] = flat(found) if isinstance(found, dict) else {}
        self.environment.pop(CHECKSUM, None)
        linked = read_index(path / "index.jsonl")
        roles = _roles(read_json(path / "plan.json"))
        self.planned = Counter(roles.values())
        self.made = Counter(
            role for name, role in roles.items() if f"{MODELS}{name}.safetensors" in linked
        )
        self.last = _last(path / "log.jsonl")
        self.has_ledger = (path / LEDGER).is_file()

    @property
    def command(self) -> Optional[str]:
        """What goes on with the run, from where its path and those in its config are named from.

        None where that is not known: saved outputs, and runs of a study, have commands of their
        own.
        """
        if self.config.data.name == OUTPUTS or is_study(self.path.parent):
            return None
        config = shlex.quote(str(self.path / "config.yaml"))
        return f"mia-dual run --config {config} --out {shlex.quote(str(self.path))}"


def _roles(plan: Any) -> dict[str, str]:
    """The role of each model that ``plan``, a plan's document, names."""
    models = plan.get("models") if isinstance(plan, dict) else None
    if not isinstance(models, dict):
        return {}
    return {
        name: str(model["role"])
        for name, model in models.items()
        if isinstance(model, dict) and "role" in model
    }


def _last(log: Path) -> Optional[tuple[str, str]]:
    try:
        *_, line = log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = json.loads(line)
        return str(told["time"]), str(told["event"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
