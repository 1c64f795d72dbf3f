"""Shadows without the target's data, from settings to results.

The models are FCNets that NumPy trains; see ``tests/parity/test_synthesis.py`` for the frameworks.
"""

import json

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import ConfigError, DataError
from mia_dual.plan.draft import draft_plan
from mia_dual.progress import Silent
from mia_dual.report.results import Results
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks import shadow_records
from mia_dual.walks.run import run_audit
from tests.numpy_backend import Interrupted, NumpyBackend, NumpyEngine

SETTINGS = {
    "data": {"name": "purchases", "classes": 4, "records": 1200},
    "split": {"target_members": 100, "target_non_members": 100, "shadow_members": 100},
    "target": {"network": "fcnet", "hidden": 32, "epochs": 15, "learning_rate": 0.05},
    "attack": {"families": ["shadow"], "models": ["fcnet", "logistic_regression"]},
    "deletion": {"ratios": [0.1], "methods": ["full"]},
}
SYNTHETIC = ["synthetic-00", "synthetic-01"]


@pytest.fixture(scope="module")
def purchases():
    return load_dataset("purchases", classes=4, records=1200)


@pytest.fixture
def audit(tmp_path, purchases):
    def run(out, source, backend=None, store="store", dataset=purchases, adopt=False, **changes):
        settings = {**SETTINGS, "shadows": {"count": 2, "data": source}, **changes}
        config = Config.model_validate(settings)
        backend = backend or NumpyBackend()
        with RunFolder(tmp_path / out, config, Store(tmp_path / store), adopt=adopt) as folder:
            results = run_audit(config, NumpyEngine(backend), dataset, folder, Silent())
            backend.damaged = folder.store.damaged
        return results, backend

    return run


SOURCES = {
    "noisy": {"source": "noisy", "noise": 0.2},
    "marginals": {"source": "marginals", "estimated_on": 300},
    "per-class": {"source": "marginals", "per_class": True},
    "synthesis": {"source": "synthesis", "records": 240, "conf_min": 0.5},
}


@pytest.mark.parametrize("source", SOURCES)
def test_shadows_of_every_source_attack_beside_real_ones(audit, tmp_path, purchases, source):
    results, backend = audit("run", SOURCES[source])
    run = tmp_path / "run"
    made = results.shadow_data
    assert made.source == SOURCES[source]["source"]
    assert made.records == SOURCES[source].get("records", 200)
    assert made.estimated_on == {"marginals": 300, "per-class": 1000}.get(source)
    assert {"shadow-00", "shadow-01", *SYNTHETIC} <= set(backend.trained)

    arrays = np.load(run / "shadow_records.npz")
    assert arrays["features"].shape == (made.records, 600)
    assert set(np.unique(arrays["features"])) == {0, 1}
    assert arrays["queries"].sum() == made.queries
    assert (made.queries > 0) == (source in ("marginals", "synthesis"))
    costs = json.loads((run / "cost.json").read_text())["shadow_data"]
    assert costs["queries"] == made.queries
    assert costs["seconds"] > 0

    # The same attacks, members and non-members with both; other figures.
    assert made.attacks_with_real.keys() == results.attacks.keys()
    for name, attack in results.attacks.items():
        beside = made.attacks_with_real[name]
        assert (attack.members, attack.non_members) == (beside.members, beside.non_members)
        assert attack != beside
        assert beside.auc > 0.6
        assert attack.auc > 0.55
    assert results == Results.model_validate_json((run / "results.json").read_text())
    with_real = np.load(run / "scores_with_real.npz")
    assert with_real["shadow_fcnet"].shape == (1, 200)

    plan, document = np.load(run / "plan.npz"), json.loads((run / "plan.json").read_text())
    assert document["records"]["made"] == made.records
    for name in SYNTHETIC:
        assert document["models"][name] == {
            "role": "synthetic", "recipe": "synthetic", "members": 100, "asked": 200,
            "slices": 0, "drawn_as": name, "origin": None,
        }  # fmt: skip
        assert plan[f"asked/{name}"].max() < made.records
    # Memberships are of the data set's records: target, two shadows, one deletion.
    assert plan["memberships"].shape == (4, len(plan["audited"]))


def test_real_shadow_data_says_the_same_whether_others_are_beside(audit):
    alone, _ = audit("alone", {"source": "real"})
    assert alone.shadow_data is None
    beside, backend = audit("beside", SOURCES["noisy"])
    assert beside.shadow_data.attacks_with_real == alone.attacks
    # Target and real shadows are those of the other run.
    assert backend.trained[:2] == SYNTHETIC
    assert beside.target == alone.target


def test_a_second_run_finds_the_records_and_asks_nothing(audit, tmp_path):
    first, _ = audit("run", SOURCES["synthesis"])
    again, backend = audit("run", SOURCES["synthesis"])
    beside, other = audit("beside", SOURCES["synthesis"])
    assert first == again == beside
    assert (backend.trained, backend.asked, other.trained, other.asked) == ([], [], [], [])
    files = [(tmp_path / out / "shadow_records.npz").read_bytes() for out in ("run", "beside")]
    assert files[0] == files[1]
    # Another setting is another object, another seed, too.
    more, backend = audit("more", {**SOURCES["synthesis"], "conf_min": 0.6})
    assert backend.trained[:2] == SYNTHETIC
    assert more.shadow_data.queries > first.shadow_data.queries


