"""A published set is the arrays that the frameworks' own readers give, read without them."""

import gzip
import hashlib
import io
import pickle
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import mindspore.dataset as readers
import numpy as np
import pytest
import scipy.io
from torchvision import datasets

from mia_dual.data import catalog
from mia_dual.data.dataset import Dataset
from mia_dual.data.load import load_dataset
from mia_dual.errors import DataError

FASHION_MNIST_DIGEST = "6ba3a9b107a4185b23e5825bb5d5326e40a5e945a520b22e0bc0849360d67265"


@pytest.fixture(autouse=True)
def no_other_data(monkeypatch, tmp_path):
    monkeypatch.setenv("MIA_DUAL_DATA", str(tmp_path / "default"))


@pytest.fixture
def plant(monkeypatch, tmp_path):
    """Let the set ``name`` be what lies in ``tmp_path`` now, with these counts and sums."""

    def publish(name, records, training, sums=True):
        entry = catalog.PUBLISHED[name]
        forms = {}
        for form, sources in entry.forms.items():
            forms[form] = tuple(
                replace(source, sums=md5s(source.gives.values()) if sums else {})
                for source in sources
            )
        made = replace(entry, records=records, training=training, forms=forms, places=())
        monkeypatch.setitem(catalog.PUBLISHED, name, made)

    def md5s(paths):
        files = [(path, tmp_path / path) for path in paths if (tmp_path / path).is_file()]
        return {path: hashlib.md5(file.read_bytes()).hexdigest() for path, file in files}

    return publish


def draw(shape, classes, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, shape, np.uint8), rng.integers(0, classes, shape[0])


def by_mindspore(train, test):
    images, labels = [], []
    for source in (train, test):
        label = "fine_label" if "fine_label" in source.get_col_names() else "label"
        batches = source.batch(5000).create_dict_iterator(num_epochs=1, output_numpy=True)
        for batch in batches:
            images.append(batch["image"].transpose(0, 3, 1, 2))
            labels.append(batch[label].reshape(-1).astype(np.int64))
    return np.concatenate(images), np.concatenate(labels)


def by_torchvision(train, test):
    images, labels = [], []
    for part in (train, test):
        pixels = np.asarray(part.data)
        if pixels.ndim == 3:
            pixels = pixels[:, None]
        elif hasattr(part, "targets"):
            pixels = pixels.transpose(0, 3, 1, 2)
        images.append(pixels)
        labels.append(np.asarray(part.labels if hasattr(part, "labels") else part.targets))
    return np.concatenate(images), np.concatenate(labels).astype(np.int64)


def assert_as(found, *others):
    for images, labels in others:
        assert np.array_equal(found.labels, labels)
        assert np.array_equal(found.features, images)
        other = Dataset(found.name, images, labels, found.classes, found.training)
        assert found.digest() == other.digest()
    assert found.features.dtype == np.uint8
    assert found.labels.dtype == np.int64


def test_fashion_mnist_is_what_it_always_was(fashion_mnist, tmp_path):
    found = load_dataset("fashion_mnist")
    assert_as(found, fashion_mnist)
    assert (found.digest(), found.training) == (FASHION_MNIST_DIGEST, 60_000)
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in Path("/usr/share/datasets/fashion-mnist").glob("*.gz"):
        with gzip.open(packed) as source, (raw / packed.stem).open("wb") as plain:
            shutil.copyfileobj(source, plain)
    assert_as(
        load_dataset("fashion_mnist", data_dir=tmp_path),
        by_torchvision(
            *(datasets.FashionMNIST(str(tmp_path), train=train) for train in (True, False))
        ),
        by_mindspore(
            *(
                readers.FashionMnistDataset(str(raw), usage=usage, shuffle=False)
                for usage in ("train", "test")
            )
        ),
    )


IDX = [("mnist", "MNIST", "MnistDataset"), ("kmnist", "KMNIST", "KMnistDataset")]


def write_idx(raw, images, labels, training):
    raw.mkdir(parents=True)
    for part, rows in (("train", slice(0, training)), ("t10k", slice(training, None))):
        count = len(labels[rows])
        header = struct.pack(">IIII", 2051, count, *images.shape[2:])
        (raw / f"{part}-images-idx3-ubyte").write_bytes(header + images[rows].tobytes())
        header = struct.pack(">II", 2049, count)
        content = header + labels[rows].astype(np.uint8).tobytes()
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(content)


