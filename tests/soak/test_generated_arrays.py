"""Arrays of all kinds: records, saved outputs and weights are read as they are, or refused."""

import io
import resource
import zipfile

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import strategies as st

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import NetworkError
from mia_dual.measure import forecast
from mia_dual.plan.draft import plan_dataset
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.given import given_model
from mia_dual.training.planned import plan_families
from tests.command_line import called_here
from tests.numpy_backend import NumpyEngine
from tests.soak.generated import COUNTS, contents, outcome, try_examples
from tests.soak.mutations import damaged

RNG = np.random.default_rng(0)
RECORDS = {
    "x": RNG.integers(0, 256, (60, 4, 4)).astype(np.uint8),
    "y": np.arange(60) % 3,
    "x_test": RNG.integers(0, 256, (12, 4, 4)).astype(np.uint8),
    "y_test": np.arange(12) % 3,
}
OUTPUTS = {
    "target_logits": RNG.normal(size=(40, 3)).astype(np.float32),
    "labels": np.arange(40) % 3,
    "membership": np.arange(40) % 2 == 0,
    "reference_logits": RNG.normal(size=(4, 40, 3)).astype(np.float32),
    "reference_membership": RNG.permuted(np.tile(np.arange(40) % 2 == 0, (4, 1)), axis=1),
}
WEIGHTS = {
    "fc1.weight": RNG.normal(size=(4, 64)).astype(np.float32),
    "fc1.bias": np.zeros(4, np.float32),
    "fc2.weight": RNG.normal(size=(10, 4)).astype(np.float32),
    "fc2.bias": np.zeros(10, np.float32),
}

MOST_KILOBYTES = 300_000
"""That a command may grow by, with all it loads; the files have a few."""

SETTINGS = [
    "split={target_members: 10, target_non_members: 10, shadow_members: 20}",
    "target={network: fcnet, hidden: 4, epochs: 1, curve: 0}", "shadows={count: 1}",
    "deletion={ratios: [], groups: 2}",
    "attack={families: [shadow], models: [logistic_regression]}",
]  # fmt: skip

ODD_NAMES = ["../x", "/x", "x.npy", "", "x" * 300, "名", "a\nb", "x/y", "\x1b[2J", "members/../x"]
TYPES = ["?", "u1", "<i8", ">i4", "<u8", "<f2", ">f8", "<f4", "c16", "S3", "U2", "M8[s]", "V5", "O"]


@st.composite
def _array(draw, array):
    """Another array in the place of ``array``."""
    kind = draw(st.sampled_from(["type", "shape", "values", "less", "scalar", "huge"]))
    if kind == "type":
        with np.errstate(all="ignore"):
            return array.astype(draw(st.sampled_from(TYPES)))
    if kind == "shape":
        other = array[None] if draw(st.booleans()) else array[..., None]
        return draw(st.sampled_from([other, array.T, array.ravel(), array[:, :0] if array.ndim > 1
                                     else array[:0], np.asfortranarray(array)]))  # fmt: skip
    if kind == "values":
        value = draw(st.sampled_from([np.nan, np.inf, -np.inf, -1, 2**62, 1e300, 1e-320, 0, 1]))
        other = array.astype(np.float64 if value != _whole(value) else array.dtype)
        other.flat[draw(st.integers(0, other.size - 1))] = np.array(value).astype(other.dtype)
        return other
    if kind == "less":
        return array[: draw(st.integers(0, len(array)))]
    return np.array(draw(st.sampled_from([0, 1.5, b"x"]))) if kind == "scalar" else "huge"


def _whole(value):
    """``value`` where it is whole and fits, else None."""
    return int(value) if np.isfinite(value) and abs(value) < 2**63 and value == int(value) else None


def _npy(array):
    content = io.BytesIO()
    if isinstance(array, str):
        shape = "(4000000000, 1000)" if array == "huge" else "(60, 4, 4)"
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}\n".encode()
        return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    np.lib.format.write_array(content, array, allow_pickle=True)
    return content.getvalue()


@st.composite
def _changed(draw, arrays):
    """``arrays`` with one or two gone, more, under another name, or others."""
    arrays = dict(arrays)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(arrays)))
        kind = draw(st.sampled_from(["array"] * 4 + ["gone", "more", "name"]))
        array = arrays[name]
        if kind == "array":
            # What was changed before may be beyond it.
            if not isinstance(array, str) and array.size and array.dtype.kind in "biuf":
                arrays[name] = draw(_array(np.atleast_1d(array)))
        elif kind == "more":
            arrays[draw(st.sampled_from(ODD_NAMES))] = arrays[name]
        elif kind == "name":
            arrays[draw(st.sampled_from([*ODD_NAMES, *arrays]))] = arrays.pop(name)
        elif len(arrays) > 1:
            del arrays[name]
    return arrays


