"""Figures of the soak: what each of its tests counted, told once all are through."""

import json
import os
from pathlib import Path

import pytest


@pytest.fixture
def figures(request):
    """Facts to tell: ``figures(kills=40, resumed_s=3.2)``; a test's are told under its name."""

    def tell(**facts):
        # What a test process of several hands on with its report.
        request.node.user_properties.extend(facts.items())

    return tell


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter):
    told = {
        report.nodeid.rpartition("::")[2]: {**dict(report.user_properties), "outcome": outcome}
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call" and report.user_properties
    }
    if not told:
        return
    terminalreporter.section("figures of the soak")
    for name, facts in told.items():
        said = ", ".join(f"{fact.replace('_', ' ')} {value}" for fact, value in facts.items())
        terminalreporter.write_line(f"{name}: {said}")
    file = os.environ.get("MIA_DUAL_SOAK_FIGURES")
    if file:
        Path(file).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
