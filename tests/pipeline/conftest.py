"""A small audit, and the command line as a user calls it."""

import os
import subprocess
import sys

import pytest
import yaml

from tests.command_line import called_here

SMALL = {
    "data": {"name": "digits"},
    "split": {"target_members": 150, "target_non_members": 150, "shadow_members": 150},
    "target": {
        "network": "fcnet",
        "hidden": 64,
        "epochs": 40,
        "batch_size": 16,
        "learning_rate": 0.05,
    },
    "shadows": {"count": 3},
    "attack": {"models": ["fcnet", "logistic_regression"], "fcnet": {
        "network": "fcnet", "epochs": 5, "batch_size": 25, "optimizer": "adam",
        "learning_rate": 0.01,
    }},
    "deletion": {"ratios": [0.1], "groups": 3, "classes": [3], "fitted_on": "single"},
}  # fmt: skip


@pytest.fixture
def small_config(tmp_path):
    """A file with settings that train in a second or two, and all that a run does."""
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(SMALL))
    return file


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """What tests share so that none makes it again: a store of models."""
    return {"MIA_DUAL_STORE": str(tmp_path_factory.mktemp("store"))}


@pytest.fixture
def cli(tmp_path, shared):
    """Run ``mia-dual`` in an empty folder, without any data but what comes along.

    In this process, where frameworks are loaded and MindSpore's graphs compiled once for all
    tests. What depends on a process of its own names its environment with ``env``, empty or not.
    Its store is the one all tests share: name another with --store where models must be trained.
    """

    def call(*arguments, env=None, columns=80):
        words = list(map(str, arguments))
        environment = {**shared, "COLUMNS": str(columns), **(env or {})}
        if env is None:
            return called_here(words, tmp_path, environment)
        return subprocess.run(
            [sys.executable, "-m", "mia_dual", *words],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return call
