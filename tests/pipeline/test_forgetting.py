"""Are deleted records told from never-seen ones: by attacks, record by record, by both versions."""

import io

import numpy as np
import pytest
from rich.console import Console

from mia_dual import metrics
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.engine import Engine
from mia_dual.progress import Silent
from mia_dual.report.tables import print_results
from mia_dual.signals import log_confidence
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit

SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 300, "target_non_members": 300, "shadow_members": 300},
    "target": {"network": "fcnet", "hidden": 32, "epochs": 40, "learning_rate": 0.1},
    "targets": 12,
    "shadows": {"count": 4, "design": "in_and_out"},
    "attack": {"families": ["thresholds", "lira"]},
    "deletion": {
        "ratios": [0.2],
        "shared": True,
        "choice": ["random", "exposed"],
        "methods": ["full"],
        "approximate": ["nothing"],
    },
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forgetting") / "run"
    config = Config.model_validate(SETTINGS)
    with RunFolder(folder, config, Store(folder.parent / "store")) as opened:
        results = run_audit(
            config, Engine("torch", "cpu"), load_dataset("digits"), opened, Silent()
        )
    return FinishedRun(folder), results


@pytest.fixture(scope="module")
def found(run):
    """By request and method."""
    _, results = run
    return {
        (entry.request, entry.method): entry for entry in (*results.deletion, *results.compared)
    }


REQUESTS = ("20%", "20% exposed")


def test_one_draw_is_deleted_by_those_that_saw_it_and_unseen_by_the_others(run):
    finished, _ = run
    for name in REQUESTS:
        requests = [finished.requests[target, name] for target in finished.targets]
        pool = np.union1d(requests[0].deleted, requests[0].unseen)
        assert len(pool) == 120
        for request, membership in zip(requests, finished.targets.values()):
            assert np.array_equal(request.deleted, np.intersect1d(pool, membership.members))
            assert np.array_equal(request.unseen, np.setdiff1d(pool, membership.members))
            assert np.array_equal(np.union1d(request.deleted, request.retained), membership.members)


def test_what_was_deleted_is_told_like_what_was_never_seen(run, found):
    """The AUC is that of all targets' deleted and unseen records together, from the answers."""
    finished, _ = run
    for request in REQUESTS:
        confidence, deleted = [], []
        for deletions, told in finished.deletions():
            if (told.request, told.method) == (request, "full"):
                for deletion in deletions:
                    asked = finished.requests[deletion.target, request]
                    for rows, side in ((asked.deleted, True), (asked.unseen, False)):
                        logits = finished.logits(deletion.after, rows)
                        confidence.append(log_confidence(logits, finished.labels[rows]))
                        deleted.append(np.full(len(rows), side))
        after = found[request, "full"].attacks["loss"].deleted.after
        assert after.auc == pytest.approx(
            metrics.auc(np.concatenate(deleted), np.concatenate(confidence))
        )
        assert after.members + after.non_members == 12 * 120
        low, high = after.auc_interval
        assert low < 0.5 < high
        assert high - low < 0.1


def test_records_that_are_still_there_are_found(found):
    for request in REQUESTS:
        exact, nothing, reference = (
            found[request, method] for method in ("full", "nothing", "reference")
        )
        attack = "lira_online"
        assert nothing.attacks[attack].deleted.after == exact.attacks[attack].deleted.before
        traces = nothing.forgetting.traces[attack]
        assert traces.auc_difference.value == pytest.approx(
            nothing.attacks[attack].deleted.after.auc - reference.attacks[attack].deleted.after.auc
        )
        assert traces.auc_difference.interval[0] > 0
        low, high = exact.forgetting.traces[attack].auc_difference.interval
        assert low < 0 < high
        assert reference.forgetting.traces[attack].auc_difference.value is None
        ks = nothing.forgetting.traces["loss"]
        assert ks.ks_how == "permuted"
        assert ks.ks_p <= 0.01 < exact.forgetting.traces["loss"].ks_p
        per_record, left = exact.forgetting.per_record, nothing.forgetting.per_record
        assert per_record.pooled.auc.interval[0] < 0.5 < left.pooled.auc.interval[0]
        assert left.told > per_record.told
        assert nothing.forgetting.quality.p < 0.05 < exact.forgetting.quality.p
        complete, kept = exact.forgetting.completeness, nothing.forgetting.completeness
        assert kept.separation.auc.interval[0] > complete.separation.auc.value


def test_the_most_exposed_are_those_that_leak_most(found):
    random, exposed = (
        found[request, "full"].attacks["lira_online"].deleted.before.auc for request in REQUESTS
    )
    assert exposed > random + 0.05


def test_both_versions_tell_what_one_does_not(found):
    """Exact deletion does not protect against who kept the version before."""
    both = found["20% exposed", "full"].forgetting.both_versions
    assert both.fall.auc.interval[0] > 0.6
    assert both.two.auc.interval[0] > 0.6
    assert both.three_retained.auc.interval[0] > 0.6
    assert both.three_accuracy > 0.4
    assert found["20% exposed", "nothing"].forgetting.both_versions is None


def test_neighbours_and_retained_records_stay_where_they_were(found):
    for request in REQUESTS:
        nothing = found[request, "nothing"].forgetting.neighbours
        assert nothing.near.difference.value == nothing.others.difference.value == 0
        near = found[request, "full"].forgetting.neighbours.near
        assert near.records > 500
        assert near.difference.value == pytest.approx(near.after - near.before)
        overall = found[request, "full"].attacks["lira_online"].overall
        assert overall.after.auc_interval[0] > 0.5
        assert overall.after.auc == pytest.approx(overall.before.auc, abs=0.05)


def test_the_folder_holds_what_is_told_of_each_record(run, found):
    finished, _ = run
    with np.load(finished.path / "forgetting.npz") as arrays:
        for request in REQUESTS:
            for method in ("full", "nothing"):
                begin = f"{request.replace('%', 'pct').replace(' ', '-')}/{method}"
                rows, p, epsilon = (arrays[f"{begin}/{name}"] for name in ("rows", "p", "epsilon"))
                assert len(rows) == len(p) == len(epsilon) == 120
                known = ~np.isnan(p)
                told = found[request, method].forgetting.per_record
                assert told.records == known.sum()
                assert told.told == pytest.approx((p[known] <= 0.05).mean())


def test_the_terminal_sets_all_methods_side_by_side(run):
    _, results = run
    text = io.StringIO()
    print_results(results, Console(file=text, width=80), full=True)
    lines = text.getvalue().splitlines()
    start = lines.index(next(line for line in lines if "deleted records against never" in line))
    assert max(map(len, lines[start:])) <= 80
    table = lines[start : start + 7]
    assert [row.split()[0] for row in table[-3:]] == ["full", "reference", "nothing"]
