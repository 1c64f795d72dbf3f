"""A training job as the platform runs it: a process with nothing but the folder."""

import importlib.util
import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.xihe.conftest import ended

BACKENDS = ("torch", "mindspore")


ARGUMENTS = (
    "--num_gpus=1", "--ckpt_url=/nowhere/at/all", "--verbose", "--target.epochs", "6", "--seed=3",
    "stray",
)  # fmt: skip


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """A data set of the user's own, as an npz deep in a folder."""
    folder = tmp_path_factory.mktemp("inputs") / "of" / "mine"
    folder.mkdir(parents=True)
    images, labels = load_digits(return_X_y=True)
    np.savez(folder / "digits.npz", x=images.astype(np.float32) / 16, y=labels)
    return folder.parents[1]


@pytest.fixture(scope="session")
def alone(code, job, records, tmp_path_factory):
    """The output folder of a job on one card, and what the job said."""
    done = {}

    def run(backend):
        if backend not in done:
            output = tmp_path_factory.mktemp("output")
            process = job(
                code(backend), *ARGUMENTS, "--my_records", records, "--output_url", output,
                f"--aimrepo_url={output / 'aim'}",
            )  # fmt: skip
            rc, out, error = ended(process)
            assert rc == 0, error
            done[backend] = output, out.splitlines()
        return done[backend]

    return run


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_job_finds_its_data_and_writes_its_results(alone, code, backend):
    output, said = alone(backend)
    assert str(code(backend) / "mia_dual") in said[0]
    assert any("data: 'npz' among the inputs, 1797 records" in line for line in said)
    found = json.loads((output / "run" / "results.json").read_text())
    assert (found["backend"], found["seed"], found["data"]["name"]) == (backend, 3, "npz")
    config = (output / "run" / "config.yaml").read_text()
    assert "epochs: 6" in config
    assert "digits.npz" in config
    # Records for Aim are written or refused in a line; no run is lost for want of it.
    if importlib.util.find_spec("aim") is None:
        assert any("aim is not installed" in line for line in said)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_ranks_find_what_one_finds(alone, job, code, records, tmp_path, backend):
    ranks = [
        job(
            code(backend), *ARGUMENTS, f"--data_url={records}", f"--output_path={tmp_path}",
            RANK_ID=str(number), RANK_SIZE="2", DEVICE_ID=str(number),
            ASCEND_DEVICE_ID=str(number),
        )
        for number in (1, 0)
    ]  # fmt: skip
    said = [ended(rank) for rank in ranks]
    assert [rc for rc, _, _ in said] == [0, 0], said
    assert "trained 5 models; rank 0 finishes" in said[0][1]
    assert not (tmp_path / "ranks").exists()
    first, second = alone(backend)[0] / "run", tmp_path / "run"
    assert (first / "results.json").read_bytes() == (second / "results.json").read_bytes()
    models = sorted((first / "models").iterdir())
    assert len(models) == 21
    for model in models:
        assert model.read_bytes() == (second / "models" / model.name).read_bytes()


def test_two_ranks_with_different_settings_are_refused_in_a_line(job, code, tmp_path):
    folder = code("torch")
    ranks = [
        job(folder, "--output_path", tmp_path / "out", "--rank_timeout=120",
            f"--target.epochs={5 + number}", RANK_ID=str(number), RANK_SIZE="2")
        for number in (0, 1)
    ]  # fmt: skip
    for rc, _, error in map(ended, ranks):
        assert rc == 2
        assert error.splitlines() == [
            "mia-dual: rank 1 was started otherwise than rank 0 (target.epochs is 5 here, 6 "
            "there): start all ranks with the same arguments, code and data"
        ]
    assert not list((tmp_path / "out" / "store").rglob("*.safetensors"))


def test_the_application_reads_the_results_of_a_job(alone, code):
    output, _ = alone("torch")
    spec = importlib.util.spec_from_file_location("app", code("torch") / "inference" / "app.py")
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    (output / "results.json").write_text("no JSON")
    ((name, found),) = app.read_results(output).items()
    assert name == f"{output.name}/run"
    assert "**fcnet** on **npz** (torch): accuracy " in app.summary(found)
    ((attack, auc, *_),) = app.attack_rows(found)
    assert (attack, auc) == ("shadow_fcnet", f"{found['attacks']['shadow_fcnet']['auc']:.3f}")
    rows = app.deletion_rows(found)
    assert [row[:3] for row in rows] == [
        ["10% (12)", method, "shadow_fcnet"] for method in ("full", "grouped")
    ]
    assert all(" > " in figure for row in rows for figure in row[3:])
    assert app.attack_rows({}) == app.deletion_rows({}) == []
