"""Packages that only some of what we do needs, imported when it is done."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, Optional

from mia_dual.errors import MissingPackageError
from mia_dual.quoting import one_line


def optional(module: str, purpose: str, extra: Optional[str] = None) -> Any:
    """``module`` of a package that ``purpose`` needs, which ``extra`` of ours installs, if any.

    Raises MissingPackageError without it.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        wanted = package if extra is None else f"'mia-dual[{extra}]'"
        raise MissingPackageError(
            f"{purpose} needs {package}, which cannot be imported ({one_line(str(error), 100)}): "
            f"pip install {wanted}"
        ) from error


def check_installed(package: str, purpose: str, extra: str) -> None:
    """Raise MissingPackageError without ``package``, which is not imported to know."""
    if importlib.util.find_spec(package) is None:
        raise MissingPackageError(
            f"{purpose} needs {package}, which is not installed: pip install 'mia-dual[{extra}]'"
        )