def test_damaged_records_are_made_again_and_a_moved_folder_keeps_its_own(audit, tmp_path):
    first, _ = audit("run", SOURCES["synthesis"])
    file = tmp_path / "run" / "shadow_records.npz"
    content = file.read_bytes()
    file.write_bytes(content[:-9] + b"x" + content[-8:])
    again, backend = audit("run", SOURCES["synthesis"])
    assert backend.damaged == ["records 'synthesis'"]
    assert backend.trained == []
    assert again == first
    assert file.read_bytes() == content
    moved, backend = audit("run", SOURCES["synthesis"], store="another", adopt=True)
    assert moved == first
    assert backend.trained == []


def test_a_kill_loses_a_part_at_most(audit, tmp_path, monkeypatch):
    monkeypatch.setattr(shadow_records, "PART", 60)
    whole, asking = audit("whole", SOURCES["synthesis"], store="whole-store")

    def parts():
        return [entry for entry in Store(tmp_path / "store") if entry.kind == "records"]

    class Killed(NumpyBackend):
        """Dies in its questions for the second part."""

        def logits(self, spec, models, records, rows):
            if parts():
                raise Interrupted
            return super().logits(spec, models, records, rows)

    with pytest.raises(Interrupted):
        audit("run", SOURCES["synthesis"], Killed())
    (part,) = parts()
    assert part.passing
    resumed, rest = audit("run", SOURCES["synthesis"])
    assert resumed == whole
    assert sum(rest.asked) < sum(asking.asked)
    (kept,) = parts()
    assert not kept.passing
    # What parts they were found in leaves no trace.
    monkeypatch.setattr(shadow_records, "PART", 1024)
    _, _ = audit("one-part", SOURCES["synthesis"], store="another")
    one, other = (
        (tmp_path / out / "shadow_records.npz").read_bytes() for out in ("run", "one-part")
    )
    assert one == other


@pytest.mark.parametrize(
    ("name", "shape", "changes"),
    [
        ("digits", (1, 8, 8), {}),
        # Nothing that is asked or made knows how the network sees numbers.
        ("letter", (16,), {"target": {**SETTINGS["target"], "epochs": 30}}),
    ],
)
def test_pixels_and_numbers_are_synthesised_too(audit, tmp_path, name, shape, changes):
    from mia_dual.data import keel

    if name == "letter" and not keel.is_installed():
        pytest.skip(f"KEEL's sets are not here: {keel.INSTALL}")
    split = {"target_members": 300, "target_non_members": 300, "shadow_members": 300}
    results, _ = audit(
        "run", {"source": "synthesis"}, dataset=load_dataset(name), data={"name": name},
        split=split,
        **{"attack": {"families": ["shadow"], "models": ["logistic_regression"]}, **changes},
    )  # fmt: skip
    arrays = np.load(tmp_path / "run" / "shadow_records.npz")
    assert arrays["features"].shape == (600, *shape)
    assert arrays["features"].max() == (255 if name == "digits" else 15)
    assert results.shadow_data.queries_a_record < 100


def test_a_class_that_cannot_be_reached_is_named_and_nothing_is_lost(audit, tmp_path):
    hard = {"source": "synthesis", "conf_min": 0.999999, "iter_max": 5}
    with pytest.raises(DataError, match=r"class \d is out of reach.*5 queries.*0\.999999"):
        audit("run", hard)
    _, backend = audit("other", SOURCES["synthesis"])
    assert "target" not in backend.trained


def test_a_class_that_the_target_names_for_no_record_is_named(audit):
    """Labels come from the target: where it knows a class of none, there is no evidence."""

    class Blind(NumpyBackend):
        def logits(self, spec, models, records, rows):
            answers = super().logits(spec, models, records, rows)
            answers[..., -1] -= 1000
            return answers

    with pytest.raises(DataError, match=r"class 3 has no shadow.*shadows\.data\.per_class: true"):
        audit("run", SOURCES["marginals"], Blind())


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ({"source": "noisy", "records": 1001}, DataError, "shadows.data.records: 1001 real"),
        ({"source": "marginals", "estimated_on": 1001}, DataError, "estimated_on: 1001 real"),
        ({"source": "synthesis", "records": 199}, ConfigError, "199 are made.*takes 200"),
    ],
)
def test_what_the_records_cannot_give_is_said_before_anything_trains(purchases, data, error, words):
    config = Config.model_validate({**SETTINGS, "shadows": {"count": 2, "data": data}})
    with pytest.raises(error, match=words):
        draft_plan(config, purchases.labels, 4)


@pytest.mark.parametrize("backend", ["torch", "mindspore"])
def test_a_command_line_run_synthesises(cli, small_config, tmp_path, backend):
    done = cli(
        "run", "-c", small_config, "--backend", backend, "--out", "run",
        "--set", "shadows={count: 2, data: {source: synthesis}}",
        "--set", "attack.models=[logistic_regression]", "--set", "deletion.ratios=[]",
        "--set", "deletion.classes=[]", "--full",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = ("shadow data: synthesis, 300 records", "queries of the target", "real data")
    for word in (*told, "peak memory"):
        assert word in done.stdout
    made = json.loads((tmp_path / "run" / "results.json").read_text())["shadow_data"]
    assert made["queries"] == np.load(tmp_path / "run" / "shadow_records.npz")["queries"].sum()


def test_a_dry_run_counts_shadows_whose_records_are_not_made_yet(cli, small_config, tmp_path):
    data = "shadows={count: 2, data: {source: synthesis, records: 2500}}"
    done = cli("run", "-c", small_config, "--set", data, "--dry-run")
    assert done.returncode == 0, done.stderr
    # Two more models of 150 members, 10 steps an epoch.
    assert "synthetic      2        2          150   800" in done.stdout
