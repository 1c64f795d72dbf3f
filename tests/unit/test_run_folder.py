"""What is in a run folder is whole, its own, and found again by its key."""

import json

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.errors import StoreError
from mia_dual.interface import TrainedModel
from mia_dual.store.folder import RunFolder

MODEL = TrainedModel("shadow-03", {"fc.weight": np.arange(6, dtype=np.float32)}, seconds=1.5)


@pytest.fixture
def filled(tmp_path):
    with RunFolder(tmp_path / "run", Config()) as folder:
        folder.write_model("k" * 64, MODEL, steps=7)
        folder.write_output("o" * 64, "shadow-03", {"logits": np.eye(3)})
    return tmp_path / "run"


def test_what_was_written_is_found_again(filled):
    with RunFolder(filled, Config()) as folder:
        entry = folder.find("k" * 64)
        assert (entry.seconds, entry.steps) == (1.5, 7)
        assert np.array_equal(folder.read_model(entry)["fc.weight"], MODEL.weights["fc.weight"])
        assert np.array_equal(folder.read_output("o" * 64)["logits"], np.eye(3))
        assert folder.find("x" * 64) is None
        assert folder.read_output("x" * 64) is None


def test_a_deleted_file_is_made_again(filled):
    (file,) = (filled / "models").iterdir()
    file.unlink()
    with RunFolder(filled, Config()) as folder:
        assert folder.find("k" * 64) is None


@pytest.mark.parametrize("damage", [b"", b"nonsense"])
def test_a_damaged_file_is_named_and_never_used(filled, damage):
    (model,) = (filled / "models").iterdir()
    (output,) = (filled / "outputs").iterdir()
    for file in (model, output):
        file.write_bytes(damage)
    with RunFolder(filled, Config()) as folder:
        with pytest.raises(StoreError, match=f"{model.name}.*damaged.*delete it and run again"):
            folder.read_model(folder.find("k" * 64))
        with pytest.raises(StoreError, match=f"{output.name}.*damaged"):
            folder.read_output("o" * 64)


def test_another_config_is_refused_by_the_key_that_differs(filled):
    with (
        pytest.raises(StoreError, match=r"target.epochs is 10 there, 11 here.*another --out"),
        RunFolder(filled, Config(target={"epochs": 11})),
    ):
        pass


def test_a_folder_where_nothing_was_made_takes_a_mended_config(tmp_path):
    with RunFolder(tmp_path / "run", Config()):
        pass
    with RunFolder(tmp_path / "run", Config(seed=3)):
        pass
    assert "seed: 3" in (tmp_path / "run" / "config.yaml").read_text()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(StoreError, match=r"not empty.*thesis.tex"), RunFolder(tmp_path, Config()):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) in (
        [".lock", "thesis.tex"],
        ["thesis.tex"],
    )


def test_two_runs_do_not_share_a_folder(filled):
    with (
        RunFolder(filled, Config()),
        pytest.raises(StoreError, match="in use by another run"),
        RunFolder(filled, Config()),
    ):
        pass


def test_a_line_cut_off_by_a_kill_costs_that_line_alone(filled):
    index = filled / "index.jsonl"
    whole = index.read_bytes()
    index.write_bytes(whole + b'{"key": "half')
    with RunFolder(filled, Config()) as folder:
        assert folder.find("k" * 64) is not None
        folder.write_model("n" * 64, MODEL, steps=1)
    lines = index.read_text().splitlines()
    assert [json.loads(line)["key"][0] for line in lines] == ["k", "o", "n"]


def test_a_damaged_line_is_named(filled):
    index = filled / "index.jsonl"
    index.write_bytes(b"rubbish\n" + index.read_bytes())
    with (
        pytest.raises(StoreError, match=r"index.jsonl' is damaged at line 1"),
        RunFolder(filled, Config()),
    ):
        pass


def test_a_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        RunFolder(tmp_path / "file", Config())
