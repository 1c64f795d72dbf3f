"""The documentation site: ``make docs`` builds it into ``build/docs``, strictly, and once more in
Chinese (``-t zh``) into ``build/docs/zh``. Both have all pages; they begin at another one.
"""

from pathlib import Path

from mia_dual import __version__

chinese = tags.has("zh")  # noqa: F821  (Sphinx's own)

project = "mia-dual"
author = "The mia-dual authors"
release = version = __version__
language = "zh_CN" if chinese else "en"
root_doc = "index.zh-CN" if chinese else "index"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 3

# The neutral layer imports no framework; should one be needed here all the same, nothing is built.
autodoc_mock_imports = ["torch", "torchvision", "mindspore"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_preserve_defaults = True

# `-n` looks up every name. The reference leaves out what is no one's affair but ours, and types of
# other projects would need their inventories, that is, the network.
nitpick_ignore_regex = [
    (r"py:.*", r"mia_dual\.(walks|training|plan|store|queries)\..*"),
    (r"py:class", r".*"),
]

html_theme = "furo"
html_show_copyright = False
html_title = f"mia-dual {release}{' 中文' if chinese else ''}"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
}

# Each page links the same page of the other site, or that site's first page.
TWIN = ".zh-CN"
docs = Path(__file__).parent
templates_path = ["_templates"]
html_context = {
    "chinese": chinese,
    "twin": TWIN,
    "twins": [
        page.relative_to(docs).with_suffix("").as_posix().replace(TWIN, "")
        for page in docs.rglob(f"*{TWIN}.md")
    ],
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}

# The English first page alone is in no list of the Chinese site's; a test looks at all others.
suppress_warnings = ["toc.not_included"] if chinese else []


def setup(app):  # noqa: ANN001, ANN201  (Sphinx's types are nothing to us)
    """Markdown that is no page of the site is linked as a file."""
    app.connect("source-read", _link_files)


def _link_files(app, page, source) -> None:  # noqa: ANN001
    link = "](../benchmarks/README.md)"
    source[0] = source[0].replace(link, link.replace("(", "(path:"))
