"""The folder that is uploaded: whole, small files, and never over what somebody changed."""

import importlib.util
import json
import shutil

import pytest
import yaml

from mia_dual.config import load_config
from mia_dual.errors import BackendError, ConfigError, StoreError
from mia_dual.xihe.folder import MARK, write_folder

LARGEST = 200_000
"""Bytes of a file that a project's repository takes."""


def test_the_folder_holds_all_that_a_job_needs(tmp_path):
    files = write_folder(tmp_path / "job", "mindspore")
    there = {
        file.relative_to(tmp_path / "job").as_posix(): file.stat().st_size
        for file in (tmp_path / "job").rglob("*")
        if file.is_file()
    }
    assert sorted({*files, MARK}) == sorted(there)
    assert max(there.values()) < LARGEST
    assert {"boot.py", "pip-requirements.txt", "config.yaml", "README.md"} <= there.keys()
    assert {"mia_dual/xihe/job.py", "mia_dual/py.typed"} <= there.keys()
    assert {"mia_dual_torch/adapter.py", "mia_dual_mindspore/adapter.py"} <= there.keys()
    assert not [name for name in there if name.startswith("inference/") or "__pycache__" in name]
    assert load_config(tmp_path / "job" / "config.yaml").backend == "mindspore"
    readme = (tmp_path / "job" / "README.md").read_text(encoding="utf-8")
    assert "`mindspore`" in readme
    assert "启动文件" in readme
    assert "@" not in readme


def test_the_image_keeps_its_framework(tmp_path):
    for backend in ("torch", "mindspore"):
        write_folder(tmp_path / backend, backend)
    names = {
        backend: [
            line.rstrip("0123456789.<>=,")
            for line in (tmp_path / backend / "pip-requirements.txt").read_text().splitlines()
        ]
        for backend in ("torch", "mindspore")
    }
    for listed in names.values():
        assert {"numpy", "pydantic", "scikit-learn", "safetensors"} <= set(listed)
        assert not {"torch", "mindspore", "pytest", "ruff"} & set(listed)
        assert len(set(listed)) == len(listed)
    needed = (tmp_path / "mindspore" / "pip-requirements.txt").read_text().splitlines()
    assert [line for line in needed if line.startswith("numpy") and line.endswith(",<2")]


def test_settings_and_lists_of_records_come_along_and_data_do_not(tmp_path):
    (tmp_path / "gone.txt").write_text("1\n2\n")
    (tmp_path / "mine.npz").write_bytes(b"any")
    config = tmp_path / "mine.yaml"
    settings = {
        "backend": "torch",
        "data": {"name": "npz", "file": str(tmp_path / "mine.npz")},
        "deletion": {"indices": str(tmp_path / "gone.txt")},
    }
    config.write_text(yaml.safe_dump(settings))
    write_folder(tmp_path / "job", "mindspore", config)
    written = yaml.safe_load((tmp_path / "job" / "config.yaml").read_text())
    assert written == {
        "backend": "mindspore",
        "data": {"name": "npz"},
        "deletion": {"indices": "indices.txt"},
    }
    assert (tmp_path / "job" / "indices.txt").read_text() == "1\n2\n"


def test_a_folder_of_ours_is_written_again_and_loses_what_is_no_more(tmp_path):
    job = tmp_path / "job"
    write_folder(job, "torch", inference=True)
    (job / "boot.py").unlink()
    write_folder(job, "mindspore")
    assert (job / "boot.py").is_file()
    assert "backend: mindspore" in (job / "config.yaml").read_text()
    assert not (job / "inference" / "app.py").exists()
    (job / "my_network.py").write_text("mine")
    write_folder(job, "mindspore")
    assert (job / "my_network.py").read_text() == "mine"


def test_what_somebody_changed_is_not_lost(tmp_path):
    job = tmp_path / "job"
    write_folder(job, "torch")
    config = job / "config.yaml"
    config.write_text("backend: torch\nseed: 7\n")
    with pytest.raises(StoreError, match=r"config\.yaml' was changed since.*kept by --config"):
        write_folder(job, "torch")
    assert config.read_text() == "backend: torch\nseed: 7\n"
    write_folder(job, "torch", config)
    assert load_config(config).seed == 7
    (job / "boot.py").write_text("mine")
    with pytest.raises(StoreError, match=r"boot\.py' was changed since.*move it away$"):
        write_folder(job, "torch")


@pytest.mark.parametrize("mark", [None, "", "[]", '{"files": 3}', '{"files": {"../x": "y"}}'])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path, mark):
    job = tmp_path / "job"
    job.mkdir()
    (job / "boot.py").write_text("mine")
    if mark is not None:
        (job / MARK).write_text(mark)
    with pytest.raises(StoreError, match="is not empty and was not written by mia-dual"):
        write_folder(job, "torch")
    assert (job / "boot.py").read_text() == "mine"


def test_bad_input_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "bad.yaml").write_text("target: {epoch: 3}")
    (tmp_path / "list.yaml").write_text("deletion: {indices: /nowhere.txt}")
    job = tmp_path / "job"
    with pytest.raises(StoreError, match="is no folder"):
        write_folder(tmp_path / "file", "torch")
    with pytest.raises(BackendError, match="no backend 'keras'"):
        write_folder(job, "keras")
    with pytest.raises(ConfigError, match=r"unknown key 'target\.epoch'"):
        write_folder(job, "torch", tmp_path / "bad.yaml")
    with pytest.raises(ConfigError, match=r"'/nowhere\.txt' cannot be read"):
        write_folder(job, "torch", tmp_path / "list.yaml")
    assert not job.exists()


def test_the_boot_file_is_understood_by_older_pythons_and_says_what_it_needs(tmp_path):
    import ast

    write_folder(tmp_path / "job", "torch")
    source = (tmp_path / "job" / "boot.py").read_text()
    ast.parse(source, feature_version=(3, 6))
    assert "choose an image with MindSpore 2.2" in source


def test_the_application_serves_a_page(tmp_path, monkeypatch):
    """With a stand-in for Gradio, which is not among our requirements."""
    import sys
    import types

    write_folder(tmp_path / "job", "torch", inference=True)
    shown = []

    class Blocks:
        def __init__(self, title):
            shown.append(title)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def launch(self):
            shown.append("launched")

    gradio = types.SimpleNamespace(
        Blocks=Blocks,
        Markdown=shown.append,
        Dataframe=lambda rows, headers: shown.append((rows, headers)),
    )
    monkeypatch.setitem(sys.modules, "gradio", gradio)
    file = tmp_path / "job" / "inference" / "app.py"
    spec = importlib.util.spec_from_file_location("app", file)
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    app.main()
    assert "No results.json" in shown[1]
    assert shown[-1] == "launched"
    shown.clear()
    (file.parent / "results" / "one").mkdir(parents=True)
    results = {"attacks": {"a": {"auc": 0.5}}, "data": {"name": "digits"}}
    (file.parent / "results" / "one" / "results.json").write_text(json.dumps(results))
    app.main()
    assert shown[1].startswith("## results/one")
    assert shown[2][0] == [["a", "0.500", "- - -", "-", "-"]]
    shutil.rmtree(file.parent)
