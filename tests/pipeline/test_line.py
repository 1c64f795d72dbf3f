"""From plan to findings over a shared store: what is new is made, and nothing twice.

The models are FCNets that NumPy trains, so that work can be counted and broken off anywhere.
"""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.progress import Silent
from mia_dual.store.files import checksum
from mia_dual.store.folder import RunFolder, read_index
from mia_dual.store.objects import Store
from mia_dual.training.family import Member
from mia_dual.training.planned import dataset_family
from mia_dual.training.trainer import Trainer
from mia_dual.walks.run import run_audit
from tests.numpy_backend import Interrupted, NumpyBackend, NumpyEngine

SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 6, "learning_rate": 0.05},
    "shadows": {"count": 3},
    "attack": {
        "families": ["shadow"],
        "models": ["fcnet", "logistic_regression"],
        "fcnet": {"network": "fcnet", "epochs": 2},
    },
    "deletion": {"ratios": [0.1], "groups": 3, "fitted_on": "single"},
}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def audit(tmp_path, digits):
    """Run an audit into a folder under one store; gives the backend, which counted."""

    def run(out, changes=MappingProxyType({}), backend=None, store="store", adopt=False):
        settings = {key: dict(value) if isinstance(value, dict) else value
                    for key, value in SETTINGS.items()}  # fmt: skip
        for key, value in changes.items():
            settings[key] = {**settings[key], **value} if isinstance(value, dict) else value
        config = Config.model_validate(settings)
        backend = backend or NumpyBackend()
        with RunFolder(tmp_path / out, config, Store(tmp_path / store), adopt=adopt) as folder:
            run_audit(config, NumpyEngine(backend), digits, folder, Silent())
            backend.damaged, backend.replaced = folder.store.damaged, folder.replaced
        return backend

    return run


def results(folder):
    return (folder / "results.json").read_bytes()


def attack_models(count=10):
    return [f"attack-{label}" for label in range(count)]


FIRST = [
    "target", "shadow-00", "shadow-01", "shadow-02", "full-10pct", "group-00", "group-01",
    "group-02", "group-00-10pct", "group-01-10pct", "group-02-10pct",
]  # fmt: skip


def test_a_run_trains_each_model_once_and_a_repeated_one_nothing(audit, tmp_path):
    assert audit("run").trained == FIRST + attack_models()
    first = results(tmp_path / "run")
    again = audit("run")
    assert (again.trained, again.asked) == ([], [])
    assert results(tmp_path / "run") == first
    # Another folder over the same store finds everything too.
    beside = audit("beside")
    assert (beside.trained, beside.asked) == ([], [])
    assert results(tmp_path / "beside") == first


@pytest.mark.parametrize(
    ("changes", "trained"),
    [
        # One more shadow is more evidence, so the attack models are others.
        ({"shadows": {"count": 4}}, ["shadow-03", *attack_models()]),
        ({"attack": {"fcnet": {"network": "fcnet", "epochs": 3}}}, attack_models()),
        (
            {"deletion": {"ratios": [0.1, 0.2]}},
            ["full-20pct", "group-00-20pct", "group-01-20pct", "group-02-20pct"],
        ),
        ({"deletion": {"aggregation": "vote"}}, []),
        ({"attack": {"models": ["logistic_regression"]}}, []),
        ({"target": {"epochs": 7}}, FIRST + attack_models()),
        ({"seed": 1}, FIRST + attack_models()),
    ],
    ids=["shadow", "attack", "ratio", "aggregation", "fewer-attacks", "epochs", "seed"],
)
def test_a_second_run_trains_only_what_is_new(audit, changes, trained):
    audit("run")
    assert audit("other", changes).trained == trained


def test_a_longer_training_goes_on_from_the_shorter_one(audit, tmp_path):
    short = audit("short", {"attack": {"models": ["logistic_regression"]}})
    more = {"attack": {"models": ["logistic_regression"]}, "target": {"epochs": 10}}
    longer = audit("longer", more)
    whole = audit("whole", more, store="another")
    # 4 of 10 epochs, where the shorter run's were 6.
    assert longer.steps * 10 == whole.steps * 4
    assert short.steps * 10 == whole.steps * 6
    assert results(tmp_path / "longer") == results(tmp_path / "whole")
    for file in (tmp_path / "whole" / "models").iterdir():
        assert file.read_bytes() == (tmp_path / "longer" / "models" / file.name).read_bytes()
    # What the shorter run found is still its own.
    assert audit("short", {"attack": {"models": ["logistic_regression"]}}).trained == []


