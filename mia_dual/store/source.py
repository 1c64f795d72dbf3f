"""The source of a user's factory, so that a changed network is another network."""

from __future__ import annotations

import ast
import importlib.util
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from mia_dual.errors import NetworkError
from mia_dual.store.files import checksum
from mia_dual.store.keys import key_of

INSTALLED = tuple(
    Path(sysconfig.get_path(name)).resolve()
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)

OURS = __name__.partition(".")[0]


def factory_source(network: str) -> str:
    """SHA-256 over the source of a ``package.module:factory``'s module, and of the local modules
    that it imports, directly or through each other; nothing is imported for it but the packages
    they lie in.

    Local is what lies neither in the standard library nor among installed packages, and is not
    this package, whose part in a model every key holds anyway. Its limit:
    what the code reads or imports while it runs (files, ``importlib``), and the versions of
    installed packages, the framework's excepted, which every key holds. Raises NetworkError where
    the module is not found.
    """
    module = network.partition(":")[0]
    sources: dict[str, str] = {}
    _gather(module, sources)
    if not sources:
        raise NetworkError(
            f"network '{network}' cannot be imported: no module '{module}' with a source is on "
            "the path (PYTHONPATH names folders to look in)"
        )
    return key_of(sources)


def _gather(module: str, sources: dict[str, str]) -> None:
    found = None if module.partition(".")[0] == OURS else _local_file(module)
    if module in sources or found is None:
        return
    content = found.read_bytes()
    sources[module] = checksum(content)
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return  # importing it will say what is wrong
    for imported in _imports(tree, module, is_package=found.name == "__init__.py"):
        _gather(imported, sources)


def _imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """The names of modules that may be meant, and of the packages they lie in."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                around = parts[: len(parts) - node.level + is_package]
                base = ".".join([*around, *([base] if base else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in filter(None, names):
            parts = name.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _local_file(module: str) -> Optional[Path]:
    top = module.partition(".")[0]
    # A dotted name is only looked up where its package is local: looking imports the package.
    if top != module and _local_file(top) is None and not _is_local_namespace(top):
        return None
    try:
        spec = importlib.util.find_spec(module)
    except Exception:  # packages around it are imported, and raise what they like
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    file = Path(spec.origin).resolve()
    return None if any(place in file.parents for place in INSTALLED) else file


def _is_local_namespace(package: str) -> bool:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return False
    return spec is not None and spec.origin is None
