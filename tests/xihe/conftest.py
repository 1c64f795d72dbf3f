"""A machine as the platform gives it: frameworks and requirements, and no mia-dual anywhere."""

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml

from mia_dual.xihe.folder import write_folder

SMALL = {
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 32, "epochs": 8, "learning_rate": 0.05},
    "shadows": {"count": 3},
    "attack": {
        "families": ["shadow"],
        "models": ["fcnet"],
        "fcnet": {"network": "fcnet", "epochs": 2},
    },
    "deletion": {"ratios": [0.1], "groups": 3, "fitted_on": "single"},
}


@pytest.fixture(scope="session")
def platform_python(tmp_path_factory):
    """An interpreter that finds all installed packages but mia-dual and its backends."""
    home = tmp_path_factory.mktemp("image")
    venv.create(home / "venv", with_pip=False)
    python = home / "venv" / "bin" / "python"
    packages = home / "packages"
    packages.mkdir()
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for found in Path(place).iterdir():
            # Files of paths (.pth) are left out, too: an editable install is one.
            if "mia_dual" not in found.name and found.suffix != ".pth":
                (packages / found.name).symlink_to(found)
    (own,) = (home / "venv").glob("lib/python*/site-packages")
    (own / "packages.pth").write_text(f"{packages}\n")
    done = subprocess.run(
        [python, "-c", "import mia_dual"],
        cwd=home, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "No module named 'mia_dual'" in done.stderr
    return python


@pytest.fixture(scope="session")
def code(tmp_path_factory):
    """A folder as ``xihe init`` writes it, for a backend and a small audit of unnamed data."""
    home = tmp_path_factory.mktemp("code")
    config = home / "small.yaml"
    config.write_text(yaml.safe_dump(SMALL))

    def written(backend):
        folder = home / backend
        if not folder.exists():
            write_folder(folder, backend, config, inference=True)
        return folder

    return written


@pytest.fixture(scope="session")
def job(platform_python, tmp_path_factory):
    """Start a job of a code folder, as the platform does; gives the process."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def start(code, *arguments, **environment):
        inherited = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "CI")
        return subprocess.Popen(
            [str(platform_python), str(code / "boot.py"), *map(str, arguments)],
            cwd=elsewhere,
            env={
                **{name: os.environ[name] for name in inherited if name in os.environ},
                "MIA_DUAL_DATA": os.environ["MIA_DUAL_DATA"],
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(process):
    """Exit code, standard output and standard error of a job."""
    out, error = process.communicate(timeout=300)
    return process.returncode, out, error
