"""How Sphinx makes the documentation's site: `make docs`.

Its sources are what people read in the repository, where they stand, so that a link is right in
both places. Nothing is executed, and no page loads anything from the network.
"""

from importlib import metadata
from pathlib import Path

from sphinx.application import Sphinx

project = "Channel atlas"
author = "the authors of channel-atlas"
release = metadata.version("channel-atlas")

root_doc = "docs/index"
include_patterns = [
    "README.md", "BENCHMARKS.md", "CHANGELOG.md", "data/README.md", "data/*/README.md", "docs/*.md",
    "docs/tour.ipynb",
]  # fmt: skip
exclude_patterns = [".*", "build", "dist"]  # large, and not walked through
extensions = ["myst_nb"]
myst_heading_anchors = 4  # as GitHub makes them
nb_execution_mode = "off"  # `make tour` runs it, and a test holds what it shows
nb_merge_streams = True
suppress_warnings = [
    "misc.highlighting_failure",  # consoles and configurations with … in them
    "myst.header",  # the README goes from its title to what is below
]

html_theme = "furo"
html_title = "Channel atlas"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b57d0", "color-brand-content": "#0b57d0"},
    "dark_css_variables": {"color-brand-primary": "#9cc2ff", "color-brand-content": "#9cc2ff"},
}

_FRONT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Channel atlas</title>
<meta http-equiv="refresh" content="0; url=docs/index.html">
<a href="docs/index.html">Channel atlas</a></html>
"""


def setup(app: Sphinx) -> None:
    """Have the folder open at its first page, by a double click or on a static host."""
    app.connect("build-finished", _write_front)


def _write_front(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        Path(app.outdir, "index.html").write_text(_FRONT, encoding="utf-8")
