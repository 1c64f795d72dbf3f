"""Attacks whose references know the target: trained in a run, from what it answers and no more."""

import json
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from mia_dual.answers import Answers
from mia_dual.attacks.asked import Asked
from mia_dual.attacks.references import References
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import ConfigError
from mia_dual.plan.splits import Membership
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks import group_scoring
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine

FAMILIES = ("imitative", "cascade")
ATTACKS = ("imitative_lira", "imitative_base", "cascade")
SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 100, "target_non_members": 100, "shadow_members": 100},
    "target": {"network": "fcnet", "hidden": 32, "epochs": 30, "learning_rate": 0.1},
    "targets": 2,
    "shadows": {"count": 4, "design": "in_and_out"},
    "attack": {
        "families": list(FAMILIES),
        "population": 200,
        "imitative": {"count": 4, "epochs": 10, "further": 10},
        "cascade": {"rounds": 2, "count": 4, "mistakes": 0.05},
    },
    "deletion": {"ratios": [0.1], "groups": 2, "fitted_on": "single"},
}


class Recording(NumpyBackend):
    """Keeps the records that each model is trained on."""

    def __init__(self, capabilities=NumpyBackend.capabilities):
        super().__init__()
        self.capabilities = capabilities
        self.rows, self.calls = {}, 0

    def train(self, spec, optimizer, jobs, records, report):
        self.calls += 1
        self.rows.update({job.name: set(np.unique(job.batches[job.batches >= 0])) for job in jobs})
        yield from super().train(spec, optimizer, jobs, records, report)


@pytest.fixture(scope="module")
def digits():
    """A third of them mislabelled: what a model says of those it knows by heart alone."""
    digits, rng = load_dataset("digits"), np.random.default_rng(0)
    wrong = rng.random(len(digits.labels)) < 1 / 3
    return replace(digits, labels=np.where(wrong, rng.permutation(digits.labels), digits.labels))


@pytest.fixture(scope="module")
def audit(tmp_path_factory, digits):
    """Run an audit in a folder under a place; gives the place, the backend and what was scored."""

    def audited(out, changes=MappingProxyType({}), backend=None, place=None, adopt=False):
        place = place or tmp_path_factory.mktemp("audit")
        config = Config.model_validate({**SETTINGS, **changes})
        backend, seen = backend or Recording(), {}

        def score(attacks, references, versions, answers, rows, folder, progress):
            seen.update(attacks=attacks, references=references, versions=versions, rows=rows)
            return scored(attacks, references, versions, answers, rows, folder, progress)

        scored = group_scoring.score
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(group_scoring, "score", score)
            with RunFolder(place / out, config, Store(place / "store"), adopt=adopt) as folder:
                run_audit(config, NumpyEngine(backend), digits, folder, Silent())
        return place, backend, seen

    return audited


@pytest.fixture(scope="module")
def first(audit):
    return audit("run")


def test_both_score_every_version_and_train_all_targets_in_a_call(first):
    place, backend, seen = first
    scores = np.load(place / "run" / "scores.npz")
    assert {version.name for version in seen["versions"]} == set(scores["versions"])
    for name in ATTACKS:
        assert scores[name].shape == (len(seen["versions"]), 200)
        assert np.isfinite(scores[name]).all()
        assert np.ptp(scores[name], axis=1).min() > 0
        assert np.isfinite(scores[f"cuts/{name}"][:, :3]).all()
    # The run's own, imitators out and in, two rounds of the cascade.
    assert backend.calls == 5
    for part in ("imitation-out", "imitation-in", "cascade-1", "cascade-2"):
        for target in ("target", "target-01"):
            assert sum(name.startswith(f"{target}-{part}-") for name in backend.rows) == 4
    found = json.loads((place / "run" / "results.json").read_text())["attacks"]
    # Guessing gives .5, and 320 trials a deviation of .03.
    assert all(found[name]["auc"] > 0.6 for name in ATTACKS), found


