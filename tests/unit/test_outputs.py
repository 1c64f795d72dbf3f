"""Saved outputs are read as documented, and every flaw is named."""

import warnings
import zipfile

import numpy as np
import pytest

from mia_dual.data.outputs import load_outputs
from mia_dual.errors import DataError
from mia_dual.progress import Silent

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 3)).astype(np.float32)
REFERENCES = RNG.normal(size=(2, 6, 3)).astype(np.float32)


def softmax(logits):
    shares = np.exp(logits)
    return shares / shares.sum(axis=-1, keepdims=True)


GOOD = {
    "target_logits": LOGITS,
    "labels": np.array([0, 1, 2, 0, 1, 2]),
    "membership": np.array([1, 1, 1, 0, 0, 0], bool),
    "reference_logits": REFERENCES,
    "reference_membership": np.array([[0, 0, 0, 1, 1, 1], [1, 0, 1, 0, 1, 0]], bool),
}


@pytest.fixture
def save(tmp_path):
    def write(*left_out, how=np.savez, **changes):
        arrays = {key: array for key, array in GOOD.items() if key not in left_out}
        how(tmp_path / "said.npz", **{**arrays, **changes})
        return tmp_path / "said.npz"

    return write


def read(file):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_outputs(file, Silent())


@pytest.mark.parametrize("how", [np.savez, np.savez_compressed])
def test_what_is_saved_is_read(save, how):
    found = read(save(how=how, names=np.array([{}])))
    assert found.classes == 3
    assert np.array_equal(found.target.logits(0), LOGITS)
    assert np.array_equal(found.labels, GOOD["labels"])
    assert np.array_equal(found.membership, GOOD["membership"])
    for model in range(2):
        assert np.array_equal(found.references.table.logits(model), REFERENCES[model])
    assert np.array_equal(found.references.membership, GOOD["reference_membership"])
    assert found.references.labels is None
    # Uncompressed tables stay in the file until they are asked for.
    assert isinstance(found.references.table.values, np.memmap) == (how is np.savez)


def test_references_are_optional_and_may_have_records_of_their_own(save):
    assert read(save("reference_logits", "reference_membership")).references is None
    inside = np.array([[0, 1, 1, 0], [1, 0, 0, 1]])
    found = read(save(
        reference_logits=REFERENCES[:, :4], reference_membership=inside.astype(np.int8),
        reference_labels=np.array([2, 1, 0, 0], np.uint8),
    ))  # fmt: skip
    assert found.references.labels.tolist() == [2, 1, 0, 0]
    assert found.references.labels.dtype == np.int64
    assert np.array_equal(found.references.membership, inside)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_confidences_become_logits_of_the_same_softmax(save, kind):
    said = softmax(LOGITS.astype(np.float64)).astype(kind)
    said[0] = [0, 1, 0]
    found = read(save("target_logits", target_confidences=said))
    assert found.target.form == "confidences"
    assert np.allclose(softmax(found.target.logits(0).astype(np.float64)), said, atol=1e-3)


def test_infinite_logits_are_a_limit_and_no_flaw(save):
    said = LOGITS.copy()
    said[0] = [np.inf, -np.inf, 0]
    assert np.array_equal(read(save(target_logits=said)).target.logits(0), said)


def changed(array, place, value):
    other = np.array(array)
    other[place] = value
    return other


