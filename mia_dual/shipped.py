"""Where the configs lie that come along: in a source tree, or where installing puts them."""

from __future__ import annotations

import sys
from pathlib import Path

from mia_dual.errors import ConfigError

FOLDERS = (Path(__file__).parents[1] / "configs", Path(sys.prefix) / "share" / "mia-dual")


def shipped_config(name: str) -> Path:
    """The config called ``name``; raises ConfigError where it was not installed."""
    for folder in FOLDERS:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise ConfigError(f"no {name}.yaml in {FOLDERS[-1]}: install mia-dual anew")
