"""The examples run as they are shown, but quickly."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mia_dual.report.results import Results

EXAMPLES = Path(__file__).parents[2] / "examples"

AUDITS = {
    "own_torch_model.py": ("audit", ["shadow_fcnet", "shadow_logistic_regression"]),
    "own_mindspore_model.py": (".", ["shadow_logistic_regression"]),
    "saved_outputs.py": ("audit", ["shadow_logistic_regression", "shadow_random_forest"]),
}


@pytest.fixture(params=sorted(file.name for file in EXAMPLES.glob("*.py")))
def ran(request, tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / request.param, "--quick", "--out", "out"],
        cwd=tmp_path, env={**os.environ, "MIA_DUAL_STORE": str(tmp_path / "store")},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return request.param, done.stdout, tmp_path / "out"


def test_an_example_says_what_its_audit_found(ran):
    name, told, out = ran
    folder, attacks = AUDITS[name]
    found = Results.load(out / folder)
    assert [attack for attack in found.attacks if attack.startswith("shadow")] == attacks
    assert {"loss", "lira_offline", "base"} <= found.attacks.keys()
    for attack, result in found.attacks.items():
        assert re.search(rf"^{attack}: AUC {result.auc:.3f} ", told, re.MULTILINE)
    # What learnt 300 digits or grew on 900 knows something of them, and of all.
    assert found.target.train_accuracy > 0.9
    assert found.target.test_accuracy > 0.7