@pytest.mark.parametrize(("name", "folder", "reader"), IDX)
def test_idx_files(tmp_path, plant, name, folder, reader):
    images, labels = draw((7, 1, 28, 28), 10)
    raw = tmp_path / folder / "raw"
    write_idx(raw, images, labels, 5)
    plant(name, 7, 5)
    found = load_dataset(name, data_dir=tmp_path)
    mindspore = getattr(readers, reader)
    assert_as(
        found,
        (images, labels),
        by_torchvision(
            *(getattr(datasets, folder)(str(tmp_path), train=train) for train in (True, False))
        ),
        by_mindspore(
            *(mindspore(str(raw), usage=usage, shuffle=False) for usage in ("train", "test"))
        ),
    )
    assert found.training == 5


class PickledByPython2(pickle._Pickler):
    """Writes bytes and text as Python 2 wrote them, in which CIFAR was published."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_bytes(self, content):
        self.write(b"T" + struct.pack("<i", len(content)) + content)
        self.memoize(content)

    def save_text(self, text):
        self.save_bytes(text.encode("latin1"))

    dispatch[bytes], dispatch[str] = save_bytes, save_text


def pickled(content):
    stream = io.BytesIO()
    PickledByPython2(stream, protocol=2).dump(content)
    return stream.getvalue()


def write_cifar(folder, name, images, labels):
    """Both forms of a whole set; returns the folder of the binary one."""
    coarse = labels // 5
    if name == "cifar10":
        binary, python = folder / "cifar-10-batches-bin", folder / "cifar-10-batches-py"
        stems = [*(f"data_batch_{part}" for part in range(1, 6)), "test_batch"]
        parts = [slice(start, start + 10_000) for start in range(0, 60_000, 10_000)]
    else:
        binary, python = folder / "cifar-100-binary", folder / "cifar-100-python"
        stems, parts = ["train", "test"], [slice(0, 50_000), slice(50_000, 60_000)]
    binary.mkdir()
    python.mkdir()
    for stem, rows in zip(stems, parts):
        pixels = images[rows].reshape(len(labels[rows]), -1)
        content = {"data": pixels, "labels": labels[rows].tolist(), "batch_label": stem}
        before = labels[rows, None]
        if name == "cifar100":
            content["fine_labels"] = content.pop("labels")
            content["coarse_labels"] = coarse[rows].tolist()
            before = np.stack([coarse[rows], labels[rows]], axis=1)
        (python / stem).write_bytes(pickled(content))
        (binary / f"{stem}.bin").write_bytes(np.hstack([before.astype(np.uint8), pixels]).tobytes())
    names = [str(label) for label in range(100)]
    meta = {"label_names": names, "fine_label_names": names}
    (python / ("batches.meta" if name == "cifar10" else "meta")).write_bytes(pickled(meta))
    return binary


CIFAR = {
    "cifar10": (datasets.CIFAR10, readers.Cifar10Dataset, 10),
    "cifar100": (datasets.CIFAR100, readers.Cifar100Dataset, 100),
}


@pytest.mark.parametrize("name", CIFAR)
def test_cifar_in_its_two_forms(tmp_path, plant, monkeypatch, name):
    # torchvision checks the sums of the published files; these are not they.
    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *given: True)
    torchvision, mindspore, classes = CIFAR[name]
    # Of full size: MindSpore reads CIFAR in blocks of as many records as the files have.
    images, labels = draw((60_000, 3, 32, 32), classes)
    binary = write_cifar(tmp_path, name, images, labels)
    plant(name, 60_000, 50_000)
    first = load_dataset(name, data_dir=tmp_path)
    assert_as(
        first,
        (images, labels),
        by_mindspore(
            *(mindspore(str(binary), usage=usage, shuffle=False) for usage in ("train", "test"))
        ),
        by_torchvision(*(torchvision(str(tmp_path), train=train) for train in (True, False))),
    )
    assert first.training == 50_000
    shutil.rmtree(tmp_path / "prepared")
    shutil.rmtree(binary)
    assert_as(load_dataset(name, data_dir=tmp_path), (images, labels))


def few_cifar(tmp_path, content, stem="test_batch"):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    pixels, labels = draw((2, 3072), 10)
    good = pickled({"data": pixels, "labels": labels.tolist()})
    for name in (*(f"data_batch_{part}" for part in range(1, 6)), "test_batch"):
        (folder / name).write_bytes(content if name == stem else good)


class Evil:
    def __reduce__(self):
        return print, ("a pickle ran",)


def test_a_pickle_that_is_not_known_is_never_read(tmp_path, plant, capsys):
    few_cifar(tmp_path, pickled({"data": Evil(), "labels": [0]}))
    plant("cifar10", 12, 10, sums=False)
    with pytest.raises(DataError, match=r"data_batch_1.*not known to be the published file"):
        load_dataset("cifar10", data_dir=tmp_path)
    assert capsys.readouterr().out == ""


def test_a_pickle_with_another_sum_is_never_read(tmp_path, capsys):
    few_cifar(tmp_path, pickled({"data": Evil(), "labels": [0]}))
    with pytest.raises(DataError, match=r"data_batch_1' is damaged.*c99cafc152244af753f735de"):
        load_dataset("cifar10", data_dir=tmp_path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content",
    [
        pickled({"data": Evil(), "labels": [0]}),
        pickled({"labels": [0]}),
        pickled([1, 2]),
        pickled({"data": np.zeros(5, np.uint8), "labels": [0]}),
        pickled({"data": np.zeros((1, 3072), np.uint8), "labels": [0]})[:-100],
        b"",
    ],
)
def test_even_a_known_pickle_makes_arrays_alone(tmp_path, plant, capsys, content):
    few_cifar(tmp_path, content)
    plant("cifar10", 12, 10)
    with pytest.raises(DataError, match=r"test_batch' is damaged") as caught:
        load_dataset("cifar10", data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_svhn_calls_the_digit_nought_0(tmp_path, plant, monkeypatch):
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
    plant("svhn", 8, 5)
    mindspore_images, mindspore_labels = by_mindspore(
        *(
            readers.SVHNDataset(str(tmp_path / "SVHN"), usage=usage, shuffle=False)
            for usage in ("train", "test")
        )
    )
    assert_as(
        load_dataset("svhn", data_dir=tmp_path),
        (images, labels),
        (mindspore_images, mindspore_labels % 10),
        by_torchvision(
            *(datasets.SVHN(str(tmp_path / "SVHN"), split=part) for part in ("train", "test"))
        ),
    )


@pytest.mark.parametrize("part", ["train", "t10k"])
@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"nonsense",
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:6],
        lambda content: content[:3] + b"\7" + content[4:],
        lambda content: content[:4] + b"\xff\xff\xff\xff" + content[8:],
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, plant, part, kind, damage):
    images, labels = draw((7, 1, 28, 28), 10)
    raw = tmp_path / "KMNIST" / "raw"
    write_idx(raw, images, labels, 5)
    plant("kmnist", 7, 5, sums=False)
    file = raw / f"{part}-{kind}-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataError, match=rf"{file.name}' is damaged.*delete it") as caught:
        load_dataset("kmnist", data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "prepared").rglob("*.npy"))


@pytest.mark.parametrize(
    ("size", "training", "wrong", "message"),
    [
        (6, 5, lambda labels: labels, "6 records of shape"),
        (7, 5, lambda labels: labels + 200, "label 20"),
    ],
)
def test_files_of_another_size_or_class_are_no_published_set(
    tmp_path, plant, size, training, wrong, message
):
    images, labels = draw((size, 1, 28, 28), 10)
    write_idx(tmp_path / "KMNIST" / "raw", images, wrong(labels), training)
    plant("kmnist", 7, 5, sums=False)
    with pytest.raises(DataError, match=rf"'kmnist'.*not as published.*{message}"):
        load_dataset("kmnist", data_dir=tmp_path)


def test_damaged_binary_cifar_and_svhn_are_named(tmp_path, plant):
    binary = tmp_path / "cifar-100-binary"
    binary.mkdir()
    (binary / "train.bin").write_bytes(bytes(3074 * 2))
    (binary / "test.bin").write_bytes(bytes(3073))
    plant("cifar100", 3, 2, sums=False)
    with pytest.raises(DataError, match=r"test\.bin' is damaged.*3073 bytes"):
        load_dataset("cifar100", data_dir=tmp_path)
    (tmp_path / "SVHN").mkdir()
    for part in ("train", "test"):
        (tmp_path / "SVHN" / f"{part}_32x32.mat").write_bytes(b"nonsense" * 100)
    plant("svhn", 3, 2, sums=False)
    with pytest.raises(DataError, match=r"train_32x32\.mat' is damaged"):
        load_dataset("svhn", data_dir=tmp_path)
