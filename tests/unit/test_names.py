"""Names in results are said in each language, whatever gave them."""

import pytest

from mia_dual.attacks.base import Need
from mia_dual.plan.plan import METHODS
from mia_dual.report.names import (
    method_in_words,
    needs_in_words,
    place_in_words,
    request_in_words,
)
from mia_dual.report.page.phrases import read_words
from mia_dual.walks.wanted import Wanted


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("5%", "5%"),
        ("0.5% draw 2", "0.5%，第 2 次抽取"),
        ("10% mislabelled", "10% 错误标注的记录"),
        ("classes", "按类别"),
        ("request 12", "第 12 次请求"),
        (Wanted(records=(3, 5)).name, "记录 3,5"),
        (Wanted(ratio=0.05).name, "比例 0.05"),
        (Wanted(label=7).name, "类别 7"),
        (Wanted(group=0).name, "组 0"),
        ("what a later version asks", "what a later version asks"),
    ],
)
def test_requests_are_said_in_words(name, said):
    assert request_in_words(name, read_words("zh")) == said
    assert request_in_words(name, read_words("en")) == name


def test_braces_in_a_file_name_stay_as_they_are(tmp_path):
    name = Wanted(indices=tmp_path / "{which}.txt").name
    assert request_in_words(name, read_words("en")) == name


def test_places_of_a_comparison_are_said_in_words():
    words = read_words("zh")
    assert place_in_words("original", words) == words["place.original"]
    said = place_in_words("5% outliers grouped: deleted, after", words)
    assert said == "5% 离群记录（分组重新训练）之后的已删除记录"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_method_and_need_has_words_of_its_own(language):
    words = read_words(language)
    assert len({method_in_words(method, words) for method in METHODS} - set(METHODS)) == len(
        METHODS
    )
    for need in Need:
        assert len(needs_in_words(f"{need.value} (set it)", words)) == 1
    both = f"{Need.IN.value} (set it), and {Need.SHADOWS.value}"
    assert sorted(needs_in_words(both, words)) == sorted([words["need.in"], words["need.shadows"]])
