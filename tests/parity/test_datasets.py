"""The same set is the same arrays, whichever framework's reader read it."""

import pickle
import struct

import numpy as np
import pytest
import scipy.io

from mia_dual.data.dataset import Dataset
from mia_dual.data.load import load_dataset
from mia_dual.errors import DataError


@pytest.fixture
def backends(torch_backend, mindspore_backend):
    return torch_backend, mindspore_backend


def draw(shape, classes, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, shape).astype(np.uint8), rng.integers(0, classes, shape[0])


def test_fashion_mnist_is_one_and_the_same(backends, fashion_mnist):
    images, labels = fashion_mnist
    found = [load_dataset("fashion_mnist", backend) for backend in backends]
    assert len({dataset.digest() for dataset in found}) == 1
    for dataset in found:
        assert np.array_equal(dataset.features, images)
        assert np.array_equal(dataset.labels, labels)
        assert dataset.training == 60_000


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("kmnist", "KMNIST")])
def test_idx_files(backends, tmp_path, name, folder):
    images, labels = draw((7, 1, 28, 28), 10)
    raw = tmp_path / folder / "raw"
    raw.mkdir(parents=True)
    for part, rows in (("train", slice(0, 5)), ("t10k", slice(5, 7))):
        count = len(labels[rows])
        header = struct.pack(">IIII", 2051, count, 28, 28)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(header + images[rows].tobytes())
        header = struct.pack(">II", 2049, count)
        content = header + labels[rows].astype(np.uint8).tobytes()
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(content)
    assert_both_read(backends, name, tmp_path, images, labels, training=5)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_in_its_two_forms(backends, tmp_path, monkeypatch, name):
    from torchvision import datasets

    # torchvision checks the sums of the published files; these are not they.
    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *given: True)
    classes = 10 if name == "cifar10" else 100
    # Of full size: MindSpore reads CIFAR in blocks of as many records as the files have.
    images, labels = draw((60_000, 3, 32, 32), classes)
    coarse = labels // 5
    for part in range(6):
        rows = slice(part * 10_000, part * 10_000 + 10_000)
        if name == "cifar10":
            where, binary = tmp_path / "cifar-10-batches-py", tmp_path / "cifar-10-batches-bin"
            stem = f"data_batch_{part + 1}" if part < 5 else "test_batch"
            content = {"data": images[rows].reshape(10_000, -1), "labels": labels[rows].tolist()}
            before = labels[rows, None]
        else:
            where, binary = tmp_path / "cifar-100-python", tmp_path / "cifar-100-binary"
            rows = slice(0, 50_000) if part == 0 else slice(50_000, 60_000)
            stem = "train" if part == 0 else "test"
            content = {
                "data": images[rows].reshape(len(labels[rows]), -1),
                "fine_labels": labels[rows].tolist(),
                "coarse_labels": coarse[rows].tolist(),
            }
            before = np.stack([coarse[rows], labels[rows]], axis=1)
        if name == "cifar100" and part > 1:
            break
        where.mkdir(exist_ok=True)
        binary.mkdir(exist_ok=True)
        (where / stem).write_bytes(pickle.dumps(content))
        pixels = images[rows].reshape(len(labels[rows]), -1)
        (binary / f"{stem}.bin").write_bytes(np.hstack([before.astype(np.uint8), pixels]).tobytes())
    names = [str(label) for label in range(classes)]
    meta = {"label_names": names, "fine_label_names": names}
    (where / ("batches.meta" if name == "cifar10" else "meta")).write_bytes(pickle.dumps(meta))
    assert_both_read(backends, name, tmp_path, images, labels, training=50_000)


def test_svhn_calls_the_digit_nought_0(backends, tmp_path, monkeypatch):
    monkeypatch.setattr("torchvision.datasets.svhn.check_integrity", lambda *given: True)
    images, labels = draw((8, 3, 32, 32), 10)
    labels[0] = 0
    (tmp_path / "SVHN").mkdir()
    for part, rows in (("train", slice(0, 5)), ("test", slice(5, 8))):
        named = np.where(labels[rows] == 0, 10, labels[rows]).astype(np.uint8)
        scipy.io.savemat(
            tmp_path / "SVHN" / f"{part}_32x32.mat",
            {"X": images[rows].transpose(2, 3, 1, 0), "y": named[:, None]},
        )
    assert_both_read(backends, "svhn", tmp_path, images, labels, training=5)


def test_files_that_cannot_be_read_are_named(backends, tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(b"nonsense")
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(b"nonsense")
    for backend in backends:
        with pytest.raises(DataError, match="'mnist'") as caught:
            load_dataset("mnist", backend, data_dir=tmp_path)
        assert "\n" not in str(caught.value)


def assert_both_read(backends, name, folder, images, labels, training):
    digests = set()
    for backend in backends:
        found = backend.read_dataset(name, folder)
        assert np.array_equal(found.labels, labels), backend.name
        assert np.array_equal(found.images, images), backend.name
        assert found.images.dtype == np.uint8
        assert found.labels.dtype == np.int64
        assert found.training == training
        digests.add(Dataset(name, found.images, found.labels, 10, training).digest())
    assert len(digests) == 1
