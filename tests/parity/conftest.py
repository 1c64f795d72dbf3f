"""Both backends in one process. One that is missing is an error here, never a skip."""

import pytest

from mia_dual.registry import load_backend


@pytest.fixture(scope="session")
def torch_backend():
    return load_backend("torch", "cpu")


@pytest.fixture(scope="session")
def mindspore_backend():
    return load_backend("mindspore", "cpu")