def test_a_repeated_run_trains_nothing(audit, first):
    place, _, _ = first
    results = (place / "run" / "results.json").read_bytes()
    for out in ("run", "beside"):
        _, again, _ = audit(out, place=place)
        assert (again.trained, again.asked) == ([], [])
        assert (place / out / "results.json").read_bytes() == results
    # Where scores are lost, as in a folder without its store, models are not.
    for file in (place / "store").glob("objects/*/*"):
        file.unlink()
    _, again, _ = audit("run", place=place, adopt=True)
    assert (again.trained, again.asked) == ([], [])
    assert (place / "run" / "results.json").read_bytes() == results


def test_a_round_has_all_decided_members_and_halves_the_rest(first):
    _, backend, seen = first
    rows = set(seen["rows"].tolist())
    truth = {target.name: target.membership for target in seen["references"].means.plan.targets}
    for target, membership in truth.items():
        left, before = rows, set()
        for number in (1, 2):
            models = [backend.rows[f"{target}-cascade-{number}-{place:02d}"] for place in range(4)]
            members = set.intersection(*models)
            halved = {row for row in rows if 0 < sum(row in model for model in models) < 4}
            assert all(sum(row in model for model in models) == 2 for row in halved)
            # Who is decided stays so.
            assert members >= before
            assert halved < left
            assert set.union(*models) <= rows
            left, before = halved, members
        others = rows - left - before
        assert len(before & set(membership.members.tolist())) > 0.7 * len(before) > 3
        assert len(others & set(membership.non_members.tolist())) > 0.7 * len(others) > 3


def disavowed(references: References, target: str) -> References:
    """``references`` where a target's members and non-members have changed places everywhere."""
    means, signals = references.means, references.signals
    plan = means.plan
    targets = tuple(
        replace(
            each,
            membership=Membership(each.membership.non_members, each.membership.members),
        )
        if each.name == target
        else each
        for each in plan.targets
    )
    model = plan.models[target]
    flipped = np.setdiff1d(plan.target_rows, model.members)
    models = {**plan.models, target: replace(model, members=flipped)}
    changed = replace(
        plan,
        targets=targets,
        models=models,
        split=replace(plan.split, targets=tuple(each.membership for each in targets)),
    )
    place = signals.audited.place(target)
    signals.audited.inside[place] = ~signals.audited.inside[place]
    return replace(references, means=replace(means, plan=changed), signals=replace(signals))


@pytest.mark.parametrize("name", FAMILIES)
def test_scores_depend_on_answers_and_not_on_who_the_members_are(audit, name):
    # A run of its own, since what it saw is changed here.
    chosen = {**SETTINGS["attack"], "families": [name]}
    place, backend, seen = audit("run", {"attack": chosen, "deletion": {"ratios": []}})
    attack = seen["attacks"][-1]
    references, rows = seen["references"], seen["rows"]
    answers = references.shadows.answers
    asked = Asked(seen["versions"][:1], answers)
    config = Config.model_validate({**SETTINGS, "attack": chosen, "deletion": {"ratios": []}})
    with RunFolder(place / "run", config, Store(place / "store")):
        before = attack.fit(references.without("target"))
        expected, known = before.scores(asked, rows), before.known().scores
        trained = list(backend.trained)
        after = attack.fit(disavowed(references, "target").without("target"))
        assert np.array_equal(after.scores(asked, rows), expected)
        assert np.array_equal(after.known().scores, known)
    retrained = set(backend.trained[len(trained) :])
    # Another target has the first among its references, and may be decided about otherwise.
    assert not {one for one in retrained if not one.startswith("target-01-")}


def test_what_they_need_is_said_in_a_line(audit, digits):
    fits_at_once = Recording(frozenset())
    with pytest.raises(ConfigError, match=r"'imitative.* cannot run here: .*name a backend of"):
        audit("none", backend=fits_at_once)
    with pytest.raises(ConfigError, match=r"'cascade' cannot run .*shadows\.design: in_and"):
        audit(
            "one",
            {
                "targets": 1,
                "shadows": {"count": 4},
                "attack": {"families": ["cascade"]},
            },
        )


def test_what_the_target_answers_is_in_the_keys_of_its_scores(first):
    references = first[2]["references"].without("target")
    others = replace(references.shadows, answers=Answers({}, {}, {"target": "another"}))
    assert replace(references, shadows=others).taught_keys() != references.taught_keys()
    assert references.without("target-01").taught_keys() != references.taught_keys()
