"""The published data sets: where their files come from, their checksums, and where they go.

Addresses and MD5 sums are the publishers' own, as torchvision's readers and the CIFAR page give
them. Files lie under a data folder as torchvision lays them out, so that its copies are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PYTHON, BINARY = "python", "binary"
"""Forms in which CIFAR is published; a backend's reader says which one it reads."""


@dataclass(frozen=True)
class Source:
    """A published file: its addresses, MD5, and the files under the data folder it gives.

    ``gives`` maps a member of the archive to a path under the data folder; a plain or gzipped
    file has the single member "". ``content_md5`` is that of such a file's content, where others
    are known to have compressed it again.
    """

    urls: tuple[str, ...]
    md5: str
    gives: dict[str, str]
    content_md5: str = ""

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.urls[0].rpartition("/")[2]


@dataclass(frozen=True)
class PublishedSet:
    """A published data set; ``forms`` holds its sources by form, "" where there is but one."""

    name: str
    title: str
    classes: int
    shape: tuple[int, int, int]
    records: int
    forms: dict[str, tuple[Source, ...]]
    places: tuple[Path, ...] = ()

    def sources(self, form: str) -> tuple[Source, ...]:
        """The sources that a reader of ``form`` needs."""
        return self.forms[form] if form in self.forms else self.forms[""]


IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _idx(
    folder: str,
    mirrors: tuple[str, ...],
    sums: tuple[str, ...],
    contents: tuple[str, ...] = ("", "", "", ""),
) -> dict[str, tuple[Source, ...]]:
    return {
        "": tuple(
            Source(
                urls=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
                md5=md5,
                gives={"": f"{folder}/raw/{name}"},
                content_md5=content,
            )
            for name, md5, content in zip(IDX, sums, contents)
        )
    }


def _cifar(archive: str, md5: str, folder: str, *members: str) -> tuple[Source, ...]:
    names = {f"{folder}/{member}": f"{folder}/{member}" for member in members}
    return (Source((f"https://www.cs.toronto.edu/~kriz/{archive}",), md5, names),)


_SVHN = "http://ufldl.stanford.edu/housenumbers/"

_SETS = (
    PublishedSet(
        "mnist", "handwritten digits", 10, (1, 28, 28), 70_000,
        _idx(
            "MNIST",
            (
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "http://yann.lecun.com/exdb/mnist/",
            ),
            (
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ),
        ),
    ),
    PublishedSet(
        "fashion_mnist", "pieces of clothing", 10, (1, 28, 28), 70_000,
        _idx(
            "FashionMNIST",
            ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
            (
                "f4a8712d7a061bf5bd6d2ca38dc4d50a",
                "9018921c3c673c538a1fc5bad174d6f9",
                "8181f5470baa50b63fa0f6fddb340f0a",
                "15d484375f8d13e6eb1aabb0c3f46965",
            ),
        ),
        # Debian's package dataset-fashion-mnist.
        places=(Path("/usr/share/datasets/fashion-mnist"),),
    ),
    PublishedSet(
        "kmnist", "cursive Japanese characters", 10, (1, 28, 28), 70_000,
        _idx(
            "KMNIST",
            ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
            (
                "bdb82020997e1d708af4cf47b453dcf7",
                "e144d726b3acfaa3e44228e80efcd344",
                "5c965bf0a639b31b8f53240b1b52f4d7",
                "7320c461ea6c1c855c0b718fb2a4b134",
            ),
        ),
    ),
    PublishedSet(
        "cifar10", "small photographs", 10, (3, 32, 32), 60_000,
        {
            PYTHON: _cifar(
                "cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a",
                "cifar-10-batches-py",
                *(f"data_batch_{part}" for part in range(1, 6)), "test_batch", "batches.meta",
            ),
            BINARY: _cifar(
                "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530",
                "cifar-10-batches-bin",
                *(f"data_batch_{part}.bin" for part in range(1, 6)), "test_batch.bin",
            ),
        },
    ),
    PublishedSet(
        "cifar100", "small photographs, 100 kinds", 100, (3, 32, 32), 60_000,
        {
            PYTHON: _cifar(
                "cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85",
                "cifar-100-python", "train", "test", "meta",
            ),
            BINARY: _cifar(
                "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8",
                "cifar-100-binary", "train.bin", "test.bin",
            ),
        },
    ),
    PublishedSet(
        "svhn", "house numbers", 10, (3, 32, 32), 99_289,
        {
            "": (
                Source(
                    (f"{_SVHN}train_32x32.mat",), "e26dedcc434d2e4c54c9b2d4a06d8373",
                    {"": "SVHN/train_32x32.mat"},
                ),
                Source(
                    (f"{_SVHN}test_32x32.mat",), "eb5a983be6a315427106f1b164d9cef3",
                    {"": "SVHN/test_32x32.mat"},
                ),
            )
        },
    ),
)  # fmt: skip

PUBLISHED = {entry.name: entry for entry in _SETS}
