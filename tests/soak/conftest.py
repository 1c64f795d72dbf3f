"""Figures of the soak: what each of its tests counted, told once all are through."""

import json
import os
from pathlib import Path

import pytest

FIGURES = pytest.StashKey[dict]()


@pytest.fixture
def figures(request):
    """Facts to tell: ``figures(kills=40, resumed_s=3.2)``; a test's are told under its name."""
    told = request.config.stash.setdefault(FIGURES, {})

    def tell(**facts):
        told.setdefault(request.node.name, {}).update(facts)

    return tell


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter, config):
    told = config.stash.get(FIGURES, {})
    if not told:
        return
    terminalreporter.section("figures of the soak")
    for name, facts in told.items():
        said = ", ".join(f"{fact.replace('_', ' ')} {value}" for fact, value in facts.items())
        terminalreporter.write_line(f"{name}: {said}")
    file = os.environ.get("MIA_DUAL_SOAK_FIGURES")
    if file:
        Path(file).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
