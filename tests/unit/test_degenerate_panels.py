"""Attacks on single records where there is next to nothing to go on: finite scores, or a reason."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mia_dual.attacks.base import Need
from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.likelihood import conjugate, gaussian, offline, online
from mia_dual.attacks.panel import Panel
from mia_dual.signals import SIGNALS

VARIANTS = [
    FamilySettings(),
    FamilySettings(
        lira_variance="own",
        bavaria_predictive="gaussian",
        rmia_a=1.0,
        base_temperature=0.05,
        population_least=1,
        pmia_proxies=1,
    ),
    FamilySettings(lira_variance="pooled", rmia_a=0.0, rmia_gamma=1e-3, base_temperature=1e3),
]
ATTACKS = [
    pytest.param(attack, id=f"{attack.name}-{number}")
    for family in FAMILIES.values()
    for number, variant in enumerate(VARIANTS)
    for attack in family(variant)
    if attack.settings or number == 0
]

SIDES = st.sampled_from(["any", "all in", "none in"])
FLOATS = st.sampled_from([np.float32, np.float64])
# Few values, so that many are equal; both ends of what signals can be; all that lies between.
VALUES = st.one_of(
    st.sampled_from([-80.0, 0.0, 80.0, 2.0**-140, np.nextafter(np.float32(1), np.float32(2)), 1.0]),
    st.floats(-80, 80, width=32),
).map(float)


@st.composite
def panel(draw, models):
    records = draw(st.integers(1, 5))
    values = draw(arrays.arrays(draw(FLOATS), (models + 1, records), elements=VALUES))
    within = draw(arrays.arrays(bool, (models, records)))
    side = draw(SIDES)
    if side != "any":
        within[:] = side == "all in"
    labels = draw(arrays.arrays(np.int64, records, elements=st.integers(0, 2)))
    return Panel(values[0].astype(np.float64), values[1:], within, labels)


@st.composite
def both(draw):
    models = draw(st.integers(1, 4))
    return draw(panel(models)), draw(st.none() | panel(models))


def lacking(attack, panel, population):
    """Whether a side that the attack needs is empty over the whole panel."""
    known = [panel] if population is None else [panel, population]
    if attack.name == "pmia":
        proxies = panel if population is None or not population.inside.any() else population
        return panel.inside.all() or proxies.inside.all() or not proxies.inside.any()
    if Need.POPULATION in attack.needs and population is None:
        return True
    if attack.name == "base":
        return False
    if Need.SHADOWS in attack.needs:
        within = np.concatenate([each.inside.ravel() for each in known])
        return within.all() or not within.any()
    return (Need.OUT in attack.needs and panel.inside.all()) or (
        Need.IN in attack.needs and not panel.inside.any()
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("attack", ATTACKS)
@settings(max_examples=25, deadline=None)
@given(asked=both())
def test_scores_are_finite_whatever_is_given(attack, asked):
    panel, population = asked
    if lacking(attack, panel, population):
        with pytest.raises(ValueError):  # noqa: PT011
            attack.score(panel, population)
        return
    scores = attack.score(panel, population)
    assert scores.shape == (len(panel),)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", SIGNALS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_signals_are_finite_whatever_the_logits(name, data):
    classes = data.draw(st.integers(1, 4))
    wild = st.sampled_from([-np.inf, np.inf, 0.0, 1e30, -1e30, 1e-30, 88.0]) | st.floats(-100, 100)
    logits = data.draw(
        arrays.arrays(np.float32, (2, 3, classes), elements=wild.map(np.float32).map(float))
    )
    logits[np.isneginf(logits).all(axis=-1)] = 0
    labels = data.draw(arrays.arrays(np.int64, 3, elements=st.integers(0, classes - 1)))
    signal = SIGNALS[name](logits, labels)
    assert signal.shape == (2, 3)
    assert signal.dtype == np.float64
    assert np.isfinite(signal).all()
    assert np.abs(signal).max() <= 80 * classes


def small(rng, models=6, records=4):
    within = np.arange(models)[:, None] % 2 == np.arange(records) % 2
    return Panel(
        rng.normal(size=records),
        rng.normal(size=(models, records)),
        within,
        np.zeros(records, np.int64),
    )


@pytest.mark.parametrize("law", [gaussian, conjugate])
def test_a_record_without_references_takes_the_law_of_all(law):
    panel = small(np.random.default_rng(0))
    panel.inside[:, 0] = True
    panel.inside[:, 1] = False
    scores = online(panel, law=law)
    assert np.isfinite(scores).all()
    # Nothing is known of record 0 outside: what references say of it inside changes nothing there.
    other = panel.references.copy()
    other[:, 0] += 5
    moved = offline(replace(panel, references=other), law=law)
    assert moved[0] == pytest.approx(offline(panel, law=law)[0])


@pytest.mark.parametrize("law", [gaussian, conjugate])
def test_a_record_whose_references_agree_takes_the_variance_of_all(law):
    panel = small(np.random.default_rng(0), models=140, records=3)
    panel.references[:, 0] = 0.25
    scores = [offline(replace(panel, target=panel.target * 0 + t), law=law)[0] for t in (0.5, 1.0)]
    assert 0 < scores[0] < scores[1] < 100


def test_constant_signals_tell_nothing():
    panel = small(np.random.default_rng(0))
    same = replace(panel, target=np.ones(4), references=np.ones((6, 4)))
    for family in FAMILIES.values():
        for attack in family(FamilySettings()):
            scores = attack.score(same, same)
            assert np.ptp(scores) < 1e-9, attack.name
