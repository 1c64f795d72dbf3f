"""The neutral layer knows no framework, and the distribution holds all of it."""

import configparser
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRAMEWORKS = ("torch", "torchvision", "mindspore")


def python(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_all_of_mia_dual_imports_no_framework():
    loaded = python(
        "import importlib, pkgutil, sys, mia_dual\n"
        "for module in pkgutil.walk_packages(mia_dual.__path__, 'mia_dual.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        f"print([name for name in {FRAMEWORKS} if name in sys.modules])\n"
        "print('mia_dual.walks.run' in sys.modules)\n"
    )
    assert loaded.split("\n")[:2] == ["[]", "True"]


def test_the_scikit_learn_backend_imports_no_other_framework():
    loaded = python(
        "import sys, mia_dual_sklearn.adapter\n"
        f"print([name for name in {FRAMEWORKS} if name in sys.modules])\n"
        # Nor does it leave anything in the way of who wants one.
        "import sklearn.externals.array_api_compat.numpy\n"
        "print([name for name, module in sys.modules.items() if module is None])\n"
    )
    assert loaded.splitlines() == ["[]", "[]"]


def test_help_needs_neither_framework_nor_the_pipeline():
    loaded = python(
        "import sys\n"
        "sys.argv = ['mia-dual', '--help']\n"
        "from mia_dual.cli.app import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        f"heavy = {(*FRAMEWORKS, 'sklearn', 'scipy', 'pydantic')}\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    assert loaded.strip().splitlines()[-1] == "[]"


def test_the_package_is_imported_without_what_it_gives():
    loaded = python(
        "import sys, mia_dual\n"
        "print([name for name in ('numpy', 'pydantic', 'rich') if name in sys.modules])\n"
        "import mia_dual.walks.run, mia_dual.attacks.base\n"
        "print(callable(mia_dual.audit), callable(mia_dual.attack), mia_dual.Results.__name__)\n"
        "from mia_dual import *\n"
        "print(audit is mia_dual.audit, hasattr(mia_dual, 'no_such'))\n"
    )
    assert loaded.splitlines() == ["[]", "True True Results", "True False"]


def test_setup_lists_every_package_of_the_tree():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    there = {
        ".".join(file.parent.relative_to(base).parts)
        for base, folder in ((ROOT, "mia_dual"), (ROOT / "backends", "."))
        for file in (base / folder).rglob("__init__.py")
    }
    assert listed == there


def test_a_wheel_holds_every_module(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(tmp_path), str(ROOT)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    import zipfile

    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for base, folder in ((ROOT, "mia_dual"), (ROOT / "backends", ".")):
        for file in (base / folder).rglob("*.py"):
            assert file.relative_to(base).as_posix() in inside
    assert "mia_dual/py.typed" in inside
    assert any(name.endswith("share/mia-dual/quick.yaml") for name in inside)
    for file in (ROOT / "configs" / "studies").glob("*.yaml"):
        assert any(name.endswith(f"share/mia-dual/studies/{file.name}") for name in inside)
    for file in (ROOT / "mia_dual" / "report" / "page" / "words").glob("*.yaml"):
        assert file.relative_to(ROOT).as_posix() in inside
    for file in (ROOT / "mia_dual" / "xihe" / "template").rglob("*.*"):
        assert file.relative_to(ROOT).as_posix() in inside
