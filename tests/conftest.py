"""Real data and small settings that many tests share."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from mia_dual.data.load import load_dataset
from tests.pipeline.deleted_run import make_run

DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture(scope="session", autouse=True)
def _data_of_the_session(tmp_path_factory):
    """Prepared data go to a folder of this session, never into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIA_DUAL_DATA", str(tmp_path_factory.mktemp("data")))
        # A page takes longer than a small run: those who look at one say so.
        patch.setenv("MIA_DUAL_PAGE", "0")
        yield


@pytest.fixture(scope="session")
def fashion_mnist():
    """The real Fashion-MNIST: images (70000, 1, 28, 28) uint8 and labels (70000,) int64."""
    if not DEBIAN_FASHION_MNIST.is_dir():
        missing = "Fashion-MNIST is not here: apt-get install dataset-fashion-mnist"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)

    def read(name, header):
        content = gzip.decompress((DEBIAN_FASHION_MNIST / name).read_bytes())
        return np.frombuffer(content, np.uint8, offset=header)

    images = [read(f"{part}-images-idx3-ubyte.gz", 16) for part in ("train", "t10k")]
    labels = [read(f"{part}-labels-idx1-ubyte.gz", 8) for part in ("train", "t10k")]
    return (
        np.concatenate(images).reshape(-1, 1, 28, 28),
        np.concatenate(labels).astype(np.int64),
    )


@pytest.fixture(scope="session")
def deleted_run(tmp_path_factory):
    """The folder of a run with two deletions by request: copy it before changing anything."""
    path = tmp_path_factory.mktemp("deleted") / "run"
    make_run(path, load_dataset("digits"))
    return path
