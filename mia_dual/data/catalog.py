"""The published data sets: where their files come from, their checksums, and where they go.

Addresses and MD5 sums are the publishers' own, as torchvision's readers and the CIFAR page give
them; those of MNIST's unpacked files are the ones many projects check against. Files lie under a
data folder as torchvision lays them out, so that its copies are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

IDX, BINARY, PYTHON, MAT = "idx", "binary", "python", "mat"
"""The forms files come in: CIFAR's binary and pickled versions, MATLAB's, and MNIST's own."""


@dataclass(frozen=True)
class Source:
    """A published file: its addresses, MD5, and the files under the data folder it gives.

    ``gives`` maps a member of the archive to a path under the data folder; a plain or gzipped
    file has the single member "". ``sums`` has the MD5 of each of those files where it is known.
    """

    urls: tuple[str, ...]
    md5: str
    gives: Mapping[str, str]
    sums: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.urls[0].rpartition("/")[2]

    @property
    def home(self) -> str:
        """Where a download of it goes under the data folder: where torchvision puts it."""
        if "" in self.gives:
            return str(Path(self.gives[""]).with_name(self.name))
        return self.name


@dataclass(frozen=True)
class PublishedSet:
    """A published data set.

    ``records`` of all parts, the first ``training`` of them for training. ``forms`` holds its
    sources by form, training files first and the form we would rather read first. ``coarse``:
    each record carries a coarse label before its own. ``places``: folders beside the usual ones
    in which a system may keep it.
    """

    name: str
    title: str
    classes: int
    shape: tuple[int, int, int]
    records: int
    training: int
    forms: Mapping[str, tuple[Source, ...]]
    coarse: bool = False
    places: tuple[Path, ...] = ()


_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _idx(
    folder: str,
    mirrors: tuple[str, ...],
    packed: tuple[str, ...],
    unpacked: tuple[str, ...] = (),
) -> dict[str, tuple[Source, ...]]:
    paths = [f"{folder}/raw/{name}" for name in _IDX_FILES]
    sums = dict(zip(paths, unpacked))
    return {
        IDX: tuple(
            Source(
                urls=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
                md5=md5,
                gives={"": path},
                sums={path: sums[path]} if path in sums else {},
            )
            for name, path, md5 in zip(_IDX_FILES, paths, packed)
        )
    }


def _cifar(archive: str, md5: str, folder: str, sums: Mapping[str, str]) -> tuple[Source, ...]:
    names = [f"{folder}/{member}" for member in sums]
    return (
        Source(
            urls=(f"https://www.cs.toronto.edu/~kriz/{archive}",),
            md5=md5,
            gives={name: name for name in names},
            sums={name: known for name, known in zip(names, sums.values()) if known},
        ),
    )


def _svhn(part: str, md5: str) -> Source:
    path = f"SVHN/{part}_32x32.mat"
    address = f"http://ufldl.stanford.edu/housenumbers/{part}_32x32.mat"
    return Source((address,), md5, {"": path}, {path: md5})


_CIFAR10_BINARY = (*(f"data_batch_{part}.bin" for part in range(1, 6)), "test_batch.bin")

_SETS = (
    PublishedSet(
        "mnist", "handwritten digits", 10, (1, 28, 28), 70_000, 60_000,
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
            (
                "6bbc9ace898e44ae57da46a324031adb",
                "a25bea736e30d166cdddb491f175f624",
                "2646ac647ad5339dbf082846283269ea",
                "27ae3e4e09519cfbb04c329615203637",
            ),
        ),
    ),
    PublishedSet(
        "fashion_mnist", "pieces of clothing", 10, (1, 28, 28), 70_000, 60_000,
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
        "kmnist", "cursive Japanese characters", 10, (1, 28, 28), 70_000, 60_000,
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
        "cifar10", "small photographs", 10, (3, 32, 32), 60_000, 50_000,
        {
            BINARY: _cifar(
                "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530",
                "cifar-10-batches-bin", dict.fromkeys(_CIFAR10_BINARY, ""),
            ),
            PYTHON: _cifar(
                "cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a",
                "cifar-10-batches-py",
                {
                    "data_batch_1": "c99cafc152244af753f735de768cd75f",
                    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
                    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
                    "data_batch_4": "634d18415352ddfa80567beed471001a",
                    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
                    "test_batch": "40351d587109b95175f43aff81a1287e",
                },
            ),
        },
    ),
    PublishedSet(
        "cifar100", "small photographs, 100 kinds", 100, (3, 32, 32), 60_000, 50_000,
        {
            BINARY: _cifar(
                "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8",
                "cifar-100-binary", {"train.bin": "", "test.bin": ""},
            ),
            PYTHON: _cifar(
                "cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85",
                "cifar-100-python",
                {
                    "train": "16019d7e3df5f24257cddd939b257f8d",
                    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
                },
            ),
        },
        coarse=True,
    ),
    PublishedSet(
        "svhn", "house numbers", 10, (3, 32, 32), 99_289, 73_257,
        {
            MAT: (
                _svhn("train", "e26dedcc434d2e4c54c9b2d4a06d8373"),
                _svhn("test", "eb5a983be6a315427106f1b164d9cef3"),
            )
        },
    ),
)  # fmt: skip

PUBLISHED = {entry.name: entry for entry in _SETS}
