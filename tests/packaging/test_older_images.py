"""Images with Python 3.9 and MindSpore 2.2, which cannot be had here: what their absence leaves.

Sources are parsed as Python 3.9 and searched for newer parts of the standard library; names of
MindSpore are compared with those that 2.2 documents (``mindspore_2_2.txt`` says where that was
read), and what is newer must stand behind a fallback.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "mia_dual", ROOT / "backends"]
BACKEND = ROOT / "backends" / "mia_dual_mindspore"

NEWER = {
    "mindspore.set_device",
    "mindspore.hal.is_available",
    "mindspore.hal.device_count",
    "mindspore.runtime",
}
"""Of releases after 2.2 (2.5, 2.3, 2.3 and 2.5): used where they are there, with another way
beside.
"""


def files():
    found = [file for folder in SOURCES for file in sorted(folder.rglob("*.py"))]
    assert found
    return found


def vermin(*paths):
    return subprocess.run(
        [sys.executable, "-c", "from vermin import main; main()", "--no-tips",
         "--no-parse-comments", "-t=3.9-", "--violations", "--eval-annotations",
         *map(str, paths)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_every_source_is_python_3_9():
    for file in files():
        ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=(3, 9))


def test_no_source_needs_a_newer_standard_library(tmp_path):
    done = vermin(*SOURCES)
    assert done.returncode == 0, done.stdout + done.stderr
    # And it would be noticed.
    (tmp_path / "newer.py").write_text("import itertools\nitertools.pairwise([1, 2])\n")
    found = vermin(tmp_path / "newer.py")
    assert found.returncode != 0
    assert "itertools.pairwise" in found.stdout, found.stderr


class Names(ast.NodeVisitor):
    """Dotted names of MindSpore in a module, and which of them stand behind a fallback."""

    def __init__(self, tree):
        self.aliases, self.used, self.guarded = {}, set(), set()
        self._guards = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    if name.name.split(".")[0] == "mindspore":
                        self.aliases[name.asname or "mindspore"] = (
                            name.name if name.asname else "mindspore"
                        )
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == (
                "mindspore"
            ):
                for name in node.names:
                    self.aliases[name.asname or name.name] = f"{node.module}.{name.name}"
                    self.used.add(f"{node.module}.{name.name}")
        self.visit(tree)

    def dotted(self, node):
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            return base and f"{base}.{node.attr}"
        return None

    def visit_Attribute(self, node):
        name = self.dotted(node)
        if name is None:
            self.generic_visit(node)
            return
        self.used.add(name)
        if any(guard is None or name.startswith(guard) for guard in self._guards):
            self.guarded.add(name)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) == 3:
            base = self.dotted(node.args[0])
            if base and isinstance(node.args[1], ast.Constant):
                name = f"{base}.{node.args[1].value}"
                self.used.add(name)
                self.guarded.add(name)
        self.generic_visit(node)

    def visit_If(self, node):
        asked = [
            f"{self.dotted(call.args[0])}.{call.args[1].value}"
            for call in ast.walk(node.test)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "hasattr"
        ]
        self.visit(node.test)
        self._within(asked, node.body)
        self._within([], node.orelse)

    def visit_Try(self, node):
        caught = {
            part.id
            for handler in node.handlers
            for part in ast.walk(handler.type or ast.Pass())
            if isinstance(part, ast.Name)
        }
        self._within([None] if "AttributeError" in caught else [], node.body)
        self._within([], [*node.handlers, *node.orelse, *node.finalbody])

    def _within(self, guards, nodes):
        self._guards += guards
        for node in nodes:
            self.visit(node)
        del self._guards[len(self._guards) - len(guards) :]


def documented():
    lines = (Path(__file__).with_name("mindspore_2_2.txt")).read_text().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines if not line.startswith("#")}


MODULES = {
    "mindspore.hal", "mindspore.nn", "mindspore.ops", "mindspore.ops.operations._grad_ops",
}  # fmt: skip


def backend_names():
    found = [Names(ast.parse(file.read_text(encoding="utf-8"))) for file in BACKEND.rglob("*.py")]
    used = set().union(*(names.used for names in found))
    unguarded = set().union(*(names.used - names.guarded for names in found))
    return used - MODULES, unguarded


def test_the_mindspore_backend_needs_nothing_newer_than_2_2():
    known = documented()
    used, unguarded = backend_names()
    unknown = sorted(used - known.keys() - NEWER - {"mindspore.__version__"})
    assert not unknown, f"look these up in 2.2's documentation: {unknown}"
    assert not NEWER & known.keys()
    assert not unguarded & NEWER, "newer than 2.2, and without a fallback"


def test_the_list_holds_only_what_is_used():
    used, _ = backend_names()
    assert not sorted(documented().keys() - used), "remove what the backend does not use any more"


ASKING = "import mindspore as ms\ntry:\n    ms.hal.is_available(1)\nexcept {}:\n    pass"


@pytest.mark.parametrize(
    ("source", "unguarded"),
    [
        ("import mindspore as ms\nms.set_device('CPU')", {"mindspore.set_device"}),
        ("import mindspore as ms\nif hasattr(ms, 'set_device'):\n    ms.set_device('CPU')", set()),
        (
            "import mindspore as ms\nif hasattr(ms, 'hal'):\n    pass\nelse:\n    ms.set_device(1)",
            {"mindspore.set_device"},
        ),
        ("from mindspore import hal\nhal.is_available(1)", {"mindspore.hal.is_available"}),
        (ASKING.format("AttributeError"), set()),
        (ASKING.format("ValueError"), {"mindspore.hal.is_available"}),
        ("import mindspore\nx = getattr(mindspore, 'runtime', None)", set()),
        ("import mindspore\nx = mindspore.runtime", {"mindspore.runtime"}),
    ],
)
def test_a_missing_fallback_is_noticed(source, unguarded):
    names = Names(ast.parse(source))
    assert (names.used - names.guarded) & NEWER == unguarded
