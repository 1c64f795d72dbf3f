"""Several targets over the same records, and references that saw half of them."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from mia_dual import metrics
from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.cuts import CUTS
from mia_dual.attacks.panel import Panel
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.data.outputs import load_outputs
from mia_dual.plan.draft import draft_plan
from mia_dual.progress import Silent
from mia_dual.report.results import Results
from mia_dual.report.strength import by_strength
from mia_dual.report.tables import print_results
from mia_dual.signals import SIGNALS
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.attack import attack_outputs, outputs_config
from mia_dual.walks.compare import compare_runs
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine

SETTINGS = {
    "split": {"target_members": 100, "target_non_members": 100, "shadow_members": 100},
    "target": {"network": "fcnet", "hidden": 32, "epochs": 30, "learning_rate": 0.1},
    "targets": 3,
    "shadows": {"count": 4, "design": "in_and_out"},
    "attack": {"models": ["logistic_regression"]},
    "deletion": {"ratios": [0.1], "groups": 2},
}  # fmt: skip
TARGETS = ["target", "target-01", "target-02"]


def config_of(**changes):
    return Config.model_validate({**SETTINGS, **changes})


def audit(folder, backend=None, **changes):
    backend, config = backend or NumpyBackend(), config_of(**changes)
    with RunFolder(folder, config, Store(folder.parent / "store")) as opened:
        results = run_audit(config, NumpyEngine(backend), load_dataset("digits"), opened, Silent())
    return results, backend


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("targets") / "run"
    results, backend = audit(folder)
    return folder, results, backend


def test_every_audited_record_is_in_half_of_the_references_and_targets_share_records():
    labels = load_dataset("digits").labels
    plan = draft_plan(config_of(), labels, classes=10)
    rows = plan.target_rows
    inside = np.stack([np.isin(rows, model.members) for model in plan.shadows])
    assert (inside.sum(axis=0) == 2).all()
    assert {len(model.members) for model in plan.shadows} == {100}
    for target in plan.targets:
        assert np.array_equal(np.sort(target.membership.rows), rows)
        assert len(target.membership.members) == 100
    sides = [target.membership.members.tolist() for target in plan.targets]
    assert len(set(map(tuple, sides))) == 3
    # The first target is the one that a run of one target has.
    alone = draft_plan(config_of(targets=1), labels, classes=10)
    for name, model in alone.models.items():
        assert np.array_equal(plan.models[name].members, model.members)
    assert np.array_equal(plan.split.population, alone.split.population)
    assert not np.isin(plan.split.population, rows).any()


def test_shadows_of_more_members_take_the_rest_from_the_pool():
    split = {"target_members": 100, "target_non_members": 60, "shadow_members": 100}
    plan = draft_plan(config_of(split=split), load_dataset("digits").labels, classes=10)
    for model in plan.shadows:
        assert np.isin(model.members, plan.target_rows).sum() == 80
        assert len(model.members) == 100
        assert np.isin(model.members, np.union1d(plan.target_rows, plan.split.pool)).all()


def test_each_target_is_scored_by_all_models_but_itself(run):
    folder, _, _ = run
    finished, labels = FinishedRun(folder), load_dataset("digits").labels
    rows = finished.scores.rows
    names = [f"shadow-0{number}" for number in range(4)] + TARGETS
    answers = finished.answers(names)
    odds = {name: SIGNALS["log_odds"](answers.of(name, rows), labels[rows]) for name in names}
    lira = next(attack for attack in FAMILIES["lira"](FamilySettings()))
    assert lira.name == "lira_online"
    for target in TARGETS:
        others = [name for name in names if name != target]
        panel = Panel(
            odds[target],
            np.stack([odds[name] for name in others]).astype(np.float32),
            np.stack([np.isin(rows, finished.members(name)) for name in others]),
            labels[rows],
        )
        version = "original" if target == "target" else f"{target}-original"
        found = finished.scores.table["lira_online"][version]
        np.testing.assert_allclose(found, lira.score(panel, None), rtol=1e-5, atol=1e-5)


def test_figures_are_over_all_targets_and_of_each(run):
    folder, results, _ = run
    assert results.targets == 3
    assert "lira_online" in results.attacks
    assert not {"shadow_fcnet", "lira_online"} & results.not_run.keys()
    for attack in results.attacks.values():
        assert [one.target for one in attack.per_target] == TARGETS
        assert attack.members == sum(one.members for one in attack.per_target) > 200
        low, high = attack.auc_interval
        assert low <= attack.auc <= high
        assert [row.label for row in attack.per_class] == list(range(10))
    best = results.attacks["lira_online"]
    assert best.auc > 0.6
    assert best.auc == pytest.approx(np.mean([one.auc for one in best.per_target]), abs=0.05)
    scores = np.load(folder / "scores.npz")
    curve = np.load(folder / "roc.npz")
    tpr, fpr = curve["lira_online/tpr"], curve["lira_online/fpr"]
    area = (np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2).sum()
    assert area == pytest.approx(best.auc)
    assert scores["cuts/lira_online"].shape == (len(scores["versions"]), len(CUTS))


def test_thresholds_hold_the_rate_aimed_at_about_as_well_as_references_tell(run):
    _, results, _ = run
    for name in ("lira_online", "loss", "base"):
        (decision,) = [one for one in results.attacks[name].decisions if one.aimed_fpr == 0.1]
        assert 0.03 < decision.fpr < 0.25
        assert decision.precision_at_prior["0.5"] > decision.precision_at_prior["0.01"]


def test_who_is_exposed_is_counted_both_ways(run):
    folder, results, _ = run
    finished = FinishedRun(folder)
    listed = results.exposure.records
    assert listed == sorted(listed, key=lambda one: -(one.found + one.cleared))
    for one in listed:
        assert one.found <= one.inside
        assert one.cleared <= one.outside
        held = sum(one.record in finished.targets[name].members for name in TARGETS)
        assert one.inside <= held
    assert listed[0].found + listed[0].cleared >= 2
    told = results.together
    loss = told.attacks["loss"]
    assert 0 <= loss.always <= loss.ever <= loss.repeated
    pair = next(one for one in told.pairs if (one.first, one.second) == ("loss", "lira_online"))
    assert pair.both + pair.only_second == told.attacks["lira_online"].found
    assert pair.both + pair.only_first == loss.found
    most = max(one.found for one in told.attacks.values())
    assert told.union_tpr >= most / results.attacks["loss"].members


def test_every_target_forgets_its_own_records(run):
    folder, results, _ = run
    finished = FinishedRun(folder)
    assert [(one.request, one.method) for one in results.deletion] == [
        ("10%", "full"), ("10%", "grouped"),
    ]  # fmt: skip
    assert results.deletion[0].deleted == 30
    assert (results.deletion[1].groups, results.deletion[1].groups_retrained) == (6, 6)
    for deletions, _ in finished.deletions():
        assert [deletion.target for deletion in deletions] == TARGETS
        for deletion in deletions:
            gone = finished.requests[deletion.target, "10%"].deleted
            assert np.isin(gone, finished.targets[deletion.target].members).all()
            assert finished.seen(deletion.before, gone).all()
            assert not finished.seen(deletion.after, gone).any()
    full = results.deletion[0].attacks["lira_online"].deleted
    assert full.before.auc > full.after.auc + 0.1


def test_a_repeated_run_does_nothing_and_one_more_target_trains_its_own_models(run):
    folder, _, first = run
    before = (folder / "results.json").read_bytes()
    _, backend = audit(folder)
    assert (backend.trained, backend.asked) == ([], [])
    assert (folder / "results.json").read_bytes() == before
    _, more = audit(folder.parent / "more", targets=4)
    assert more.trained
    assert all(name.startswith("target-03") for name in more.trained)
    assert not set(more.trained) & set(first.trained)


def test_runs_of_several_targets_are_compared_target_by_target(run):
    folder, _, _ = run
    (pair,) = compare_runs([FinishedRun(folder), FinishedRun(folder)], Silent()).pairs
    assert {attack.verdict.found for attack in pair.attacks} == {"same"}
    assert pair.attacks[0].places[0].members[0] == Results.load(folder).attacks["loss"].members


def test_one_target_of_disjoint_references_says_what_it_lacks(tmp_path):
    results, _ = audit(tmp_path / "run", targets=1, shadows={"count": 3}, deletion={"ratios": []})
    assert {"lira_online", "rmia_online", "bavaria_online"} == results.not_run.keys()
    assert {"lira_offline", "rmia_offline", "base", "attack_p", "pmia"} <= results.attacks.keys()
    assert (results.exposure, results.design) == (None, "disjoint")
    for attack in results.attacks.values():
        assert attack.per_target == []
        assert attack.auc_interval == pytest.approx(
            metrics_interval(tmp_path / "run", attack, results), abs=1e-9
        )


def test_one_shadow_scores_and_fits_no_threshold(tmp_path):
    """Where it stands in for the target, no reference is left to hold it against."""
    results, _ = audit(tmp_path / "run", targets=1, shadows={"count": 1}, deletion={"ratios": []})
    assert results.attacks["loss"].accuracy is not None
    for name in ("lira_offline", "rmia_offline", "base", "attack_r", "pmia"):
        assert results.attacks[name].auc is not None
        assert (results.attacks[name].accuracy, results.attacks[name].decisions) == (None, [])


def test_a_pair_of_shadows_is_enough_for_every_attack(tmp_path):
    shadows = {"count": 2, "design": "in_and_out"}
    results, _ = audit(tmp_path / "run", targets=1, shadows=shadows, deletion={"ratios": []})
    assert results.not_run == {}
    assert results.attacks["lira_online"].accuracy is not None


def test_a_population_of_one_record_breaks_nothing(tmp_path):
    split = {"target_members": 898, "target_non_members": 898, "shadow_members": 898}
    results, _ = audit(
        tmp_path / "run",
        targets=1,
        split=split,
        shadows={"count": 2, "design": "in_and_out"},
        target={**SETTINGS["target"], "epochs": 2},
        deletion={"ratios": []},
    )
    assert results.population == 1
    assert {"attack_p", "rmia_online", "pmia"} <= results.attacks.keys()
    for attack in results.attacks.values():
        assert attack.auc is not None


def metrics_interval(folder, attack, results):
    """DeLong's, as one target has it."""
    from mia_dual.walks.places import attack_places

    run = FinishedRun(folder)
    name = next(name for name, found in results.attacks.items() if found == attack)
    trials = attack_places(run)["original"].trials(run, name)
    return metrics.auc_interval(trials.membership, trials.scores)


