"""A data set is read once, then mapped from its prepared copy, and only while that is sound."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mia_dual.data import prepared as module
from mia_dual.data.dataset import Dataset
from mia_dual.data.load import load_dataset
from mia_dual.data.prepared import Reading, prepared
from mia_dual.errors import DataError

RNG = np.random.default_rng(0)
THING = Dataset(
    "thing",
    RNG.integers(0, 256, (6, 1, 2, 2)).astype(np.uint8),
    np.array([0, 1, 2, 0, 1, 2]),
    3,
    4,
)
HERE = ("file 10 1",)


class Source:
    """Counts how often the thing is read."""

    def __init__(self, made_from=HERE, dataset=THING):
        self.made_from, self.dataset, self.reads = made_from, dataset, 0

    def read(self):
        self.reads += 1
        return Reading(self.dataset, self.made_from or HERE, {"file": "0"})

    def load(self, *folders):
        return prepared("thing", folders, lambda: self.made_from, self.read)


def assert_same(found, expected=THING):
    assert np.array_equal(found.features, expected.features)
    assert np.array_equal(found.labels, expected.labels)
    assert found.labels.dtype == np.int64
    assert (found.name, found.classes, found.training) == ("thing", 3, 4)
    assert found.digest() == expected.digest()


def home(folder):
    return folder / "prepared" / "thing"


def test_the_second_load_reads_nothing_and_maps_what_cannot_be_written(tmp_path):
    source = Source()
    for _ in range(3):
        found = source.load(tmp_path)
        assert_same(found)
        for array in (found.features, found.labels):
            assert type(array) is np.ndarray
            assert isinstance(array.base, np.memmap)
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
    assert source.reads == 1
    names = {path.name for path in home(tmp_path).iterdir()}
    assert names == {"features.npy", "labels.npy", "prepared.json", ".lock"}


def test_the_card_tells_what_it_was_made_from(tmp_path):
    Source().load(tmp_path)
    card = json.loads((home(tmp_path) / "prepared.json").read_text())
    assert card["digest"] == THING.digest()
    assert card["made_from"] == list(HERE)
    assert card["md5"] == {"file": "0"}


def test_a_changed_source_is_read_again(tmp_path):
    Source().load(tmp_path)
    other = Dataset("thing", 255 - THING.features, THING.labels, 3, 4)
    changed = Source(("file 11 2",), other)
    for _ in range(2):
        assert_same(changed.load(tmp_path), other)
    assert changed.reads == 1


def test_a_copy_is_enough_where_the_source_is_gone(tmp_path):
    Source().load(tmp_path)
    gone = Source(None)
    assert_same(gone.load(tmp_path))
    assert gone.reads == 0


def test_a_copy_of_another_format_is_made_again(tmp_path, monkeypatch):
    source = Source()
    source.load(tmp_path)
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    source.load(tmp_path)
    source.load(tmp_path)
    assert source.reads == 2


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_copy_is_noticed_and_made_again(tmp_path, data):
    source = Source()
    source.load(tmp_path)
    source.reads = 0
    name = data.draw(st.sampled_from(["features.npy", "labels.npy", "prepared.json"]))
    file = home(tmp_path) / name
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    assert_same(source.load(tmp_path))
    assert source.reads <= 1
    assert_same(source.load(tmp_path))
    assert source.reads <= 1, "what was made again is not used"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("features.npy", None),
        ("labels.npy", b""),
        ("prepared.json", None),
        ("prepared.json", b"{}"),
        ("prepared.json", b"[1, 2]"),
        ("prepared.json", b"[" * 100_000),
        ("prepared.json", b"\xff\xfe"),
        (".features.npy.partial", b"left by a killed run"),
    ],
)
def test_a_copy_that_is_not_whole_is_made_again(tmp_path, name, content):
    source = Source()
    source.load(tmp_path)
    (home(tmp_path) / name).unlink(missing_ok=True)
    if content is not None:
        (home(tmp_path) / name).write_bytes(content)
    for _ in range(2):
        assert_same(source.load(tmp_path))
    assert source.reads == (1 if name.startswith(".") else 2)


def test_a_killed_writer_leaves_nothing_that_counts(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    replaced = os.replace
    for steps in range(3):
        calls = iter(range(10))

        def replace_until(old, new, calls=calls, steps=steps):
            if next(calls) == steps:
                raise Killed
            replaced(old, new)

        folder = tmp_path / str(steps)
        monkeypatch.setattr(module.os, "replace", replace_until)
        with pytest.raises(Killed):
            Source().load(folder)
        monkeypatch.setattr(module.os, "replace", replaced)
        source = Source()
        assert_same(source.load(folder))
        assert source.reads == 1


def test_where_nothing_can_be_written_no_copy_is_kept(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    source = Source()
    for _ in range(2):
        assert_same(source.load(tmp_path / "file" / "below"))
    (tmp_path / "prepared").write_bytes(b"in the way")
    assert_same(source.load(tmp_path))
    assert source.reads == 3


def test_a_full_disk_is_no_error(tmp_path, monkeypatch):
    def full(stream, array):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.np, "save", full)
    source = Source()
    assert_same(source.load(tmp_path))
    assert {path.name for path in home(tmp_path).iterdir()} == {".lock"}


def test_the_chosen_folder_comes_first_and_the_other_is_still_used(tmp_path):
    chosen, usual = tmp_path / "chosen", tmp_path / "usual"
    source = Source()
    source.load(usual)
    source.load(chosen, usual)
    assert source.reads == 1
    assert not home(chosen).exists()
    fresh = Source(("file 12 3",))
    fresh.load(chosen, usual)
    fresh.load(chosen, usual)
    assert fresh.reads == 1
    assert home(chosen).is_dir()


def test_runs_at_once_read_once(tmp_path):
    source, found = Source(), []
    waits = threading.Barrier(4)

    def load():
        waits.wait()
        found.append(source.load(tmp_path))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for dataset in found:
        assert_same(dataset)
    assert source.reads == 1


ONLY_NUMPY = """
import sys
import mia_dual.data.load
heavy = ("sklearn", "scipy", "torch", "torchvision", "mindspore", "urllib.request")
assert not [name for name in heavy if name in sys.modules]
print(mia_dual.data.load.load_dataset(sys.argv[1]).digest())
print(*[name for name in heavy if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("digits", "4762797d5258adf159cb47b90648706ca1fdc489e3ad64710e18636c2f2db4db"),
        ("fashion_mnist", "6ba3a9b107a4185b23e5825bb5d5326e40a5e945a520b22e0bc0849360d67265"),
    ],
)
def test_a_prepared_set_is_loaded_with_numpy_alone(tmp_path, request, name, digest):
    if name == "fashion_mnist":
        request.getfixturevalue("fashion_mnist")
    imported = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", ONLY_NUMPY, name],
            env={**os.environ, "MIA_DUAL_DATA": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found, names = done.stdout.splitlines()
        assert found == digest
        imported.append(names)
    assert imported[1] == ""


def test_digits_are_read_again_with_another_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setenv("MIA_DUAL_DATA", str(tmp_path))
    load_dataset("digits")
    card = tmp_path / "prepared" / "digits" / "prepared.json"
    before = card.read_text()
    monkeypatch.setattr("mia_dual.data.digits.version", lambda package: "0.0")
    load_dataset("digits")
    assert "scikit-learn 0.0" in card.read_text()
    assert "scikit-learn 0.0" not in before


def test_npz_needs_its_file():
    with pytest.raises(DataError, match=r"data\.file"):
        load_dataset("npz")