class Noted:
    """Progress that keeps what it is told: of each stage its unit, total, and units done."""

    def __init__(self):
        self.stages = []

    @contextmanager
    def stage(self, title, total, done=0, unit="", models=0):
        told = []
        yield lambda units, models=0: told.append((units, models))
        reached, made = done + sum(units for units, _ in told), sum(made for _, made in told)
        self.stages.append((title, unit, total, reached, made == models))


def test_a_curve_takes_no_training_but_where_the_target_is_there_without_it(audit, tmp_path):
    attack = {"models": ["logistic_regression"]}
    bare = audit("bare", {"attack": attack, "target": {"curve": 0}})
    assert json.loads(results(tmp_path / "bare"))["curve"] == []
    watched = audit("watched", {"attack": attack}, store="another")
    assert (watched.trained, watched.steps) == (bare.trained, bare.steps)
    found = json.loads(results(tmp_path / "watched"))
    assert [point["epochs"] for point in found["curve"]] == [1, 2, 3, 4, 5, 6]
    last = found["curve"][-1]
    assert found["target"].items() <= last.items()
    logits = np.load(tmp_path / "watched" / "answers" / "target.npy")
    plan = np.load(tmp_path / "watched" / "plan.npz")
    labels = load_dataset("digits").labels
    for side, rows in (("train", plan["target_members"]), ("test", plan["target_non_members"])):
        said = logits[np.searchsorted(plan["asked/target"], rows)].astype(np.float64)
        chosen = said[np.arange(len(rows)), labels[rows]]
        losses = np.log(np.exp(said).sum(axis=1)) - chosen
        assert last[f"{side}_loss"] == pytest.approx(losses.mean(), rel=1e-5)
        error = losses.std(ddof=1) / np.sqrt(len(losses))
        assert last[f"{side}_loss_error"] == pytest.approx(error, rel=1e-5)
    # What was asked goes: the models that are left are those of the plan.
    kept = [one for one in Store(tmp_path / "another") if one.kind == "model"]
    assert sorted(one.name for one in kept) == sorted(FIRST)

    # Longer, it goes on from the 6th epoch, and what was passed before that is passed once more.
    more = {"attack": attack, "target": {"epochs": 8}}
    longer = audit("longer", more)
    assert longer.trained == [*FIRST, "target-epoch-005"]
    audit("whole", more, store="another")
    assert results(tmp_path / "longer") == results(tmp_path / "whole")
    # All that is wanted was said by then.
    late = audit("late", {"attack": attack, "target": {"curve": 3}})
    assert (late.trained, late.asked) == ([], [])
    curve = json.loads(results(tmp_path / "late"))["curve"]
    assert curve == [found["curve"][place] for place in (1, 3, 5)]


def test_what_a_curve_was_asked_of_goes_though_the_run_was_stopped_before(audit, tmp_path):
    changes = {"attack": {"models": ["logistic_regression"]}}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("mia_dual.walks.learning.release", stop)
        with pytest.raises(Interrupted):
            audit("run", changes)
    assert any("epoch" in one.name for one in Store(tmp_path / "store") if one.kind == "model")
    audit("run", changes)
    store = Store(tmp_path / "store")
    assert {one.key for one in store} <= store.referred().keys()
    assert sorted(one.name for one in store if one.kind == "model") == sorted(FIRST)


def stop(*_):
    raise Interrupted


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_model_that_was_killed_goes_on_in_its_middle(tmp_path, digits, optimizer):
    config = Config.model_validate(
        {**SETTINGS, "target": {**SETTINGS["target"], "epochs": 20, "optimizer": optimizer}}
    )
    family = dataset_family(config.target, None, digits)
    members = {
        "a": Member.of("a", np.arange(0, 160), epochs=20, seed=0),
        "b": Member.of("b", np.arange(100, 250), epochs=20, seed=0),
    }

    noted = Noted()

    def train(out, backend, worth_keeping=1):
        with RunFolder(tmp_path / out, config, Store(tmp_path / out / ".." / f"s-{out}")) as folder:
            trainer = Trainer(NumpyEngine(backend), folder, noted, worth_keeping)
            for name, model in trainer.train("models", family, members).items():
                folder.link(model.entry, f"models/{name}.safetensors")

    whole, broken, resumed = NumpyBackend(), NumpyBackend(), NumpyBackend()
    train("whole", whole, worth_keeping=1e18)
    broken.stop_after = 25  # in the third epoch of the first model
    with pytest.raises(Interrupted):
        train("broken", broken)
    assert not list((tmp_path / "broken").glob("models/*"))
    train("broken", resumed)
    assert resumed.steps == whole.steps - 20
    for name in ("a", "b"):
        one, other = (
            (tmp_path / out / "models" / f"{name}.safetensors").read_bytes()
            for out in ("whole", "broken")
        )
        assert one == other
    # States kept on the way are gone: two models, and where their optimizers stood.
    assert len(list(Store(tmp_path / "s-broken"))) == 4
    # Every record of every epoch, though last batches are smaller; and of the rest, the rest.
    first, rest = noted.stages
    assert first == ("models", "records", 20 * (160 + 150), 20 * (160 + 150), True)
    assert rest[2] == rest[3] == pytest.approx(first[2], rel=0.01)