@st.composite
def _archives(draw, arrays):
    """The bytes of an .npz file."""
    kind = draw(st.sampled_from(["arrays"] * 4 + ["bytes"] * 4 + ["bomb", "within"]))
    if kind == "arrays":
        arrays = draw(_changed(arrays))
    method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    members = {name: _npy(array) for name, array in arrays.items()}
    name = draw(st.sampled_from(sorted(members)))
    if kind == "bomb":
        # Of 100 MB of zeros, as 100 kB.
        members[name] = _npy(np.zeros((50_000_000,), np.uint8)) * 2
        method = zipfile.ZIP_DEFLATED
    elif kind == "within":
        members[name] = draw(damaged(members[name]))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(f"{name}.npy", member)
    written = content.getvalue()
    return draw(damaged(written)) if kind == "bytes" else written


@st.composite
def _weights(draw):
    """The bytes of a .safetensors file."""
    if draw(st.booleans()):
        return draw(damaged(safetensors.numpy.save(WEIGHTS)))
    arrays = draw(_changed(WEIGHTS))
    kept = {}
    for name, array in arrays.items():
        if not isinstance(array, str) and array.dtype.kind in "biuf" and array.dtype.isnative:
            kept[name] = np.ascontiguousarray(array)
    return safetensors.numpy.save(kept)


def _grown(before):
    return _most() - before


def _most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("count", COUNTS)
def test_records_and_outputs_are_read_as_they_are_or_refused(count, tmp_path, figures, monkeypatch):
    monkeypatch.setattr(forecast, "LONGEST", 0.0)
    monkeypatch.setattr(forecast, "WARM_STEPS", 1)
    place = tmp_path / "outer" / "inner"
    place.mkdir(parents=True)
    words = [word for setting in ["data={name: npz, file: x.npz}", *SETTINGS]
             for word in ("--set", setting)]  # fmt: skip
    commands = {
        "run": ["run", "--dry-run", *words],
        "attack": ["attack", "--outputs", "x.npz", "--set", "attack.families=[thresholds, lira]",
                   "--no-page", "--out", str(tmp_path / "new"), "--store", str(tmp_path / "kept")],
    }  # fmt: skip

    def holds(one):
        command, content = one
        (place / "x.npz").write_bytes(content)
        before, most = contents(tmp_path / "outer"), _most()
        done = called_here(commands[command], place, {"MIA_DUAL_STORE": "store"})
        became = outcome(done)
        assert contents(tmp_path / "outer") == before
        assert _grown(most) < MOST_KILOBYTES
        return f"{became}_by_{command}"

    np.savez(place / "x.npz", **RECORDS)
    assert outcome(called_here(commands["run"], place, {})) == "accepted"
    try_examples(
        holds,
        st.tuples(st.just("run"), _archives(RECORDS))
        | st.tuples(st.just("attack"), _archives(OUTPUTS)),
        count,
        figures,
    )


@pytest.mark.parametrize("count", COUNTS)
def test_weights_are_taken_as_they_are_or_refused(count, tmp_path, figures):
    config = Config.model_validate(
        {
            "split": {"target_members": 60, "target_non_members": 60, "shadow_members": 60},
            "target": {"network": "fcnet", "hidden": 4},
            "shadows": {"count": 1},
            "deletion": {"ratios": []},
        }
    )
    dataset, plan = plan_dataset(config, load_dataset("digits"))
    family = plan_families(plan, config, dataset)["target"]
    engine, file = NumpyEngine(), tmp_path / "mine.safetensors"
    with RunFolder(tmp_path / "run", config, Store(tmp_path / "store")) as folder:

        def holds(content):
            file.write_bytes(content)
            held, most = len(list(folder.store)), _most()
            taken, refusal = None, ""
            try:
                taken = given_model(file, engine, folder, family)
            except NetworkError as error:
                refusal = str(error)
            assert _grown(most) < MOST_KILOBYTES
            if taken is None:
                assert refusal.isprintable(), refusal
                assert 0 < len(refusal) < 1000
                assert len(list(folder.store)) == held
                return "refused"
            weights = safetensors.numpy.load(folder.store.read(taken.entry))
            assert {name: array.shape for name, array in weights.items()} == {
                name: array.shape for name, array in WEIGHTS.items()
            }
            assert all(np.isfinite(array).all() for array in weights.values())
            return "accepted"

        # A name is the file's own, and may be anything.
        named = {**WEIGHTS, "a\nb": WEIGHTS["fc1.bias"]}
        known = [safetensors.numpy.save(weights) for weights in (WEIGHTS, named)]
        try_examples(holds, _weights(), count, figures, known)
