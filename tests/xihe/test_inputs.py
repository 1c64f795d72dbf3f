"""Data under any name and in any folder: the real Fashion-MNIST, and arrays of one's own."""

import gzip
import os

import numpy as np
import pytest

from mia_dual.errors import DataError
from mia_dual.progress import Silent
from mia_dual.xihe.inputs import DEEPEST, Inputs
from tests.conftest import DEBIAN_FASHION_MNIST

PACKED = [
    f"{part}-{kind}-ubyte.gz"
    for part in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
]


@pytest.fixture
def inputs(tmp_path):
    def look(**arguments):
        home = tmp_path / f"workplace-{len(list(tmp_path.iterdir()))}"
        return Inputs({key: str(value) for key, value in arguments.items()}, home, Silent())

    return look


@pytest.fixture
def packed(tmp_path, fashion_mnist):
    """The set as it is published, in one folder."""
    folder = tmp_path / "packed"
    folder.mkdir()
    for name in PACKED:
        (folder / name).symlink_to(DEBIAN_FASHION_MNIST / name)
    return folder


def arrays(file, records=40):
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, x=np.zeros((records, 3), np.float32), y=np.arange(records) % 2)
    return file


def test_a_set_is_recognised_as_published(inputs, packed, fashion_mnist):
    found = inputs(data_url=packed, ckpt_url="/nowhere").recognise()
    assert (found.name, found.file) == ("fashion_mnist", None)
    assert np.array_equal(found.dataset.labels, fashion_mnist[1])


def test_a_set_is_found_unpacked_in_the_platforms_own_layout(inputs, packed, tmp_path):
    for name in PACKED:
        file = tmp_path / "set" / name.split("-")[0] / name[:-3]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.decompress((packed / name).read_bytes()))
    found = inputs(anything=tmp_path / "set")
    # Named alike, and told apart by what they hold.
    assert found.recognise().name == "fashion_mnist"
    with pytest.raises(DataError, match="damaged, or of another set"):
        inputs(anything=tmp_path / "set").find("mnist")


def test_of_two_copies_the_one_in_the_sets_own_folder_is_taken(inputs, packed, tmp_path):
    own = tmp_path / "data" / "FashionMNIST" / "raw"
    own.parent.mkdir(parents=True)
    packed.rename(own)
    other = tmp_path / "data" / "A" / "raw"
    other.mkdir(parents=True)
    for name in PACKED:
        (other / name).write_bytes(b"of another set")
    assert len(inputs(d=tmp_path / "data").find("fashion_mnist").dataset.labels) == 70_000


def test_an_npz_is_found_in_a_folder_or_named_itself(inputs, tmp_path):
    file = arrays(tmp_path / "a" / "b" / "mine.npz")
    for place in (tmp_path / "a", file):
        found = inputs(records=place, again=place).recognise()
        assert (found.name, found.file) == ("npz", file)
        assert len(found.dataset.labels) == 40
    assert inputs(records=tmp_path / "a").find("npz").file == file
    assert inputs(records=tmp_path / "a").find("cifar10") is None


def test_where_nothing_is_there_nothing_is_found(inputs, tmp_path):
    (tmp_path / "empty").mkdir()
    deep = tmp_path.joinpath("deep", *("x" * (DEEPEST + 1)), "mine.npz")
    arrays(deep)
    os.mkfifo(tmp_path / "empty" / "train")
    found = inputs(a=tmp_path / "empty", b=tmp_path / "deep", c="/nowhere", d="text")
    assert found.recognise() is None
    assert found.find("npz") is None
    assert str(found) == f"--a='{tmp_path / 'empty'}', --b='{tmp_path / 'deep'}'"
    assert str(inputs()) == "the inputs, of which there are none"


def test_what_could_be_meant_either_way_is_refused(inputs, packed, tmp_path):
    first, second = arrays(tmp_path / "n" / "a.npz"), arrays(tmp_path / "n" / "b.npz")
    with pytest.raises(
        DataError, match=r"2 npz files.*say which with --data\.name=npz --data\.fil"
    ):
        inputs(n=tmp_path / "n").recognise()
    second.unlink()
    with pytest.raises(DataError, match=r"several data sets \(fashion_mnist, npz\): say which"):
        inputs(n=first, d=packed).recognise()
    assert inputs(n=first, d=packed).find("npz").file == first


def test_a_damaged_set_is_named_rather_than_passed_over(inputs, packed):
    (packed / PACKED[0]).unlink()
    (packed / PACKED[0]).write_bytes(gzip.compress(b"damaged"))
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        inputs(data_url=packed).recognise()