def test_trainings_that_begin_alike_take_place_once(tmp_path, digits):
    config = Config.model_validate(SETTINGS)
    family = dataset_family(config.target, None, digits)
    rows = np.arange(0, 160)
    members = {f"{epochs} epochs": Member.of("a", rows, epochs, seed=0) for epochs in (3, 8, 5)}
    together, apart = NumpyBackend(), NumpyBackend()
    with RunFolder(tmp_path / "run", config, Store(tmp_path / "store")) as folder:
        trained = Trainer(NumpyEngine(together), folder, Silent()).train("models", family, members)
        found = {label: model.entry.sha256 for label, model in trained.items()}
        assert {label: model.steps for label, model in trained.items()} == {
            "3 epochs": 30, "8 epochs": 80, "5 epochs": 50,
        }  # fmt: skip
    assert (together.trained, together.steps) == (["8 epochs"], 80)
    with RunFolder(tmp_path / "other", config, Store(tmp_path / "another")) as folder:
        trainer = Trainer(NumpyEngine(apart), folder, Silent())
        for label, member in sorted(members.items()):
            (model,) = trainer.train("models", family, {label: member}).values()
            assert model.entry.sha256 == found[label]
    # The shorter are on the longest's way, and it goes on from them.
    assert apart.steps == 80


def damage_of(kind):
    def damage(folder, store):
        for file in store.glob(f"objects/*/*{kind}"):
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)

    return damage


def emptied(folder, store):
    for file in store.glob("objects/*/*"):
        file.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (damage_of(".safetensors"), ["model 'target'", "model 'attack-3'"]),
        (damage_of(".npy"), ["answers 'shadow-01'", "scores 'shadow_fcnet on original'"]),
        (damage_of(".entry"), ["entry of "]),
        (emptied, ["entry of "]),
        (lambda folder, store: shutil.rmtree(store), []),
        (lambda folder, store: shutil.rmtree(folder / "models"), []),
    ],
    ids=["models", "arrays", "entries", "emptied", "no-store", "no-links"],
)
def test_damage_is_found_mended_and_told(audit, tmp_path, damage, names):
    audit("run")
    first = results(tmp_path / "run")
    damage(tmp_path / "run", tmp_path / "store")
    second = audit("run")
    for name in names:
        assert any(found.startswith(name) for found in second.damaged), second.damaged
    assert bool(second.damaged) == bool(names)
    assert results(tmp_path / "run") == first
    third = audit("run")
    assert (third.trained, third.damaged) == ([], [])
    assert results(tmp_path / "run") == first
    assert all(file.read_bytes() for file in (tmp_path / "run").rglob("*.safetensors"))


def test_a_planted_model_is_not_used_unless_its_folder_is_trusted(audit, tmp_path):
    quick = {"attack": {"models": ["logistic_regression"]}, "deletion": {"methods": ["full"]}}
    audit("run", quick)
    honest = results(tmp_path / "run")
    for name in ("doubted", "trusted"):
        run = tmp_path / name / "run"
        run.parent.mkdir()
        shutil.copytree(tmp_path / "run", run)
        planted = (run / "models" / "full-10pct.safetensors").read_bytes()
        (run / "models" / "target.safetensors").write_bytes(planted)
        linked = read_index(run / "index.jsonl")["models/target.safetensors"]
        claimed = replace(linked, sha256=checksum(planted), bytes=len(planted))
        with (run / "index.jsonl").open("a") as index:
            index.write(f'"models/target.safetensors" {claimed.encode()}')
        (run / "answers" / "target.npy").unlink()
    doubted = audit("doubted/run", quick, store="doubted/store")
    assert "target" in doubted.trained
    assert doubted.replaced == ["models/target.safetensors"]
    assert results(tmp_path / "doubted" / "run") == honest
    trusted = audit("trusted/run", quick, store="trusted/store", adopt=True)
    assert (trusted.trained, trusted.replaced) == ([], [])
    # That is what trust means: all later runs over that store have it, too.
    assert "target" not in audit("trusted/later", quick, store="trusted/store").trained
    written = (tmp_path / "trusted" / "later" / "models" / "target.safetensors").read_bytes()
    assert written == planted
    assert results(tmp_path / "trusted" / "later") != honest


