"""What a user can get wrong is one line that names it, exit code 2, and nothing lost."""

import json
import re
import shutil
from functools import cache

import numpy as np
import pytest

from mia_dual.data.load import DATASETS
from mia_dual.measure import bench, questions


def assert_refused(done, *words):
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("mia-dual: ")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--backend", "jax"], ["'jax'", "torch", "mindspore"]),
        (["--device", "cuda"], ["'cuda'", "auto, cpu"]),
        (["--backend", "mindspore", "--device", "cuda"], ["'cuda'", "--backend torch"]),
        (["--set", "data.name=imagenet"], ["'imagenet'", "digits", "cifar10"]),
        (["--set", "target.network=vgg"], ["'vgg'", "convnet"]),
        (["--set", "target.network=no_such:make"], ["'no_such:make'", "cannot be imported"]),
        (["--set", "target.netwrk=convnet"], ["target.netwrk", "network"]),
        (["--set", "deletion.ratios=[5]"], ["5", "between 0 and 1"]),
        (["--set", "split.shadow_members=1000"], ["1797 records", "shadow_members"]),
        (["--set", "deletion.groups=100"], ["100 groups"]),
        (["--set", "shadows.data.source=stolen"], ["'stolen'", "'synthesis'"]),
        (["--set", "shadows.data={source: noisy, noise: 1.5}"], ["noise", "1.5", "at most 1"]),
        (["--set", "shadows.data={source: noisy, k_max: 9}"], ["k_max", "source synthesis"]),
        (["--set", "shadows.data={source: synthesis, k_min: 200}"], ["k_min 200", "k_max 128"]),
        (["--set", "shadows.data={source: synthesis, records: 9}"], ["9 are made", "takes 300"]),
        (["--set", "shadows.data={source: noisy, records: 1600}"], ["1600", "has 1497"]),
        (["--set", "shadows.data={source: marginals, records: 1000000000}"],
         ["1000000000 made records take", "of memory are free: ask for fewer"]),
        (["--set", "data={name: digits, classes: 5}"], ["classes", "purchases"]),
        (["--set", "data={name: purchases, records: 9}"], ["9 records", "data.classes"]),
        (["--set", "data.standardise=true"], ["data.standardise", "'digits'", "pixels"]),
        (["--set", "data.standardise=1"], ["data.standardise", "true or false"]),
        (["--set", "deletion.classes=[11]"], ["class 11"]),
        (["--set", "deletion.indices=nowhere.txt"], ["nowhere.txt"]),
        (["--set", "target.learning_rate=1e20"], ["the loss of model", "learning rate"]),
        (["--config", "nowhere.yaml"], ["nowhere.yaml", "cannot be read"]),
        (["--set", "data={name: npz, file: nowhere.npz}"], ["nowhere.npz"]),
        (["--set", "data.name=npz"], ["data.file"]),
        (
            ["--set", "split={target_members: 3, target_non_members: 3, shadow_members: 3}",
             "--set", "deletion={ratios: [0.4], methods: [full]}"],
            ["class", "shadow"],
        ),
    ],
    ids=lambda value: value[-1] if value[0].startswith("--") else "",
)  # fmt: skip
def test_bad_arguments_are_named(cli, small_config, arguments, words):
    base = [] if "--config" in arguments else ["--config", small_config]
    assert_refused(cli("run", *base, "--out", "run", *arguments), *words)


def test_without_the_network_the_files_looked_for_are_named(cli, small_config, tmp_path):
    # A closed port stands for a network that is not there.
    nowhere = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    done = cli(
        "run", "-c", small_config, "--set", "data.name=mnist", "--data-dir", "copies", env=nowhere
    )
    assert_refused(done, "train-images-idx3-ubyte", "copies", "--data-dir")


def test_a_folder_of_another_config_is_left_as_it_is(cli, small_config, tmp_path):
    assert cli("run", "-c", small_config, "--out", "run").returncode == 0
    before = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*.*")}
    done = cli("run", "-c", small_config, "--seed", "7", "--out", "run")
    assert_refused(done, "seed is 0 there, 7 here", "--out")
    assert before == {file: file.read_bytes() for file in (tmp_path / "run").rglob("*.*")}