def test_findings_hold_no_nan_and_null_where_too_few_records_could_show_it(run):
    folder, results, _ = run
    json.loads((folder / "results.json").read_text(), parse_constant=pytest.fail)
    for attack in results.attacks.values():
        assert attack.tpr_at_fpr["0.001"] is None
        assert attack.tpr_at_fpr["0"] is not None
        assert attack.epsilon >= 0
        assert attack.epsilon_one_run >= 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shadows": {"count": 3, "design": "in_and_out"}}, "pairs"),
        ({"split": {**SETTINGS["split"], "shadow_members": 80}}, "split.shadow_members to 100"),
        ({"split": {**SETTINGS["split"], "shadow_non_members": 50}}, "leave split.shadow_non_mem"),
        ({"data": {"mislabelled": 0.1}}, "data.mislabelled goes with one target"),
        ({"targets": 0}, "write at least 1"),
        ({"attack": {"families": ["lira", "lira"]}}, "names one twice"),
        ({"attack": {"families": []}}, "at least 1"),
        ({"attack": {"population": 0}}, "write at least 1"),
        (
            {"shadows": {"count": 4, "design": "in_and_out", "data": {"source": "noisy"}}},
            "noisy",
        ),
    ],
    ids=["odd", "small", "non-members", "mislabelled", "none", "twice", "empty", "nobody", "made"],
)
def test_what_cannot_be_is_said(changes, words):
    from mia_dual.config import checked
    from mia_dual.errors import ConfigError

    with pytest.raises(ConfigError, match=words) as caught:
        checked({**SETTINGS, **changes})
    assert "\n" not in str(caught.value)


