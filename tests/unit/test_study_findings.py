"""The sentence of a study follows from its figures, and its figures from its seeds."""

import csv
import io

import pytest
from scipy import stats

from mia_dual import metrics
from mia_dual.report.sentence import finding
from mia_dual.report.study import Point, StudyResults, over_seeds
from mia_dual.report.study_figure import draw_study
from mia_dual.report.study_table import as_csv

WIGGLE = (-0.01, 0.0, 0.01)
"""What seeds move a figure by; the same for all values, as seeds share their draws."""


def point(name, auc, gap=0.1, number=None, series="", deleted=None, wiggle=WIGGLE):
    across = name.split(",")[0]
    figures = {
        "auc.shadow_fcnet": over_seeds([auc + move for move in wiggle], 0, 1),
        "gap": over_seeds([gap + 2 * move for move in wiggle], -1, 1),
    }
    return Point(
        value=name, across=across, series=series, number=number, deleted=deleted,
        method=None if deleted is None else "full", figures=figures,
    )  # fmt: skip


def study(points, keys=("target.epochs",), x="value", y=("auc",), seeds=(0, 1, 2)):
    return StudyResults(
        name="own", backends=["numpy"], data="digits", keys=list(keys), label="epochs",
        seeds=list(seeds), attacks=["shadow_fcnet"], x=x, y=list(y), points=points, finding="",
    )  # fmt: skip


def numbers(values, **more):
    return [point(str(place), auc, number=place, **more) for place, auc in enumerate(values)]


def test_a_rise_is_said_to_be_one():
    said = finding(study(numbers([0.5, 0.6, 0.7])))
    assert "AUC of shadow_fcnet rises from 0.500 at 0 to 0.700 at 2" in said
    assert "+0.200" in said
    assert "at every step" in said
    assert "not at every step" not in said
    assert "their intervals do not overlap" in said


def test_a_fall_is_said_to_be_one_whatever_the_order_of_values():
    said = finding(study(numbers([0.7, 0.65, 0.6])[::-1]))
    assert "falls from 0.700 at 0 to 0.600 at 2" in said
    assert "-0.100" in said
    assert said.endswith(", at every step.")


def test_what_moves_less_than_seeds_do_is_no_change():
    up, down = point("0", 0.55, number=0), point("1", 0.56, number=1, wiggle=(0.02, 0.0, -0.02))
    said = finding(study([up, down]))
    assert "shows no sure change from 0.550 at 0 to 0.560 at 1" in said
    assert "holds zero" in said
    assert "rises" not in said
    assert "in between" not in said


def test_a_hump_between_equal_ends_is_told():
    said = finding(study(numbers([0.5, 0.8, 0.5])))
    assert "shows no sure change from 0.500 at 0 to 0.500 at 2" in said
    assert "in between highest 0.800 at 1" in said


def test_a_hump_is_told():
    said = finding(study(numbers([0.5, 0.8, 0.7])))
    assert "rises from 0.500" in said
    assert "not at every step: highest 0.800 at 1, lowest 0.500 at 0" in said


def test_intervals_that_overlap_are_said_to():
    # Each figure spreads by .1 over seeds, and all seeds rise by .05.
    said = finding(study(numbers([0.5, 0.55], wiggle=(-0.05, 0.0, 0.051))))
    assert "rises" in said
    assert "their intervals overlap" in said


def test_categories_have_a_highest_and_a_lowest():
    said = finding(study([point("tree", 0.8), point("bayes", 0.5), point("svm", 0.6)]))
    assert "highest and lowest with 0.800 for tree and 0.500 for bayes (+0.300" in said
    flat = [point("tree", 0.501, wiggle=(-0.05, 0.0, 0.05)),
            point("svm", 0.5, wiggle=(0.05, 0.0, -0.05))]  # fmt: skip
    assert "shows no sure difference between any values" in finding(study(flat))


def test_pairs_of_equal_values_are_set_against_the_others():
    points = [
        point(f"{one}, {other}", 0.7 if one == other else 0.6, series=other)
        for one in ("fcnet", "lenet5")
        for other in ("fcnet", "lenet5")
    ]
    said = finding(study(points, keys=("target.network", "shadows.network")))
    assert "where both are the same it is 0.700 on average, where they are not 0.600" in said
    assert "a difference (+0.100" in said
    # Equal values of settings that have nothing in common mean nothing.
    said = finding(study(points, keys=("target.hidden", "shadows.count")))
    assert "where both are the same" not in said


def test_deletions_are_told_by_what_is_deleted():
    points = [
        point(series, auc, number=share, series=series, deleted=share)
        for series, last in (("random", 0.6), ("outliers", 0.5))
        for share, auc in ((0.5, last), (0.0, 0.6), (0.2, last))
    ]
    said = finding(study(points, keys=(), x="deleted"))
    assert "of random, shows no sure change from 0.600 at 0% to 0.600 at 50%" in said
    assert "of outliers, falls from 0.600 at 0% to 0.500 at 50%" in said


def test_two_seeds_are_warned_of():
    assert "two seeds" in finding(study(numbers([0.5, 0.6], wiggle=(0.0, 0.01)), seeds=(0, 1)))
    assert "two seeds" not in finding(study(numbers([0.5, 0.6])))


def test_the_order_of_gap_and_leak_is_compared():
    points = [
        point(str(place), auc, gap, number=place)
        for place, (auc, gap) in enumerate([(0.5, 0.1), (0.6, 0.3), (0.7, 0.5)])
    ]
    assert "correlate by 1.00" in finding(study(points, x="gap"))


def test_the_interval_is_students_and_stays_in_range():
    values = [0.51, 0.58, 0.55, 0.6]
    mean, (low, high) = metrics.mean_interval(values)
    expected = stats.t.interval(0.95, 3, loc=mean, scale=stats.sem(values))
    assert (low, high) == pytest.approx(expected)
    assert metrics.mean_interval([0.5]) == (0.5, None)
    cut = over_seeds([0.9, 1.0], 0, 1)
    assert cut.high == 1.0
    assert over_seeds([None, 0.5, None], 0, 1).low is None
    assert over_seeds([None, None], 0, 1).mean is None


def test_the_csv_has_every_figure_in_full():
    results = study([point("a", 1 / 3), point("b", 2 / 3)])
    rows = list(csv.DictReader(io.StringIO(as_csv(results))))
    assert [row["value"] for row in rows] == ["a", "b"]
    for row, found in zip(rows, results.points):
        for name, figure in found.figures.items():
            assert float(row[name]) == figure.mean
            assert float(row[f"{name}.low"]) == figure.low
            assert [float(row[f"{name}.seed{seed}"]) for seed in range(3)] == figure.seeds


@pytest.mark.parametrize(
    "results",
    [
        study(numbers([0.5, 0.6]), y=("auc", "gap")),
        study(numbers([0.5, 0.6]), x="gap"),
        study([point("tree", 0.8), point("bayes", 0.5)]),
        study([point("tree", 0.8), point("bayes", 0.5)], x="gap"),
        study([point("a, b", 0.8, series="b"), point("a, c", 0.5, series="c")], keys=("k", "l")),
    ],
    ids=["numbers", "measured", "categories", "measured-categories", "pairs"],
)
def test_the_figure_is_drawn_as_png_and_svg_alike_each_time(results):
    drawn = draw_study(results)
    assert drawn["study.png"].startswith(b"\x89PNG")
    assert b"<svg" in drawn["study.svg"]
    assert draw_study(results) == drawn