def test_a_damaged_model_is_made_again_and_told(cli, small_config, tmp_path):
    command = ["run", "-c", small_config, "--out", "run", "--store", "store"]
    assert cli(*command).returncode == 0
    first = (tmp_path / "run" / "results.json").read_bytes()
    for file in ("models/target.safetensors", "answers/shadow-01.npy"):
        (tmp_path / "run" / file).write_bytes(b"damage")
    checked = cli("store", "verify", "--store", "store")
    assert checked.returncode == 1
    for name in ("model 'target'", "answers 'shadow-01'"):
        assert name in " ".join(checked.stdout.split())
    done = cli(*command, "--quiet")
    assert done.returncode == 0, done.stderr
    told = "damaged in the store, and made again: model 'target', answers 'shadow-01'\n"
    assert done.stderr == told
    assert (tmp_path / "run" / "results.json").read_bytes() == first
    assert cli("store", "verify", "--store", "store").returncode == 0


def test_the_store_is_listed_and_pruned(cli, small_config, tmp_path):
    assert cli("run", "-c", small_config, "--out", "run", "--store", "store").returncode == 0
    listed = cli("store", "list", "--store", "store", columns=60)
    assert listed.returncode == 0
    assert "…" not in listed.stdout
    for name in ("model", "answers", "scores", "shadow-02", "attack-7"):
        assert name in listed.stdout
    assert "removed 0 objects" in cli("store", "prune", "--store", "store").stdout
    shutil.rmtree(tmp_path / "run")
    assert "removed 0 objects" not in cli("store", "prune", "--store", "store").stdout
    assert "0 objects, 0 bytes" in cli("store", "list", "--store", "store").stdout
    assert_refused(cli("store", "list", "--store", "nowhere"), "'nowhere' is no store", "--store")


def test_a_dry_run_says_what_it_would_take_and_leaves_nothing(cli, small_config, tmp_path):
    done = cli("run", "-c", small_config, "--dry-run", "--out", "run", "--store", "store")
    assert done.returncode == 0, done.stderr
    for word in ("target", "shadow", "full", "group", "operations", "MB in the store", "10%"):
        assert word in done.stdout
    assert {file.name for file in tmp_path.iterdir()} <= {"small.yaml"}


def test_a_mended_setting_may_use_the_folder_of_the_refused_one(cli, small_config):
    refused = cli("run", "-c", small_config, "--set", "deletion.groups=100", "--out", "run")
    assert refused.returncode == 2
    assert cli("run", "-c", small_config, "--out", "run").returncode == 0


def test_a_missing_framework_is_named_with_what_brings_it(cli, small_config, tmp_path):
    for framework in ("torch", "mindspore"):
        shadow = tmp_path / f"without-{framework}"
        shadow.mkdir()
        (shadow / f"{framework}.py").write_text(
            f"raise ModuleNotFoundError(\"No module named '{framework}'\")\n"
        )
        done = cli(
            "run", "-c", small_config, "--backend", framework, env={"PYTHONPATH": str(shadow)}
        )
        assert_refused(done, framework, f"pip install 'mia-dual[{framework}]'")


def test_doctor_tells_what_works_and_what_to_install(cli, tmp_path):
    shadow = tmp_path / "without"
    shadow.mkdir()
    (shadow / "mindspore.py").write_text("raise ModuleNotFoundError(\"No module 'mindspore'\")\n")
    done = cli("doctor", env={"PYTHONPATH": str(shadow), "COLUMNS": "300"})
    assert done.returncode == 0, done.stderr
    assert "mia-dual[mindspore]" in done.stdout
    torch_line = next(
        line for line in done.stdout.splitlines() if "torch" in line and "cpu" in line
    )
    assert "yes" in torch_line


def test_datasets_lists_every_set(cli):
    done = cli("datasets")
    assert done.returncode == 0, done.stderr
    for name in DATASETS:
        assert name in done.stdout


