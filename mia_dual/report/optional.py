"""Packages that only some of what we do needs, imported when it is done."""

from __future__ import annotations

import importlib
from typing import Any

from mia_dual.errors import MissingPackageError
from mia_dual.quoting import one_line


def optional(module: str, purpose: str) -> Any:
    """``module`` of a package that ``purpose`` needs; raises MissingPackageError without it."""
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"{purpose} needs {package}, which cannot be imported ({one_line(str(error), 100)}): "
            f"pip install {package}"
        ) from error
