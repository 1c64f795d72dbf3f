"""A user's .npz is read as documented, and every flaw is named."""

import io
import os
import resource
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mia_dual.data.npz import load_npz
from mia_dual.data.records import as_records
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


def test_pixels_are_scaled_alike_whether_rows_or_images(save):
    flat = as_records(load_npz(save(x=GREY.reshape(4, -1), y=Y)), "fcnet", None)
    images = as_records(load_npz(save(x=GREY, y=Y)), "fcnet", None)
    rows = np.arange(4)
    assert np.array_equal(flat.inputs(rows), images.inputs(rows).reshape(4, -1))
    assert flat.inputs(rows).min() == -1


def test_other_arrays_are_left_alone(save):
    dataset = load_npz(save(x=GREY, y=Y, names=np.array([{}] * 4), classes=np.array("a")))
    assert len(dataset.labels) == 4


def test_byte_order_and_memory_order_do_not_matter(save):
    x = np.arange(12, dtype=">f8").reshape(4, 3)
    dataset = load_npz(save(x=np.asfortranarray(x), y=Y.astype(">i2")))
    assert np.array_equal(dataset.features, x)
    assert np.array_equal(dataset.labels, Y)


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
    "too large for float32": ({"x": np.full((4, 2), 1e300), "y": Y}, r"'x' holds 1e\+300"),
    "too large, one image": (
        {"x": np.where(np.arange(100) == 57, -1e39, 0).reshape(4, 5, 5), "y": Y},
        r"'x' holds -1e\+39, too large for float32",
    ),
    "one class": ({"x": GREY, "y": Y * 0}, "every label in 'y' is 0"),
    "one class in both parts": (
        {"x": GREY, "y": Y * 0, "x_test": GREY, "y_test": Y * 0},
        "every label in 'y' and 'y_test' is 0",
    ),
    "label of 1e12": ({"x": GREY, "y": Y + 10**12}, "class 0 .* goes up to 1000000000002"),
    "largest label": (
        {"x": GREY, "y": np.array([0, 1, 2, 2**63 - 1])},
        "class 3 has no records, though 'y' goes up to 9223372036854775807",
    ),
    "labels that wrap": (
        {"x": GREY, "y": np.array([0, 1, 2, 2**64 - 1], np.uint64)},
        "'y' goes up to 18446744073709551615",
    ),
    "label beyond in the test part": (
        {"x": GREY, "y": Y, "x_test": GREY, "y_test": Y.astype(np.uint64) + 2**63},
        "class 3 has no records, though 'y_test' goes up to",
    ),
    "records": ({"x": np.zeros(4, [("a", int)]), "y": Y}, "not numbers"),
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
    file = save(**arrays)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_refused(file, message)


def assert_refused(file, message):
    with pytest.raises(DataError, match=message) as caught:
        load_npz(file)
    assert "mine.npz" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


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


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def claiming(text):
    """An .npy file whose header is ``text``."""
    header = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (500000000000, 1000)}"


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (b"some text", "'x' cannot be read"),
        (b"", "'x' cannot be read"),
        (claiming(HUGE), r"shape \(500000000000, 1000\), 4000000000000000 bytes, and has 0"),
        (claiming(HUGE.replace("1000)", "-1)")), "'x' cannot be read"),
        (claiming(HUGE.replace("1000)", "True)")), "'x' cannot be read"),
        (claiming(HUGE.replace("<f8", "no such type")), "'x' cannot be read"),
        (claiming("(" * 5000), "'x' cannot be read"),
        (claiming("-" * 9000 + "1"), "'x' cannot be read"),
        (claiming(HUGE.replace("(500000000000, 1000)", f"({'0, ' * 3000})")), "has shape"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 100, "'x' cannot be read"),
        (b"\x93NUMPY\x09\x00" + b" " * 100, "'x' cannot be read"),
        (npy(GREY) + b"more", r"says it is uint8 of shape \(4, 5, 6\), 120 bytes, and has 124"),
        (npy(GREY)[:-7], r"120 bytes, and has 113"),
    ],
)
def test_members_that_are_no_arrays_are_named(tmp_path, x, message):
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("x.npy", x)
        archive.writestr("y.npy", npy(Y))
    assert_refused(tmp_path / "mine.npz", message)


def test_a_zip_of_other_things_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("x", "some text")
        archive.writestr("letter.txt", "some text")
    assert_refused(tmp_path / "mine.npz", "no array 'x': it holds none")


def test_encrypted_and_unknown_packing_are_named(save):
    file = save(x=GREY, y=Y)
    for at, value, message in (
        (8, 1, "'x' is encrypted"),
        (10, 99, "'x' is packed by method 99"),
        (10, zipfile.ZIP_LZMA, "'x' is packed by method 14"),
    ):
        content = bytearray(save(x=GREY, y=Y).read_bytes())
        # Flags and method stand in the directory at the end, and before each member.
        content[content.index(b"PK\x01\x02") + at] = value
        content[content.index(b"PK\x03\x04") + at - 2] = value
        file.write_bytes(content)
        assert_refused(file, message)


def test_a_size_that_a_member_cannot_have_is_named(save):
    content = bytearray(save(x=GREY, y=Y).read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (2**32 - 2).to_bytes(4, "little")
    file = save(x=GREY, y=Y)
    file.write_bytes(content)
    assert_refused(file, "'x' cannot hold the 4294967294 bytes")


def test_more_than_fits_into_memory_is_refused_unread(save, monkeypatch):
    file = save(x=np.zeros((4, 100, 100), np.uint8), y=Y)
    monkeypatch.setattr("mia_dual.data.archive.free_memory", lambda: 150_000)
    assert_refused(file, r"takes 0\.0002 GB to read, and 0\.00015 GB of memory are free")


def test_pipes_folders_and_devices_are_named(tmp_path):
    pipe = tmp_path / "mine.npz"
    os.mkfifo(pipe)
    assert_refused(pipe, "is no file")
    pipe.unlink()
    pipe.mkdir()
    assert_refused(pipe, "is no file")
    pipe.rmdir()
    pipe.symlink_to("/dev/zero")
    assert_refused(pipe, "is no file")


@pytest.mark.parametrize("packed", [False, True])
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_named(tmp_path, packed, data):
    file = tmp_path / "mine.npz"
    (np.savez_compressed if packed else np.savez)(
        file, x=GREY, y=Y, x_test=GREY[:2], y_test=Y[:2].astype(np.uint8)
    )
    content = bytearray(file.read_bytes())
    place = st.integers(0, len(content) - 1)
    for at, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), min_size=1)):
        content[at] = value
    file.write_bytes(content[: data.draw(place | st.just(len(content)))])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    complaint = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            dataset = load_npz(file)
        except DataError as error:
            complaint = str(error)
    if complaint is None:
        assert len(dataset.features) == len(dataset.labels) >= 2
    else:
        assert "mine.npz" in complaint
        assert "\n" not in complaint
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert grown < 100_000, "a few kilobytes made 100 MB"
