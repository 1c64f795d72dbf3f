"""Attacks on single records: on worlds where the best is known, and what they may not depend on."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mia_dual.attacks.base import Need
from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.likelihood import MANY, conjugate, gaussian, offline, online
from mia_dual.attacks.moments import Moments, inside, outside
from mia_dual.attacks.panel import Panel
from mia_dual.attacks.population import attack_p
from mia_dual.attacks.proxy import pmia
from mia_dual.attacks.ratio import base, rmia_offline, rmia_online
from mia_dual.attacks.reference import attack_r, calibration
from mia_dual.attacks.thresholds import class_thresholds
from mia_dual.metrics import auc, ranks, tpr_at_fpr
from mia_dual.seeds import generator
from mia_dual.signals import SIGNALS, log_confidence

ATTACKS = [attack for family in FAMILIES.values() for attack in family(FamilySettings())]
PLAIN = [attack for attack in ATTACKS if not attack.needs & {Need.POPULATION, Need.PROXIES}]


def half_in(rng, models, records):
    """(models, records) bool: every record in half of the models."""
    return np.argsort(rng.random((models, records)), axis=0) < models // 2


class World:
    """Log odds of records that differ in difficulty, in noise, and in what membership gains."""

    def __init__(self, seed, records, spread=3.0, gain=2.0, unlike=0.5):
        self.rng = generator(seed, "world")
        self.mean = self.rng.normal(2, spread, records)
        self.gain = gain * self.rng.uniform(0.2, 1.8, records)
        self.noise = np.exp(self.rng.normal(0, unlike, records))
        self.labels = self.rng.integers(0, 4, records)

    def asked(self, inside):
        """What models say of all records, that were trained on those ``inside``."""
        noise = np.where(inside, 0.8, 1.0) * self.noise
        return self.mean + self.gain * inside + noise * self.rng.normal(size=inside.shape)

    def panel(self, inside, member):
        return Panel(self.asked(member), self.asked(inside), inside, self.labels)

    def best(self, signal):
        """The log of the true likelihood ratio."""
        apart_in = (signal - self.mean - self.gain) / (0.8 * self.noise)
        apart_out = (signal - self.mean) / self.noise
        return (apart_out**2 - apart_in**2) / 2


def audited(models, records=3000, seed=0, design="half", **kinds):
    world = World(seed, records, **kinds)
    member = world.rng.random(records) < 0.5
    inside = half_in(world.rng, models, records)
    if design == "out":
        inside[:] = False
    return world, member, world.panel(inside, member)


def confident(panel):
    """The panel of log confidences that belongs to one of log odds."""
    return replace(
        panel,
        target=-np.logaddexp(0, -panel.target),
        references=-np.logaddexp(0, -panel.references),
    )


OWN, POOLED, SWITCH = (partial(gaussian, variance=each) for each in ("own", "pooled", "switch"))
STUDENT, PLUG_IN = (partial(conjugate, predictive=each) for each in ("student", "gaussian"))


@pytest.mark.parametrize("law", [OWN, SWITCH, STUDENT, PLUG_IN], ids=["own", "switch", "t", "n"])
def test_online_reaches_the_true_likelihood_ratio_with_many_references(law):
    world, member, panel = audited(256)
    best = auc(member, world.best(panel.target))
    assert best - 0.01 < auc(member, online(panel, law=law)) <= best + 0.002


def test_pooled_variance_is_the_true_ratio_where_records_are_alike_in_noise():
    world, member, panel = audited(256, unlike=0.0)
    best = auc(member, world.best(panel.target))
    assert auc(member, online(panel, law=POOLED)) == pytest.approx(best, abs=0.004)
    few = audited(6, unlike=0.0)[2]
    assert auc(member, online(few, law=POOLED)) > auc(member, online(few, law=OWN)) + 0.02


def test_what_references_tell_orders_the_attacks():
    _, member, panel = audited(64)
    ranked = [online(panel, law=SWITCH), offline(panel, law=SWITCH), panel.target]
    found = [auc(member, scores) for scores in ranked]
    assert found[0] > found[1] + 0.02 > found[2] + 0.1


def test_bavaria_is_lira_with_many_references_and_better_with_few():
    _, member, many = audited(512, 500)
    for attack in (online, offline):
        for law in (STUDENT, PLUG_IN):
            apart = ranks(attack(many, law=law)) - ranks(attack(many, law=OWN))
            assert np.abs(apart).max() <= 50, "places among 500"
    _, member, few = audited(16)
    for law in (STUDENT, PLUG_IN):
        for attack in (online, offline):
            found, switched = attack(few, law=law), attack(few, law=SWITCH)
            assert auc(member, found) > auc(member, switched)
            assert tpr_at_fpr(member, found, 0.01) > tpr_at_fpr(member, switched, 0.01) + 0.05


def test_lira_switches_to_a_records_own_variance():
    panel = audited(2 * MANY, 200)[2]
    assert np.array_equal(online(panel, law=SWITCH), online(panel, law=OWN))
    less = replace(panel, references=panel.references[1:], inside=panel.inside[1:])
    switched = online(less, law=SWITCH)
    # A reference went: the side that it was on has the pooled variance now.
    assert not np.isclose(switched, online(less, law=OWN)).all()
    few = audited(MANY, 200)[2]
    assert np.array_equal(online(few, law=SWITCH), online(few, law=POOLED))


def test_student_density_and_height_are_scipys():
    from scipy import stats

    rng = generator(0, "student")
    moments = Moments(rng.integers(0, 30, 50) * 1.0, rng.normal(size=50), rng.random(50) * 9)
    side = conjugate(moments, predictive="student")
    at = rng.normal(0, 4, 50)
    true = stats.t(side.freedom, side.mean, np.sqrt(side.variance))
    constant = np.log(2 * np.pi) / 2
    assert side.log_density(at) == pytest.approx(true.logpdf(at) + constant)
    assert side.height(at) == pytest.approx(stats.norm.ppf(true.cdf(at)), abs=0.03)
    normal = gaussian(moments)
    true = stats.norm(normal.mean, np.sqrt(normal.variance))
    assert normal.log_density(at) == pytest.approx(true.logpdf(at) + constant)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments_are_those_of_each_records_references(dtype):
    rng = generator(0, "moments")
    references = (rng.normal(size=(9, 1100)) + 50).astype(dtype)
    within = rng.random((9, 1100)) < 0.4
    within[:, 7] = True
    panel = Panel(references[0], references, within, np.zeros(1100, np.int64))
    for found, chosen in ((inside(panel), within), (outside(panel), ~within)):
        taken = np.ma.masked_array(references.astype(np.float64), ~chosen)
        some = chosen.any(axis=0)
        assert np.array_equal(found.count, chosen.sum(axis=0))
        assert found.mean[some] == pytest.approx(taken.mean(axis=0).data[some])
        squares = (taken.var(axis=0) * chosen.sum(axis=0)).data[some]
        assert found.squares[some] == pytest.approx(squares, abs=1e-9)
        assert found.mean[~some] == pytest.approx(found.mean[some].mean())
        assert not found.squares[~some].any()


def test_rmia_is_the_share_of_dominated_records_by_brute_force():
    rng = generator(0, "rmia")
    panel = confident(audited(6, 40, seed=1)[2])
    within = rng.random((6, 30)) < 0.5
    population = confident(World(2, 30).panel(within, np.zeros(30, bool)))
    gamma, a = 1.5, 0.4

    def ratio(panel, record, online):
        given = np.exp(panel.references[:, record])
        chosen = panel.inside[:, record]
        p_out = given[~chosen].mean()
        p_in = given[chosen].mean() if online and chosen.any() else a * p_out + 1 - a
        return np.exp(panel.target[record]) / ((p_out + p_in) / 2)

    for attack, is_online in ((rmia_online, True), (rmia_offline, False)):
        known = [z for z in range(30) if not within[:, z].all()]
        others = np.array([ratio(population, z, is_online) for z in known])
        expected = [
            (ratio(panel, record, is_online) / others >= gamma).mean() for record in range(40)
        ]
        assert attack(panel, population, gamma=gamma, a=a) == pytest.approx(expected)
        own = np.array([ratio(panel, record, is_online) for record in range(40)])
        alone = [(each / own >= gamma).mean() for each in own]
        assert attack(panel, None, gamma=gamma, a=a) == pytest.approx(alone)


def same_order(first, second):
    """Whether nothing is ranked one way by ``first`` and the other way by ``second``."""
    order = np.argsort(second, kind="stable")
    return bool((np.diff(first[order]) >= 0).all())


def test_base_has_rmias_order_where_its_paper_says_so():
    panel = confident(audited(8, 500)[2])
    assert same_order(rmia_online(panel), base(panel))
    never = confident(audited(8, 500, design="out")[2])
    assert same_order(rmia_offline(never, a=1.0), base(never))
    assert not same_order(rmia_offline(never, a=0.3), base(never))


def test_base_goes_from_ratios_to_difficulty_calibration():
    panel = confident(audited(8, 500, design="out")[2])
    warm = 1e6 * base(panel, temperature=1e6)
    assert warm == pytest.approx(calibration(panel), abs=1e-3)
    ratio = np.log(np.exp(panel.target) / np.exp(panel.references).mean(axis=0))
    assert base(panel) == pytest.approx(ratio)
    # Confidences of e^-80 at a temperature of .05 are none in float64.
    cold = base(replace(panel, references=panel.references - 70), temperature=0.05)
    assert np.isfinite(cold).all()


def test_one_reference_tells_rmia_more_than_attack_r():
    rng = generator(3, "one reference")
    records = 4000
    member = rng.random(records) < 0.5
    # Members are learnt by heart, hard or not; the harder a record, the less models agree on it.
    mean = rng.normal(3, 3, records)
    noise = 0.5 + np.maximum(4 - mean, 0)

    def asked(inside):
        learnt = np.maximum(mean, 5) + rng.normal(size=records)
        return np.where(inside, learnt, mean + noise * rng.normal(size=records))

    never = np.zeros((1, records), bool)
    panel = Panel(asked(member), asked(never[0])[None], never, np.zeros(records, np.int64))
    rmia = auc(member, rmia_offline(confident(panel)))
    shares = (panel.target > panel.references[0]).astype(float)
    assert rmia > auc(member, shares) + 0.05, "as its authors have it: two scores"
    assert rmia > auc(member, attack_r(panel)) + 0.01


def test_attack_r_is_the_share_and_breaks_ties_by_the_margin():
    panel = audited(5, 300)[2]
    scores = attack_r(panel)
    out = ~panel.inside
    shares = ((panel.target > panel.references) & out).sum(axis=0) / out.sum(axis=0)
    counts = out.sum(axis=0)
    assert np.floor(scores * (counts + 1)) == pytest.approx(shares * counts)
    assert len(np.unique(scores)) == 300


def test_attack_p_is_a_test_at_its_false_positive_rate_in_each_class():
    world = World(0, 6000)
    panel = world.panel(half_in(world.rng, 2, 6000), np.zeros(6000, bool))
    shifted = replace(panel, target=panel.target + 3 * panel.labels)
    asked, population = shifted.take(slice(0, 3000)), shifted.take(slice(3000, 6000))
    scores = attack_p(asked, population)
    for label in range(4):
        assert (scores[asked.labels == label] > 0.9).mean() == pytest.approx(0.1, abs=0.04)
    # Too few of a class: all of the population.
    whole = attack_p(asked, population, least=3001)
    assert same_order(whole, asked.target)


def test_thresholds_of_classes_undo_what_classes_differ_in():
    _, member, panel = audited(8, 2000, spread=0.5, gain=1.5)
    shifted = replace(
        panel,
        target=panel.target + 5 * panel.labels,
        references=panel.references + 5 * panel.labels,
    )
    cuts = class_thresholds(shifted.references, shifted.labels, shifted.inside)
    scores = shifted.target - cuts.of(shifted.labels)
    assert auc(member, scores) > auc(member, shifted.target) + 0.1


def test_cut_has_the_highest_balanced_accuracy():
    rng = generator(0, "cuts")
    labels = rng.integers(0, 3, 200)
    membership = rng.random(200) < 0.3
    membership[labels == 2] = True
    signal = rng.integers(0, 12, 200) / 4 + membership

    def balanced(cut, chosen):
        called, true = signal[chosen] > cut, membership[chosen]
        return (called[true].mean() + (~called[~true]).mean()) / 2

    cuts = class_thresholds(signal, labels, membership)
    assert set(cuts.of_class) == {0, 1}, "class 2 has no non-members"
    for cut, chosen in [(cuts.of_class[label], labels == label) for label in (0, 1)] + [
        (cuts.common, labels >= 0)
    ]:
        best = max(balanced(each, chosen) for each in np.unique(signal))
        assert balanced(cut, chosen) == pytest.approx(best)
    assert np.array_equal(cuts.of(np.array([0, 2, 9])), [cuts.of_class[0]] + [cuts.common] * 2)
    with pytest.raises(ValueError, match="members and non-members"):
        class_thresholds(signal, labels, np.ones(200, bool))


def test_proxies_bring_a_likelihood_ratio_to_records_no_reference_saw():
    world = World(0, 5000)
    member = world.rng.random(5000) < 0.5
    member[3000:] = False
    within = half_in(world.rng, 32, 5000)
    within[:, :3000] = False
    both = world.panel(within, member)
    panel, population = both.take(slice(0, 3000)), both.take(slice(3000, 5000))
    member = member[:3000]
    near = auc(member, pmia(panel, population, law=OWN))
    assert near > auc(member, panel.target) + 0.1
    assert near > auc(member, pmia(panel, population, law=OWN, proxies=10**6)) + 0.02
    strange = replace(panel, labels=panel.labels + 100)
    everyone = replace(population, labels=np.zeros(2000, np.int64))
    expected = pmia(replace(panel, labels=np.zeros(3000, np.int64)), everyone, law=OWN)
    assert pmia(strange, population, law=OWN) == pytest.approx(expected)
    # Of records that references saw, and a population that none did, they are their own proxies.
    never = replace(panel.take(slice(0, 50)), target=panel.target[:50] + 9)
    own = pmia(population, never, law=OWN)
    assert own == pytest.approx(pmia(population, population, law=OWN))


def panels(attack, models=8, records=90):
    """What ``attack`` is asked with: logits of a small world, as its signal."""
    rng = generator(5, "panels")
    labels = rng.integers(0, 3, 2 * records)
    within = half_in(rng, models, 2 * records)
    member = rng.random(2 * records) < 0.5
    logits = rng.normal(0, 2, (models + 1, 2 * records, 3))
    saw = np.vstack([member, within])
    np.put_along_axis(
        logits,
        np.broadcast_to(labels[:, None], (models + 1, 2 * records, 1)),
        (rng.normal(2, 2, saw.shape) + saw)[..., None],
        axis=2,
    )
    return logits, labels, within


def scores_of(attack, logits, labels, within):
    signal = SIGNALS[attack.signal](logits, labels)
    whole = Panel(signal[0], signal[1:], within, labels)
    middle = len(whole) // 2
    return attack.score(whole.take(slice(0, middle)), whole.take(slice(middle, None)))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_names_and_orders_of_what_is_asked_do_not_count(attack):
    logits, labels, within = panels(attack)
    scores = scores_of(attack, logits, labels, within)
    assert scores.shape == (90,)
    assert scores.dtype == np.float64
    rng = generator(6, "invariances")

    order = rng.permutation(8)
    moved = scores_of(attack, logits[[0, *(1 + order)]], labels, within[order])
    assert moved == pytest.approx(scores, rel=1e-9, abs=1e-9), "order of references"

    records = np.concatenate([rng.permutation(90), 90 + rng.permutation(90)])
    moved = scores_of(attack, logits[:, records], labels[records], within[:, records])
    assert moved == pytest.approx(scores[records[:90]], rel=1e-9, abs=1e-9), "order of records"

    classes = np.array([2, 0, 1])
    moved = scores_of(attack, logits[..., np.argsort(classes)], classes[labels], within)
    assert moved == pytest.approx(scores, rel=1e-9, abs=1e-9), "names of classes"

    moved = scores_of(attack, logits + 7.5, labels, within)
    assert moved == pytest.approx(scores, rel=1e-7, abs=1e-7), "a constant on all logits"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_float32_panels_give_the_scores_of_float64(attack):
    logits, labels, within = panels(attack)
    signal = SIGNALS[attack.signal](logits, labels).astype(np.float32)
    wide = Panel(signal[0].astype(np.float64), signal[1:].astype(np.float64), within, labels)
    narrow = Panel(signal[0], signal[1:], within, labels)
    expected = attack.score(wide.take(slice(0, 90)), wide.take(slice(90, None)))
    found = attack.score(narrow.take(slice(0, 90)), narrow.take(slice(90, None)))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert found.dtype == np.float64


def test_catalogue_names_each_attack_once_and_says_its_settings():
    import json

    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)
    settings = FamilySettings(rmia_gamma=1.25, rmia_a=0.7, pmia_proxies=3, lira_variance="own")
    found = {a.name: a.describe() for family in FAMILIES.values() for a in family(settings)}
    assert found["rmia_offline"]["settings"] == {"gamma": 1.25, "a": 0.7}
    assert found["pmia"]["settings"] == {"variance": "own", "proxies": 3}
    assert json.loads(json.dumps(found)) == found
    assert {each["signal"] for each in found.values()} <= set(SIGNALS)


def test_settings_reach_the_scores():
    settings = FamilySettings(
        lira_variance="own",
        bavaria_predictive="gaussian",
        rmia_gamma=1.2,
        rmia_a=0.9,
        base_temperature=4.0,
        population_least=10**6,
        pmia_proxies=1,
    )
    for family in FAMILIES.values():
        for usual, other in zip(family(FamilySettings()), family(settings)):
            given = panels(usual)
            same = np.array_equal(scores_of(usual, *given), scores_of(other, *given))
            assert same == (not usual.settings), usual.name


def test_loss_confidence_and_log_odds_are_one_order():
    logits, labels, _ = panels(None)
    odds = SIGNALS["log_odds"](logits[0] * 8, labels)
    assert len(np.unique(odds)) == len(labels)
    assert np.array_equal(np.argsort(odds), np.argsort(log_confidence(logits[0] * 8, labels)))
