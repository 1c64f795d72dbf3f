"""Run folders of all kinds: read as what they hold, or refused with the file that is amiss."""

import io
import json
import shutil

import numpy as np
import pytest
import yaml
from hypothesis import strategies as st

from mia_dual.deletion.ledger import START
from mia_dual.store.files import as_npz, checksum
from mia_dual.store.folder import LEDGER
from mia_dual.store.keys import key_of
from tests.command_line import called_here
from tests.soak.generated import COUNTS, SUITE, contents, outcome, try_examples
from tests.soak.mutations import changed, damaged, texts

JSON = ("plan.json", "results.json", "environment.json", "cost.json", "certificate.json")
LINES = (LEDGER, "log.jsonl")
ARRAYS = ("plan.npz", "scores.npz", "roc.npz", "forgetting.npz")
FILES = ("config.yaml", "index.jsonl", *JSON, *LINES, *ARRAYS)

COMMANDS = [
    ["log", "run"], ["verify", "run"], ["compare", "run", "run", "--no-page"],
    ["compare", "sound", "run", "--no-page"], ["delete", "run", "--records", "999999"],
    ["verify", "run", "--json"], ["report", "run", "--out", "../../page.html"],
]  # fmt: skip
"""What reads a run; the last takes longest."""

STORE = [["store", "list", "--store", "store"], ["store", "verify", "--store", "store"]]

ODD = [b"", b"\n", b"{}", b"[]", b"null", b"[" * 100_000, b"9" * 5000, b"\xff\xfe", b"\0" * 99]

ARRAY_VALUES = [0, 1, -1, 2**40, -(2**63), 2**63 - 1]


@st.composite
def _arrays(draw, content):
    """The bytes of an .npz file of the run, its arrays changed."""
    arrays = dict(np.load(io.BytesIO(content)))
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(arrays)))
        array = arrays[name]
        kind = draw(st.sampled_from(["value", "value", "type", "shape", "less", "gone", "twice"]))
        if kind == "value" and array.size and array.dtype.kind in "iuf":
            array = arrays[name] = array.copy()
            odd = [np.nan, np.inf, -np.inf, 1e308, 0] if array.dtype.kind == "f" else ARRAY_VALUES
            array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from(odd))
        elif kind == "type" and array.dtype.kind in "iufb":
            with np.errstate(all="ignore"):
                arrays[name] = array.astype(draw(st.sampled_from(["f4", "f8", "i8", "U9", "?"])))
        elif kind == "shape":
            arrays[name] = draw(st.sampled_from([array[None], array[..., None], array.ravel()]))
        elif kind == "less" and array.ndim:
            arrays[name] = array[: draw(st.integers(0, len(array)))]
        elif kind == "gone" and len(arrays) > 1:
            del arrays[name]
        elif kind == "twice" and array.ndim:
            arrays[name] = np.concatenate([array, array])
    return as_npz(arrays)


@st.composite
def _files(draw, folder):
    """The name of a file of the run in ``folder``, and the bytes it is to hold."""
    name = draw(st.sampled_from(FILES))
    content = (folder / name).read_bytes()
    kind = draw(st.sampled_from(["keys"] * 3 + ["bytes", "bytes", "none"]))
    if kind == "bytes":
        return name, draw(damaged(content))
    if kind == "none":
        return name, draw(st.sampled_from(ODD))
    if name in ARRAYS:
        return name, draw(_arrays(content))
    if name == "config.yaml":
        return name, yaml.safe_dump(draw(changed(yaml.safe_load(content)))).encode()
    if name in JSON:
        tree = draw(changed(json.loads(content)))
        return name, json.dumps(_sealed(tree) if name == "certificate.json" else tree).encode()
    lines = content.decode().splitlines()
    at = draw(st.integers(0, len(lines) - 1))
    if name == "index.jsonl":
        path, end = json.JSONDecoder().raw_decode(lines[at])
        entry = json.loads(lines[at][end + 1 :].partition(" ")[2])
        if draw(st.booleans()):
            path = draw(texts | st.sampled_from(["models/../../x", "/x", "models/", "answers/x"]))
        else:
            entry = draw(changed(entry))
        lines[at] = f"{json.dumps(path)} {_checked(entry)}"
    else:
        told = [json.loads(line) for line in lines]
        told[at] = draw(changed(told[at]))
        lines = [json.dumps(one) for one in (_chained(told) if name == LEDGER else told)]
    return name, ("\n".join(lines) + "\n").encode()


@st.composite
def _stored(draw, folder):
    """The name of a file of the store in ``folder``, and the bytes it is to hold."""
    name = draw(st.sampled_from(_names(folder)))
    content = (folder / name).read_bytes()
    if not name.endswith(".entry") or draw(st.booleans()):
        return name, draw(damaged(content))
    entry = json.loads(content.decode().partition(" ")[2])
    return name, f"{_checked(draw(changed(entry)))}\n".encode()


def _names(folder):
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.name != ".lock")
    return sorted(str(path) for path in found if (folder / path).is_file())


# Whoever changes what has a digest can write its digest, too.
def _checked(entry):
    text = json.dumps(entry, sort_keys=True)
    return f"{checksum(text.encode())[:16]} {text}"


def _sealed(tree):
    if not isinstance(tree, dict):
        return tree
    return {**tree, "digest": key_of({key: tree[key] for key in tree if key != "digest"})}


def _chained(entries):
    previous, chain = START, []
    for entry in entries:
        chain.append(_sealed({**entry, "previous": previous} if isinstance(entry, dict) else entry))
        previous = chain[-1]["digest"] if isinstance(entry, dict) else previous
    return chain


@pytest.mark.parametrize("count", COUNTS)
def test_a_run_folder_is_read_as_it_is_or_refused(count, deleted_run, tmp_path, figures):
    outer = tmp_path / "outer"
    place = outer / "inner"
    shutil.copytree(deleted_run, place / "run")
    shutil.copytree(deleted_run, place / "sound")
    shutil.copytree(deleted_run.with_name("store-run"), place / "store")
    *quick, slow = COMMANDS
    commands = st.sampled_from(
        [(False, command) for command in (quick * 2 if count == SUITE else [*quick * 2, slow])]
        + [(True, command) for command in STORE]
    )

    def with_file(one):
        is_stored, command = one
        folder = place / ("store" if is_stored else "run")
        files = _stored(folder) if is_stored else _files(deleted_run)
        return st.tuples(st.just(folder), files, st.just(command))

    def holds(one):
        folder, (name, content), command = one
        sound = (folder / name).read_bytes()
        (folder / name).write_bytes(content)
        try:
            before = contents(outer)
            done = called_here(command, place, {"MIA_DUAL_STORE": str(place / "store")})
            became = outcome(done, also=(1,) if command == STORE[1] else ())
            assert contents(outer) == before
        finally:
            (folder / name).write_bytes(sound)
        return f"{became}_by_{command[0]}"

    first, *rest = map(json.loads, (deleted_run / LEDGER).read_text().splitlines())
    renamed = _chained([{**first, "versions": {"": "full-request-1"}}, *rest])
    ledger = "".join(f"{json.dumps(entry)}\n" for entry in renamed).encode()
    results = json.loads((deleted_run / "results.json").read_text())
    unattacked = json.dumps({**results, "attacks": {}}).encode()
    known = [
        (place / "run", (LEDGER, ledger), ["log", "run"]),
        (place / "run", ("results.json", unattacked), COMMANDS[-1]),
    ]
    outcomes = try_examples(holds, commands.flatmap(with_file), count, figures, known)
    assert outcomes["refused_by_log"] > 0
