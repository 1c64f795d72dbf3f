"""Every backend of this distribution passes what of the conformance kit applies to it."""

import pytest

from mia_dual.interface import Capability
from mia_dual.networks import ESTIMATORS, NETWORKS
from mia_dual.registry import load_backend, load_backend_class
from mia_dual.testing import CHECKS, checks_for
from tests.numpy_backend import NumpyBackend


@pytest.fixture(scope="module", params=["torch", "mindspore", "sklearn"])
def backend(request):
    # A backend that is missing is an error here, never a skip: this suite is about all.
    return load_backend(request.param, "cpu")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(backend, check):
    if check not in checks_for(type(backend)):
        pytest.skip(f"backend '{backend.name}' does not declare what this is about")
    check(backend)


@pytest.mark.parametrize("check", checks_for(NumpyBackend), ids=lambda check: check.__name__)
def test_the_backend_of_the_pipeline_tests_conforms(check):
    check(NumpyBackend("cpu"))


@pytest.mark.parametrize(
    ("name", "capabilities", "networks"),
    [
        ("torch", frozenset(Capability), NETWORKS),
        ("mindspore", frozenset(Capability), NETWORKS),
        ("sklearn", frozenset(), ESTIMATORS),
    ],
)
def test_no_backend_declares_less_than_it_should(name, capabilities, networks):
    backend = load_backend_class(name)
    assert backend.capabilities == capabilities
    assert backend.networks == networks
