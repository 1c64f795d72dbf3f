"""Every backend of this distribution passes the conformance kit."""

import pytest

from mia_dual.registry import load_backend
from mia_dual.testing import CHECKS


@pytest.fixture(scope="module", params=["torch", "mindspore"])
def backend(request):
    # A backend that is missing is an error here, never a skip: this suite is about both.
    return load_backend(request.param, "cpu")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(backend, check):
    check(backend)
