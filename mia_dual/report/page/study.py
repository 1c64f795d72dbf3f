"""The page on a study: what was found, drawn and in tables, and where its runs lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union

from mia_dual.report.cost import CostResults
from mia_dual.report.page.phrases import Phrases, read_words
from mia_dual.report.page.render import drawn, render, settings_table
from mia_dual.report.page.table import Table
from mia_dual.report.pictures.cost_study import cost_study_pictures
from mia_dual.report.pictures.picture import Picture
from mia_dual.report.pictures.study import study_pictures
from mia_dual.report.sentence import difference
from mia_dual.report.study import Figure, StudyResults, drawn_figures

Found = Union[StudyResults, CostResults]


def make_study_page(
    found: Found,
    settings: dict[str, Any],
    environment: dict[str, Any],
    runs: Sequence[tuple[str, str]],
    path: str,
    language: str,
) -> str:
    """The HTML of the study in ``path``, with its ``settings`` and ``environment``, both flat.

    ``runs``: names of its runs, each with where its own page lies, from this one; "" where it has
    none. Raises ConfigError for an unknown language.
    """
    say = Phrases(read_words(language))
    if isinstance(found, CostResults):
        tables, what = _cost_tables(found, say), say("cost_study.what", network=found.network)
    else:
        tables, what = _tables(found, say), found.label
    return render(
        "study.html.j2",
        language,
        say,
        say("study.title", name=found.name),
        "",
        subject=say("study.subject", what=what, data=found.data, seeds=len(found.seeds)),
        headline=_headline(found, say),
        finding=found.finding,
        pictures=[drawn(one, "study", say) for one in pictures_on(found)],
        tables=tables,
        runs=runs,
        path=path,
        settings=settings_table(settings, say),
        environment=settings_table(environment, say),
    )


def pictures_on(found: Found) -> list[Picture]:
    """What the page of a study draws."""
    if isinstance(found, CostResults):
        return cost_study_pictures(found)
    return study_pictures(found)


def _headline(found: Found, say: Phrases) -> str:
    """What became of the first figure drawn, or what the smallest request costs."""
    if isinstance(found, CostResults):
        finest = max(one.groups * one.slices for one in found.requests)
        single = next(
            one for one in found.requests if one.groups * one.slices == finest and one.share is None
        )
        return say(
            "cost_study.headline",
            count=single.deleted,
            groups=single.groups,
            slices=single.slices,
            share=say.share(single.records_share.mean),
        )
    name = drawn_figures(found, found.y[0])[0]
    kind, _, attack = name.partition(".")
    points = [
        point
        for point in found.points
        if name in point.figures
        and point.figures[name].mean is not None
        and point.series == found.points[0].series
    ]
    if len(points) < 2:
        return say("study.nothing")
    # Without an order of their own, those that give least and most are told of.
    is_picked = any(point.number is None for point in points)
    if is_picked:
        points.sort(key=lambda point: point.figures[name].mean or 0.0)
    else:
        points.sort(key=lambda point: point.number or 0.0)
    first, last = points[0], points[-1]
    change, interval = difference(first.figures[name], last.figures[name])
    is_sure = interval is not None and not interval[0] <= 0 <= interval[1]
    sure = "study.picked" if is_picked else "study.sure"
    return say(
        sure if is_sure else "study.unsure",
        figure=say(f"study.{kind}"),
        attack=f" ({attack})" if attack else "",
        first=_value(first.value, first.deleted, say),
        last=_value(last.value, last.deleted, say),
        before=say.number(first.figures[name].mean),
        after=say.number(last.figures[name].mean),
        change=f"{change:+.3f}",
        interval=say.ends(interval),
    )


def _value(value: str, deleted: Optional[float], say: Phrases) -> str:
    return value if deleted is None else f"{value}, {say.share(deleted)}"


def _tables(found: StudyResults, say: Phrases) -> list[Table]:
    """A table an attack, its figures with intervals over seeds."""
    names = ("train_accuracy", "test_accuracy", "gap", "auc", "tpr")
    if found.x == "deleted":
        names = ("test_accuracy", "auc", "auc_deleted", "auc_deleted_before", "auc_deleted_change")
    tables = []
    for attack in found.attacks:
        rows = []
        for point in found.points:
            figures = [
                point.figures.get(name) or point.figures.get(f"{name}.{attack}") for name in names
            ]
            told = [say("page.none") if one is None else _over_seeds(one, say) for one in figures]
            share = [] if point.deleted is None else [say.share(point.deleted)]
            rows.append((point.series or point.value, *share, *told))
        columns = [say("study.value"), *([say("study.deleted")] if found.x == "deleted" else [])]
        columns += [say(f"study.{name}") for name in names]
        tables.append(Table(say("study.by_attack", attack=attack), columns, rows))
    return tables


def _over_seeds(figure: Figure, say: Phrases) -> str:
    ends: Optional[tuple[float, float]] = None
    if figure.low is not None and figure.high is not None:
        ends = (figure.low, figure.high)
    told = say.number(figure.mean)
    return told if ends is None else f"{told}\n({say.ends(ends)})"


def _cost_tables(found: CostResults, say: Phrases) -> list[Table]:
    """What training in groups takes, and what requests take of full retraining."""
    trainings = [
        (
            str(one.groups),
            str(one.slices),
            f"{one.steps:,}",
            say.number(one.steps_share, 2),
            say.number(one.seconds.mean, 2),
            say.number(one.bytes.mean / 1e6, 2),
            say.number(one.accuracy.mean),
        )
        for one in found.trainings
    ]
    requests = [
        (
            str(one.groups),
            str(one.slices),
            str(one.deleted) if one.share is None else say.share(one.share),
            say.number(one.models.mean, 1),
            say.number(one.steps_share.mean, 4),
            say.number(one.records_share.mean, 4),
            say.number(one.expected_share, 4),
            say.number(None if one.seconds_share is None else one.seconds_share.mean),
            say.number(one.accuracy.mean),
        )
        for one in found.requests
    ]
    names = ("groups", "slices_column")
    return [
        Table(
            say("cost_study.trainings"),
            [
                say(f"cost_study.{name}")
                for name in (*names, "steps", "of_one", "seconds", "bytes", "accuracy")
            ],
            trainings,
        ),
        Table(
            say("cost_study.requests"),
            [
                say(f"cost_study.{name}")
                for name in (
                    *names, "deleted", "models", "steps_share", "share", "expected",
                    "seconds_share", "accuracy",
                )
            ],
            requests,
        ),
    ]  # fmt: skip