SURE = softmax(LOGITS)
BAD = {
    "no outputs": (("target_logits",), {}, r"no array 'target_logits': it holds 'labels'"),
    "no labels": (("labels",), {}, "no array 'labels'"),
    "no membership": (("membership",), {}, "no array 'membership'"),
    "half of the references": (("reference_membership",), {}, "no array 'reference_membership'"),
    "the other half": (("reference_logits",), {}, "no array 'reference_logits'"),
    "labels of no references": (
        ("reference_logits", "reference_membership"),
        {"reference_labels": GOOD["labels"]},
        "no array 'reference_logits'",
    ),
    "both": ((), {"target_confidences": SURE}, "both 'target_logits' and 'target_confidences'"),
    "one side": ((), {"target_logits": LOGITS[:, 0]}, r"shape \(6,\): give \(records, classes\)"),
    "one class": ((), {"target_logits": LOGITS[:, :1]}, "two classes or more"),
    "no records": ((), {"target_logits": LOGITS[:0]}, r"has shape \(0, 3\)"),
    "integers": ((), {"target_logits": LOGITS.astype(int)}, "is int64: give floating-point"),
    "objects": ((), {"target_logits": np.array([[{}] * 3] * 6)}, "pickled objects"),
    "label count": ((), {"labels": GOOD["labels"][:5]}, r"'labels' has shape \(5,\), not \(6,\)"),
    "label type": ((), {"labels": GOOD["labels"] * 1.0}, "'labels' is float64"),
    "label range": ((), {"labels": GOOD["labels"] + 1}, r"holds 3 \(record 2\).*are 0 to 2"),
    "label below": ((), {"labels": GOOD["labels"] - 1}, r"holds -1 \(record 0\)"),
    "flag count": ((), {"membership": np.ones(4, bool)}, r"'membership' has shape \(4,\), not"),
    "flag type": ((), {"membership": np.ones(6)}, "'membership' is float64: say"),
    "flag value": ((), {"membership": np.arange(6)}, "'membership' holds 2: write 1"),
    "all members": ((), {"membership": np.ones(6, bool)}, "is true for all 6 records"),
    "no members": ((), {"membership": np.zeros(6, int)}, "is false for all 6 records"),
    "NaN": ((), {"target_logits": changed(LOGITS, (4, 1), np.nan)}, "of record 4 is NaN"),
    "no class": ((), {"target_logits": changed(LOGITS, 3, -np.inf)}, "record 3 is minus infinity"),
    "NaN in a reference": (
        (),
        {"reference_logits": changed(REFERENCES, (1, 5, 0), np.nan)},
        "'reference_logits' of record 5 of model 1 is NaN",
    ),
    "logits as confidences": (
        ("target_logits",),
        {"target_confidences": LOGITS},
        "does not lie within 0 and 1: logits are to be saved as 'target_logits'",
    ),
    "sums": (
        ("target_logits",),
        {"target_confidences": changed(SURE, 2, SURE[2] / 2)},
        "of record 2 does not sum to 1",
    ),
    "sums of a reference": (
        ("reference_logits",),
        {"reference_confidences": changed(softmax(REFERENCES), (1, 3), 0.2)},
        "'reference_confidences' of record 3 of model 1 does not sum to 1",
    ),
    "other records": (
        (),
        {"reference_logits": REFERENCES[:, :5]},
        r"shape \(2, 5, 3\), and 'target_logits' is of 6 records.*'reference_labels'",
    ),
    "other classes": ((), {"reference_logits": REFERENCES[..., :2]}, "tells 3 classes apart"),
    "reference flags": (
        (),
        {"reference_membership": GOOD["membership"]},
        r"'reference_membership' has shape \(6,\), not \(2, 6\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("flaw", BAD)
def test_flaws_are_named(save, flaw):
    left_out, changes, message = BAD[flaw]
    with pytest.raises(DataError, match=message) as caught:
        read(save(*left_out, **changes))
    assert "said.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_changed_byte_of_a_mapped_table_is_found(save):
    file = save()
    with zipfile.ZipFile(file) as archive:
        place = archive.getinfo("reference_logits.npy").header_offset
    content = bytearray(file.read_bytes())
    content[place + 300] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="'reference_logits' cannot be read"):
        read(file)


def test_only_compressed_tables_must_fit_into_memory(save, monkeypatch):
    monkeypatch.setattr("mia_dual.data.archive.free_memory", lambda: 100)
    assert read(save()).classes == 3
    with pytest.raises(DataError, match=r"takes .* GB to read"):
        read(save(how=np.savez_compressed))
