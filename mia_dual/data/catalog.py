"""The published data sets: where their files come from, their checksums, and where they go.

Addresses are the publishers' own, or a mirror that others read from, each by https. The SHA-256 of
what is downloaded is the one that two of torchvision's prototype readers, TensorFlow Datasets,
Keras and MLDatasets.jl have for the same file, since publishers give MD5 alone or nothing.
The MD5 of unpacked files is the publishers', as torchvision's readers and the CIFAR page give it;
those of MNIST's are the ones many projects check against. Files lie under a data folder as
torchvision lays them out, so that its copies are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

IDX, BINARY, PYTHON, MAT = "idx", "binary", "python", "mat"
"""The forms files come in: CIFAR's binary and pickled versions, MATLAB's, and MNIST's own."""


@dataclass(frozen=True)
class Source:
    """A published file: its addresses, SHA-256, and the files under the data folder it gives.

    ``gives`` maps a member of the archive to a path under the data folder; a plain or gzipped
    file has the single member "". ``sums`` has the MD5 of each of those files where it is known.
    """

    urls: tuple[str, ...]
    sha256: str
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
                sha256=sha256,
                gives={"": path},
                sums={path: sums[path]} if path in sums else {},
            )
            for name, path, sha256 in zip(_IDX_FILES, paths, packed)
        )
    }


def _cifar(archive: str, sha256: str, folder: str, sums: Mapping[str, str]) -> tuple[Source, ...]:
    names = [f"{folder}/{member}" for member in sums]
    return (
        Source(
            urls=(f"https://www.cs.toronto.edu/~kriz/{archive}",),
            sha256=sha256,
            gives={name: name for name in names},
            sums={name: known for name, known in zip(names, sums.values()) if known},
        ),
    )


def _svhn(part: str, sha256: str, md5: str) -> Source:
    path = f"SVHN/{part}_32x32.mat"
    address = f"https://ufldl.stanford.edu/housenumbers/{part}_32x32.mat"
    return Source((address,), sha256, {"": path}, {path: md5})


_CIFAR10_BINARY = (*(f"data_batch_{part}.bin" for part in range(1, 6)), "test_batch.bin")

_SETS = (
    PublishedSet(
        "mnist", "handwritten digits", 10, (1, 28, 28), 70_000, 60_000,
        _idx(
            "MNIST",
            (
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ),
            (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
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
            (
                # The website of the same bucket has no https.
                "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ),
            (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
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
            ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
            (
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
        ),
    ),
    PublishedSet(
        "cifar10", "small photographs", 10, (3, 32, 32), 60_000, 50_000,
        {
            BINARY: _cifar(
                "cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                "cifar-10-batches-bin", dict.fromkeys(_CIFAR10_BINARY, ""),
            ),
            PYTHON: _cifar(
                "cifar-10-python.tar.gz",
                "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
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
                "cifar-100-binary.tar.gz",
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                "cifar-100-binary", {"train.bin": "", "test.bin": ""},
            ),
            PYTHON: _cifar(
                "cifar-100-python.tar.gz",
                "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
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
                _svhn(
                    "train",
                    "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
                    "e26dedcc434d2e4c54c9b2d4a06d8373",
                ),
                _svhn(
                    "test",
                    "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
                    "eb5a983be6a315427106f1b164d9cef3",
                ),
            )
        },
    ),
)  # fmt: skip

PUBLISHED = {entry.name: entry for entry in _SETS}
