"""The Chinese pages are all there, can all be reached, and have the figures of the English ones."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CHINESE = sorted(DOCS.rglob("*.zh-CN.md"))
TOCTREE = re.compile(r"^```{toctree}\n(.*?)^```", re.MULTILINE | re.DOTALL)
MEASURED = re.compile(r"[-+]?\d*\.\d{3,}")


def english(page):
    return page.with_name(page.name.replace(".zh-CN", ""))


def listed(page):
    """The pages that are listed by ``page``, by those, and so on."""
    for content in TOCTREE.findall(page.read_text(encoding="utf-8")):
        for line in content.splitlines():
            if line and not line.startswith(":"):
                below = page.with_name(line + ".md") if "/" not in line else DOCS / f"{line}.md"
                yield below
                yield from listed(below)


def figures(page):
    """What was measured, in each row of the page's tables."""
    rows = re.findall(r"^\|.*", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [MEASURED.findall(row) for row in rows]


def test_every_page_that_is_no_reference_has_a_chinese_one():
    assert {english(page) for page in CHINESE} >= set(DOCS.glob("*.md")) - set(CHINESE)


@pytest.mark.parametrize("language", ["", ".zh-CN"])
def test_every_page_is_in_a_list_of_its_language(language):
    first = DOCS / f"index{language}.md"
    found = {first, *listed(first)}
    assert found >= ({*CHINESE} if language else {*DOCS.rglob("*.md")})


@pytest.mark.parametrize("name", ["deletion", "deletion/grouped"])
def test_tables_have_the_figures_of_the_english_page(name):
    page = DOCS / f"{name}.zh-CN.md"
    assert any(figures(page))
    assert figures(page) == figures(english(page))
