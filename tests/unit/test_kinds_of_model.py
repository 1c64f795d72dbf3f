"""What the scikit-learn backend adds to what the conformance kit asks of every backend."""

import io
import json
import zipfile

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mia_dual.errors import NetworkError
from mia_dual.execution import Execution
from mia_dual.interface import NetworkSpec, Optimizer, Records, State, TrainingJob
from mia_dual.networks import ESTIMATORS
from mia_dual_sklearn.adapter import SklearnBackend
from mia_dual_sklearn.fitting import FLOOR, fit
from mia_dual_sklearn.storage import ESTIMATOR, pack, unpack


@pytest.fixture(scope="module")
def digits():
    features, labels = load_digits(return_X_y=True)
    images = (features * 15.9375).astype(np.uint8).reshape(-1, 1, 8, 8)
    return Records(images, labels.astype(np.int64), 1 / 127.5, -1.0)


def spec_of(kind, classes=10, **options):
    return NetworkSpec(kind, (1, 8, 8), classes, options=tuple(sorted(options.items())))


def job_on(rows, name="a", stream=5):
    rows = np.sort(np.asarray(rows))
    return TrainingJob(name, State({}), rows[None], np.zeros(1), stream=stream, rows=rows)


def fitted(spec, records, rows, backend=None):
    backend = backend or SklearnBackend("cpu")
    (kept,) = backend.train(spec, Optimizer("sgd"), [job_on(rows)], records, lambda steps: None)
    return kept.state.weights


def answers(spec, weights, records, rows):
    return SklearnBackend("cpu").logits(spec, [weights], records, np.asarray(rows)[None])[0]


SHORT = {"gradient_boosting": {"max_iter": 20}, "random_forest": {"n_estimators": 30}}
LEAST = {"naive_bayes": 0.7, "decision_tree": 0.6}
"""Accuracy on digits that 400 records teach; .85 elsewhere."""


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_it_learns_and_says_probabilities(digits, kind):
    spec = spec_of(kind, **SHORT.get(kind, {}))
    weights = fitted(spec, digits, range(0, 800, 2))
    said = answers(spec, weights, digits, range(1, 800, 2))
    assert np.isfinite(said).all()
    assert np.exp(said.astype(np.float64)).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert said.min() >= np.log(FLOOR) - 1e-4
    right = said.argmax(axis=1) == digits.labels[1:800:2]
    assert right.mean() > LEAST.get(kind, 0.85)


def test_zero_and_one_are_finite_and_as_far_apart_as_the_floor(digits):
    spec = spec_of("decision_tree")
    said = answers(spec, fitted(spec, digits, range(200)), digits, range(200))
    # A tree grown to the end is certain of every member.
    sure = said[np.arange(200), digits.labels[:200]]
    assert sure == pytest.approx(0, abs=2e-6)
    assert said.min() == pytest.approx(np.log(FLOOR), abs=1e-4)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_classes_it_never_saw_have_the_floor(digits, kind):
    rows = np.flatnonzero(np.isin(digits.labels, (2, 3, 7)))[:120]
    spec = spec_of(kind, **SHORT.get(kind, {}))
    said = answers(spec, fitted(spec, digits, rows), digits, range(50))
    unseen = [label for label in range(10) if label not in (2, 3, 7)]
    assert said[:, unseen] == pytest.approx(np.log(FLOOR), abs=1e-4)
    one = np.flatnonzero(digits.labels == 4)[:45]
    said = answers(spec, fitted(spec, digits, one), digits, range(50))
    assert (said.argmax(axis=1) == 4).all()


@pytest.mark.parametrize("kind", ["random_forest", "mlp", "k_means", "logistic_regression"])
def test_the_bits_of_a_model_do_not_depend_on_workers(digits, kind):
    spec = spec_of(kind, **SHORT.get(kind, {}))
    jobs = [job_on(range(start, start + 90), f"m{start}", start) for start in (0, 40, 80)]
    found = []
    for workers in (1, 3):
        backend = SklearnBackend("cpu", Execution(workers=workers))
        kept = backend.train(spec, Optimizer("sgd"), jobs, digits, lambda steps: None)
        found.append({state.name: state.state.weights[ESTIMATOR].tobytes() for state in kept})
    assert found[0] == found[1]
    assert len(set(found[0].values())) == 3


def test_the_stream_of_a_job_draws_its_forest(digits):
    spec = spec_of("random_forest", n_estimators=5)
    one, same, other = (
        pack(fit(spec, job_on(range(80), stream=stream), digits))[ESTIMATOR].tobytes()
        for stream in (1, 1, 2)
    )
    assert one == same != other


def test_an_svm_is_as_sure_of_its_members_as_their_number_allows(digits):
    spec = spec_of("svm", kernel="linear")
    rows = np.arange(300)
    members = answers(spec, fitted(spec, digits, rows), digits, rows)
    own = members[rows, digits.labels[rows]]
    # Platt's targets of some 30 records a class.
    assert np.exp(own).mean() == pytest.approx(0.97, abs=0.01)