def test_bench_prints_ratios(cli, monkeypatch):
    command = ("bench", "--network", "fcnet", "--batch-size", "4", "--models", "2",
               "--seconds", "0.1", "--rounds", "1", "--workers", "1")  # fmt: skip
    # The table is of what was measured for the document.
    monkeypatch.setattr(bench, "in_own_process", cache(bench.in_own_process))
    done = cli(*command, "--json")
    assert done.returncode == 0, done.stderr
    table = cli(*command, "--backend", "torch")
    assert table.returncode == 0, table.stderr
    assert "/ limit" in table.stdout
    assert "GFLOP/s" in table.stdout
    found = json.loads(done.stdout)
    for entry, backend in zip(found["measured"], ("torch", "mindspore")):
        assert (entry["backend"], entry["network"], entry["models"]) == (backend, "fcnet", 2)
        best = min(entry["seconds_alone"], entry["seconds_together"])
        assert entry["records_a_second"] == pytest.approx(4 / best)
        assert entry["matmul_flops"] > 1e8
        assert entry["times_limit"] == pytest.approx(best / entry["seconds_limit"])
        # What is counted cannot be done faster than counted arithmetic allows.
        assert entry["times_limit"] > 1
    assert found["measured"][0]["times_first_backend"] == 1


def test_bench_prints_what_questions_take(cli, monkeypatch):
    # No timing is looked at.
    for module in (bench, questions):
        monkeypatch.setattr(module, "in_own_process", lambda task, *given: task(*given))
    short = ("--models", "2", "--seconds", "0.1", "--rounds", "1", "--workers", "1")
    asked = ("bench", "--questions", "--network", "fcnet", "--backend", "torch", *short)
    done = cli(*asked, "--channels", "3", "--markdown")
    assert done.returncode == 0, done.stderr
    tables = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in done.stdout.splitlines()
        if line.startswith("| ")
    ]
    (titles, row), (titles_beside, beside) = tables[:2], tables[2:]
    assert titles == [
        *("network", "image", "backend", "alone", "together", "gain", "/ torch", "/ limit"),
    ]
    assert row[:3] == beside[:3] == ["fcnet", "3x28", "torch"]
    alone, together, gain, of_torch, of_limit = map(float, row[3:])
    assert gain == pytest.approx(alone / together, rel=0.02)
    assert of_torch == 1
    # Operations forward, a model and record, at the speed that the last line tells.
    peak = float(re.search(r"to ([\d.]+) GFLOP/s", done.stdout)[1])
    limit = 2 * (3 * 28 * 28 * 50 + 50 * 10) / peak / 1e3
    assert of_limit == pytest.approx(min(alone, together) / limit, rel=0.1, abs=0.1)
    assert titles_beside[3:] == ["answer", "training", "/ training", "gradient", "/ answer"]
    answers, training, of_training, gradients, ratio = map(float, beside[3:])
    assert answers == min(alone, together)
    assert of_training == pytest.approx(answers / training, rel=0.02, abs=0.01)
    assert ratio == pytest.approx(gradients / answers, rel=0.02, abs=0.1)


def test_a_size_of_memory_that_is_none_is_refused(cli):
    assert_refused(cli("run", "--memory", "plenty"), "--memory 'plenty'", "4GB")
    assert_refused(cli("run", "--memory", "0"), "--memory '0'", "4GB")


def test_a_pickled_npz_is_never_loaded(cli, small_config, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    np.savez(tmp_path / "bad.npz", x=np.array([Bomb()], dtype=object), y=np.zeros(1, int))
    done = cli("run", "-c", small_config, "--set", "data={name: npz, file: bad.npz}")
    assert_refused(done, "pickled objects", "never loaded")
    assert not (tmp_path / "exploded").exists()


def test_the_log_is_only_added_to(cli, small_config, tmp_path):
    command = ["run", "-c", small_config, "--out", "run"]
    assert cli(*command).returncode == 0
    first = (tmp_path / "run" / "log.jsonl").read_text()
    assert cli(*command).returncode == 0
    second = (tmp_path / "run" / "log.jsonl").read_text()
    assert second.startswith(first)
    assert all(json.loads(line)["event"] for line in second.splitlines())
