"""The verdict in plain words: what it says follows from the figures, and so does how sure it is."""

import pytest

from mia_dual.report.headline import IN_WORDS, headline
from mia_dual.report.page.phrases import LANGUAGES, Phrases, read_words
from mia_dual.report.page.verdict import verdict_on
from mia_dual.report.results import AttackResult, DataResult, ModelResult, Results


def attack(found, auc, members=1000, rates=("0.01", "0.1")):
    """An attack with ``found``: what it finds at a false-positive rate of 1 % and its interval."""
    share, low, high = found
    return AttackResult(
        members=members, non_members=members,
        auc=auc[0], auc_interval=auc[1:],
        tpr_at_fpr={rate: share if rate in rates else None for rate in ("0.01", "0.1")},
        tpr_interval={rate: (low, high) if rate in rates else None for rate in ("0.01", "0.1")},
        accuracy=None, advantage=None, precision=None, recall=None, f1=None,
        decisions=[], epsilon=None, epsilon_one_run=None, per_class=[], per_target=[],
    )  # fmt: skip


def results_of(targets=1, **attacks):
    return Results(
        backend="torch", seed=0, network="fcnet", targets=targets, shadows=3, design="disjoint",
        data=DataResult(name="digits", digest="0", records=9, classes=2, shape=(4,)),
        population=0, target=ModelResult(train_accuracy=1.0, test_accuracy=0.9), attacks=attacks,
        together=None, exposure=None, grouped=None, deletion=[], compared=[],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "grade", "begins"),
    [
        ((0.7, 0.6, 0.8), "most", "Most members are exposed: best finds 70.0 % of members"),
        ((0.7, 0.4, 0.9), "many", "Many members are exposed: best finds 70.0 %"),
        ((0.3, 0.11, 0.5), "many", "Many members are exposed"),
        ((0.3, 0.10, 0.5), "some", "Some members are exposed"),
        ((0.05, 0.027, 0.09), "some", "Some members are exposed: best finds 5.0 % of members "
         "(95 %: 2.7 to 9.0) while it accuses at most 1 % of non-members; guessing finds 1 %."),
    ],
)  # fmt: skip
def test_the_word_follows_from_what_is_surely_found(found, grade, begins):
    top = headline(
        results_of(best=attack(found, (0.7, 0.6, 0.8)), other=attack((0, 0, 0), (0.9, 0.8, 1)))
    )
    assert (top.grade, top.attack, top.attacks) == (grade, "best", 2)
    assert top.verdict.startswith(begins)
    assert top.verdict.endswith("Measured on 1,000 members and 1,000 non-members of one target.")


def test_where_none_is_found_alone_the_surest_auc_is_told():
    luckiest = attack((0.02, 0.008, 0.04), (0.52, 0.48, 0.56))
    top = headline(
        results_of(luckiest=luckiest, surest=attack((0.01, 0.0, 0.03), (0.6, 0.55, 0.65)))
    )
    assert (top.grade, top.attack) == ("group", "surest")
    assert "told from others as a group, but none is shown to be found: surest" in top.verdict
    assert "an AUC of 0.600 (95 %: 0.550 to 0.650)" in top.verdict
    top = headline(results_of(luckiest=luckiest))
    assert (top.grade, top.attack) == ("none", "luckiest")
    assert top.verdict.startswith("No member is shown to be exposed: luckiest finds 2.0 %")


def test_an_interval_that_only_touches_guessing_shows_nobody():
    assert headline(results_of(a=attack((0.05, 0.01, 0.1), (0.5, 0.4, 0.6)))).grade == "none"


def test_few_non_members_are_told_at_ten_percent_or_by_the_auc_alone():
    few = headline(results_of(a=attack((0.4, 0.2, 0.6), (0.7, 0.6, 0.8), 20, rates=["0.1"])))
    assert (few.rate, few.grade) == (0.1, "many")
    assert "at most 10 % of non-members; guessing finds 10 %" in few.verdict
    # Of what is found, guessing finds as much: that shows nobody.
    barely = headline(results_of(a=attack((0.25, 0.12, 0.4), (0.7, 0.6, 0.8), 50, rates=["0.1"])))
    assert barely.grade == "some"
    fewer = headline(results_of(a=attack((0.4, 0.2, 0.6), (0.9, 0.6, 1.0), 5, rates=[])))
    assert (fewer.rate, fewer.found, fewer.grade) == (None, None, "group")
    assert "a has an AUC of 0.900 (95 %: 0.600 to 1.000); guessing has .5" in fewer.verdict


def test_nothing_is_said_where_records_are_too_few_for_any_interval():
    lone = attack((None, None, None), (1.0, 0.5, 1.0), 1, rates=[])
    top = headline(results_of(a=lone.model_copy(update={"auc_interval": None})))
    assert top.grade == "unknown"
    assert top.verdict.startswith("Too few records to say whether members are exposed: a has")


def test_the_page_says_the_same_of_the_same_results():
    sure, unsure = attack((0.2, 0.15, 0.25), (0.7, 0.6, 0.8)), attack((0.02, 0, 0.1), (0.5, 0.4, 1))
    group = results_of(luckiest=unsure, surest=attack((0.01, 0.0, 0.03), (0.6, 0.55, 0.65)))
    for results in (results_of(a=sure), results_of(a=unsure), group):
        top = headline(results)
        for language in LANGUAGES:
            words = read_words(language)
            verdict = verdict_on(results, Phrases(words))
            assert verdict.grade == top.grade
            assert verdict.headline == words[f"verdict.{top.grade}"]
            assert top.attack in verdict.sentences[0]
    english = read_words("en")
    assert {f"{text}." for text in IN_WORDS.values()} == {
        english[f"verdict.{grade}"] for grade in IN_WORDS
    }


def test_what_is_not_shown_depends_on_attacks_and_targets():
    sure = attack((0.2, 0.15, 0.25), (0.7, 0.6, 0.8))
    alone = headline(results_of(a=sure)).limits
    assert "a better attack" in alone
    assert "the best of" not in alone
    assert "since one was audited" in alone
    several = headline(results_of(targets=8, a=sure, b=sure))
    assert "that a, the best of 2 on these records" in several.limits
    assert "one was audited" not in several.limits
    assert several.verdict.endswith("of 8 targets.")