def test_a_folder_beside_has_all_models_too(audit, tmp_path):
    audit("run")
    audit("beside")
    one, other = (sorted((tmp_path / out / "models").iterdir()) for out in ("run", "beside"))
    assert [file.name for file in one] == [file.name for file in other]


def test_an_own_folder_moved_away_from_its_store_trains_nothing(audit, tmp_path):
    audit("run")
    (tmp_path / "away").mkdir()
    shutil.move(tmp_path / "run", tmp_path / "away" / "run")
    moved = audit("away/run", store="away/store", adopt=True)
    assert moved.trained == []
    # Scores are not linked, so a moved folder asks its attack models again: about the target's
    # records in each of four versions, and the shadows', for thresholds.
    assert len(moved.asked) == 10 * (4 + 1)
    assert sum(moved.asked) == 4 * 240 + sum(evidence_sizes(tmp_path / "away" / "run"))


def evidence_sizes(folder):
    plan, labels = np.load(folder / "plan.npz"), load_dataset("digits").labels
    for number in range(3):
        asked, members = (plan[f"{what}/shadow-0{number}"] for what in ("asked", "members"))
        for label in range(10):
            inside = int((labels[members] == label).sum())
            yield 2 * min(inside, int((labels[asked] == label).sum()) - inside)


def test_another_version_of_the_framework_shares_nothing(audit):
    audit("run")
    assert audit("other", backend=NumpyBackend(version="2")).trained == FIRST + attack_models()


def test_scores_are_stored_so_that_figures_can_be_made_again(audit, tmp_path):
    from mia_dual import metrics

    audit("run")
    folder = tmp_path / "run"
    scores = np.load(folder / "scores.npz")
    plan = np.load(folder / "plan.npz")
    found = json.loads(results(folder))["attacks"]["shadow_logistic_regression"]
    original = scores["versions"].tolist().index("original")
    membership = np.isin(scores["rows"], plan["target_members"])
    row = scores["shadow_logistic_regression"][original]
    assert row.shape == membership.shape
    # All records here, balanced by class there: near, and surely not the other way round.
    assert metrics.auc(membership, row) == pytest.approx(found["auc"], abs=0.05)


def test_an_answer_is_asked_once_for_every_model_and_record(audit, tmp_path):
    backend = audit("run", {"attack": {"models": ["logistic_regression"]}})
    stages = [f"target-epoch-{epoch:03d}" for epoch in range(1, 6)]
    assert backend.asked == [240] * len(FIRST + stages)
    for name in FIRST + stages:
        table = np.load(tmp_path / "run" / "answers" / f"{name}.npy", mmap_mode="r")
        assert (table.shape, table.dtype) == ((240, 10), np.float32)


def test_a_damaged_model_is_made_again_though_its_answers_are_there(audit, tmp_path):
    audit("run")
    target = tmp_path / "run" / "models" / "target.safetensors"
    target.write_bytes(target.read_bytes()[:-1])
    again = audit("run")
    assert again.trained == ["target"]
    assert again.asked == []


def test_a_network_that_normalises_is_refused_a_single_record(tmp_path, digits):
    from mia_dual.errors import NetworkError

    config = Config.model_validate(
        {**SETTINGS, "target": {"network": "resnet18", "epochs": 1, "batch_size": 1}}
    )
    backend = NumpyBackend()
    with (
        RunFolder(tmp_path / "run", config, Store(tmp_path / "store")) as folder,
        pytest.raises(NetworkError, match=r"'target' would train on batches of one.*batch_size 1"),
    ):
        run_audit(config, NumpyEngine(backend), digits, folder, Silent())
    assert backend.trained == []


def test_attack_models_that_look_at_less_are_attacks_of_their_own(audit, tmp_path):
    settings = {
        "models": ["fcnet", "logistic_regression"],
        "features": ["all", "sorted", "top3", "unlabelled"],
    }
    audit("run", {"attack": settings})
    found = json.loads(results(tmp_path / "run"))["attacks"]
    assert list(found) == [
        f"shadow_{model}{suffix}"
        for suffix in ("", "_sorted", "_top3", "_unlabelled")
        for model in ("fcnet", "logistic_regression")
    ]
    models = {file.stem for file in (tmp_path / "run" / "models").iterdir()}
    assert {"attack-3", "attack_sorted-3", "attack_top3-3", "attack_unlabelled-0"} <= models
    assert "attack_unlabelled-1" not in models
    scores = np.load(tmp_path / "run" / "scores.npz")
    assert len({scores[name].tobytes() for name in found}) == len(found)
