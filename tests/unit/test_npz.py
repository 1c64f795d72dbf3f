"""A user's .npz is read as documented, and every flaw is named."""

import numpy as np
import pytest

from mia_dual.data.npz import load_npz
from mia_dual.errors import DataError

Y = np.array([0, 1, 2, 0])
GREY = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
COLOUR = np.arange(4 * 3 * 5 * 6, dtype=np.int64).astype(np.uint8).reshape(4, 3, 5, 6)


@pytest.fixture
def save(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        return tmp_path / "mine.npz"

    return write


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (GREY, (4, 1, 5, 6)),
        (GREY[:, None], (4, 1, 5, 6)),
        (GREY[..., None], (4, 1, 5, 6)),
        (COLOUR, (4, 3, 5, 6)),
        (COLOUR.transpose(0, 2, 3, 1), (4, 3, 5, 6)),
    ],
)
def test_images_come_out_with_channels_first(save, x, shape):
    dataset = load_npz(save(x=x, y=Y))
    assert dataset.features.shape == shape
    assert dataset.features.dtype == np.uint8
    assert np.array_equal(dataset.features, GREY[:, None] if shape[1] == 1 else COLOUR)
    assert (dataset.classes, dataset.training) == (3, 4)
    assert dataset.labels.dtype == np.int64


def test_vectors_and_a_test_part(save):
    x = np.arange(12).reshape(4, 3)
    dataset = load_npz(save(x=x, y=Y, x_test=x[:2] + 100, y_test=Y[:2].astype(np.uint8)))
    assert dataset.features.dtype == np.float32
    assert dataset.features.shape == (6, 3)
    assert dataset.features[4, 0] == 100
    assert dataset.training == 4


BAD = {
    "no y": ({"x": GREY}, "no array 'y'"),
    "x_test alone": ({"x": GREY, "y": Y, "x_test": GREY}, "no array 'y_test'"),
    "lengths": ({"x": GREY[:3], "y": Y}, "3 records and 'y' has 4 labels"),
    "NaN": ({"x": np.full((4, 2), np.nan), "y": Y}, "NaN or infinite"),
    "infinite image": ({"x": np.full((4, 5, 5), -np.inf), "y": Y}, "NaN or infinite"),
    "text": ({"x": np.array(["a"] * 4), "y": Y}, "not numbers"),
    "complex": ({"x": np.zeros((4, 2), complex), "y": Y}, "not numbers"),
    "one side": ({"x": np.zeros(4), "y": Y}, "has shape"),
    "empty": ({"x": np.zeros((0, 3)), "y": np.zeros(0, int)}, "has shape"),
    "five channels": ({"x": np.zeros((4, 5, 6, 7)), "y": Y}, "no side is 1 or 3 channels"),
    "two meanings": ({"x": np.zeros((4, 3, 6, 3)), "y": Y}, "both the first and the last"),
    "float labels": ({"x": GREY, "y": Y * 1.0}, "labels must be integers"),
    "negative label": ({"x": GREY, "y": Y - 1}, "holds -1: labels start at 0"),
    "label matrix": ({"x": GREY, "y": Y[:, None]}, r"not \(records,\)"),
    "class without records": ({"x": GREY, "y": Y * 2}, "class 1 has no records"),
    "other test shape": (
        {"x": GREY, "y": Y, "x_test": GREY[:, 1:], "y_test": Y},
        "they must be alike",
    ),
    "objects": ({"x": np.array([{}] * 4), "y": Y}, "pickled objects"),
}


@pytest.mark.parametrize("flaw", BAD)
def test_flaws_are_named(save, flaw):
    arrays, message = BAD[flaw]
    with pytest.raises(DataError, match=message) as caught:
        load_npz(save(**arrays))
    assert "mine.npz" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off", None])
def test_files_that_are_none_are_named(tmp_path, content):
    file = tmp_path / "mine.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=r"mine\.npz"):
        load_npz(file)


def test_a_cut_off_file_is_named(save):
    file = save(x=np.random.default_rng(0).integers(0, 255, (4, 50, 50)).astype(np.uint8), y=Y)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"mine\.npz"):
        load_npz(file)


def test_a_single_array_is_told_apart(tmp_path):
    np.save(tmp_path / "one.npy", GREY)
    with pytest.raises(DataError, match="single array"):
        load_npz(tmp_path / "one.npy")
