"""The documentation site: ``make docs`` builds it into ``build/docs``, strictly."""

from mia_dual import __version__

project = "mia-dual"
author = "The mia-dual authors"
release = version = __version__
language = "en"

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
html_title = f"mia-dual {release}"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
}