def test_saved_outputs_get_the_scores_that_the_run_gave_them(tmp_path):
    """Whoever made the outputs: scores are functions of those, labels and memberships."""
    audit(tmp_path / "run", targets=1, deletion={"ratios": []})
    run, labels = FinishedRun(tmp_path / "run"), load_dataset("digits").labels
    rows, names = run.scores.rows, [f"shadow-0{number}" for number in range(4)]
    answers = run.answers(["target", *names])
    np.savez(
        tmp_path / "said.npz",
        target_logits=answers.of("target", rows),
        labels=labels[rows],
        membership=np.isin(rows, run.target.members),
        reference_logits=np.stack([answers.of(name, rows) for name in names]),
        reference_membership=[np.isin(rows, run.members(name)) for name in names],
    )
    given = load_outputs(tmp_path / "said.npz", Silent())
    config = outputs_config(config_of(targets=1), given)
    with RunFolder(tmp_path / "found", config, Store(tmp_path / "other")) as folder:
        attack_outputs(config, given, None, folder, Silent())
    ours, theirs = (np.load(tmp_path / name / "scores.npz") for name in ("run", "found"))
    for name in ("loss", "calibration", "attack_r", "lira_online", "lira_offline", "base",
                 "bavaria_online", "shadow_logistic_regression"):  # fmt: skip
        assert np.array_equal(ours[name][0], theirs[name][0]), name
        np.testing.assert_array_equal(ours[f"cuts/{name}"], theirs[f"cuts/{name}"], name)


def test_the_terminal_shows_every_attack_in_eighty_columns(run):
    _, results, _ = run
    shown = io.StringIO()
    print_results(results, Console(file=shown, width=80), full=True)
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in shown.getvalue()
    start = next(place for place, line in enumerate(lines) if line.startswith("Attacks on"))
    words = [line.split()[0] for line in lines[start:] if line.split()]
    order = [word for word in words if word in results.attacks]
    assert order[: len(results.attacks)] == by_strength(results.attacks)
    assert "3 targets: fcnet on digits" in shown.getvalue()


def test_what_attacks_find_together_is_drawn(run):
    _, results, _ = run
    figure = results.agreement_figure()
    square, bars = figure.axes[:2]
    names = [label.get_text() for label in square.get_yticklabels()]
    assert names == by_strength(results.attacks)
    shown = {(text.get_position()[1], text.get_position()[0]): text.get_text()
             for text in square.texts}  # fmt: skip
    for pair in results.together.pairs:
        place = names.index(pair.first), names.index(pair.second)
        told = "–" if pair.jaccard is None else f"{pair.jaccard:.2f}".lstrip("0")
        assert shown[place] == shown[place[::-1]] == told
    assert [bar.get_width() for bar in bars.patches[: len(names)]] == [
        results.together.attacks[name].found for name in names
    ]