def test_clusters_answer_with_the_shares_of_classes_among_their_members(digits):
    spec = spec_of("k_means", n_clusters=12)
    rows = np.arange(400)
    model = unpack(spec, fitted(spec, digits, rows))
    nearest = model.estimator.predict(digits.inputs(rows).reshape(400, -1))
    said = answers(spec, fitted(spec, digits, rows), digits, rows)
    for cluster in range(12):
        inside = rows[nearest == cluster]
        shares = np.bincount(digits.labels[inside], minlength=10) / len(inside)
        assert np.exp(said[inside]) == pytest.approx(np.tile(shares, (len(inside), 1)), abs=1e-5)
        assert (said[inside].argmax(axis=1) == shares.argmax()).all()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("decision_tree", {"depth": 3}, r"no option 'depth': choose among criterion, max_depth"),
        ("decision_tree", {"max_depth": "deep"}, r"'max_depth'.*'deep': write a whole number from"),
        ("decision_tree", {"max_depth": 2.5}, r"'max_depth'.*2.5: write a whole number from 1 or"),
        ("decision_tree", {"max_depth": True}, r"'max_depth'.*true: write a whole"),
        ("random_forest", {"n_estimators": None}, r"'n_estimators'.*null: write a whole number"),
        ("random_forest", {"bootstrap": 1}, r"'bootstrap'.*1: write true or false"),
        ("svm", {"kernel": "cubic"}, r"'kernel'.*'cubic': write linear or poly or rbf"),
        ("svm", {"C": float("nan")}, r"'C'.*nan: write a number from"),
        ("k_means", {"n_clusters": 5}, r"'n_clusters' of 'k_means' is 5, fewer than the 10"),
        ("convnet", {}, r"backend 'sklearn' has no 'convnet': choose one of decision_tree"),
    ],
)
def test_what_cannot_be_set_is_said_in_a_line(kind, options, message):
    with pytest.raises(NetworkError, match=message) as caught:
        SklearnBackend("cpu").fresh(spec_of(kind, **options), seed=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "options"), [("k_means", {"n_clusters": 20}), ("k_nearest_neighbours", {})]
)
def test_more_than_a_model_has_members_is_refused_by_its_name(digits, kind, options):
    with pytest.raises(NetworkError, match=r"'n_\w+' of .* and 'a' has 4 members"):
        fitted(spec_of(kind, **options), digits, range(4))
    # By default there are no more clusters than members.
    if kind == "k_means":
        fitted(spec_of(kind), digits, range(4))


def rewritten(weights, change):
    """The stored model with ``change`` done to its files: name -> content."""
    with zipfile.ZipFile(io.BytesIO(weights[ESTIMATOR].tobytes())) as given:
        files = {name: given.read(name) for name in given.namelist()}
    change(files)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as written:
        for name, content in files.items():
            written.writestr(name, content)
    return {ESTIMATOR: np.frombuffer(packed.getvalue(), np.uint8)}


def assert_refused(spec, weights, digits, *words):
    with pytest.raises(NetworkError) as caught:
        answers(spec, weights, digits, range(3))
    for word in (spec.name, *words):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_would_run_something_runs_nothing(digits, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text(
        "import pathlib\n"
        f"pathlib.Path({str(tmp_path / 'imported')!r}).touch()\n"
        "class Tree:\n"
        f"    def __init__(self, *given): pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
        "    def __setstate__(self, state): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    spec = spec_of("decision_tree")
    weights = fitted(spec, digits, range(100))

    def named(module, name, loader=None):
        def change(files):
            schema = json.loads(files["schema.json"])
            place = schema["content"]["estimator"]
            place.update({"__module__": module, "__class__": name})
            if loader:
                place["__loader__"] = loader
            files["schema.json"] = json.dumps(schema).encode()

        return change

    for module, name, loader in (
        ("evil", "Tree", None),
        ("evil", "Tree", "TypeNode"),
        ("os", "system", "FunctionNode"),
        ("builtins", "eval", "FunctionNode"),
    ):
        changed = rewritten(weights, named(module, name, loader))
        assert_refused(spec, changed, digits, "damaged")
    assert {file.name for file in tmp_path.iterdir()} - {"__pycache__"} == {"evil.py"}

    def pickled(files):
        name = next(name for name in files if name.endswith(".npy"))
        stream = io.BytesIO()
        np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
        files[name] = stream.getvalue()

    assert_refused(spec, rewritten(weights, pickled), digits, "damaged")


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        ("decision_tree", {}, "left_child"),
        ("random_forest", {"n_estimators": 2}, "feature"),
        ("gradient_boosting", {"max_iter": 1}, "right"),
    ],
)
def test_a_tree_that_leads_out_of_itself_is_refused(digits, kind, options, field):
    spec = spec_of(kind, **options)
    weights = fitted(spec, digits, range(300))

    def astray(files):
        for name, content in files.items():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                if array.dtype.names and field in array.dtype.names and len(array) > 1:
                    array[field][0] = 10**6
                    stream = io.BytesIO()
                    np.save(stream, array)
                    files[name] = stream.getvalue()
                    return

    assert_refused(spec, rewritten(weights, astray), digits, "leads out of the tree")


def test_a_model_of_another_kind_or_of_other_records_is_refused(digits):
    tree = fitted(spec_of("decision_tree"), digits, range(100))
    assert_refused(spec_of("naive_bayes"), tree, digits, "DecisionTreeClassifier")
    wider = Records(np.zeros((3, 1, 9, 9), np.uint8), np.zeros(3, np.int64))
    with pytest.raises(NetworkError, match="it takes 64 features, not 81"):
        answers(NetworkSpec("decision_tree", (1, 9, 9), 10), tree, wider, range(3))
    with pytest.raises(NetworkError, match="classes are not among 5"):
        answers(spec_of("decision_tree", classes=5), tree, digits, range(3))
    assert_refused(spec_of("svm"), {}, digits, "nothing")
    assert_refused(spec_of("svm"), {ESTIMATOR: np.zeros(9, np.uint8)}, digits, "damaged")
