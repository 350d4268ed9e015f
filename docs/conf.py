"""Settings of the site: ``make docs`` builds it into ``docs/_build/html``."""

import os
import sys
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

import spikecast

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the kernels, too: numbers are then the same

for public in spikecast.MODULES:  # autodoc imports modules by the names that people type
    sys.modules.setdefault(f"spikecast.{public}", getattr(spikecast, public))

project = "spikecast"
author = "the spikecast developers"
project_copyright = "2026, the spikecast developers"
version = release = spikecast.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "sphinx.ext.intersphinx",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb"}  # autosummary writes the first
exclude_patterns = ["_build", "_templates", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]
suppress_warnings = ["mystnb.unknown_mime_type"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
# what ran is kept for as long as the package stays as it is
_sources = sorted(Path(spikecast.__file__).parent.rglob("*.py"))
_state = sha256(b"".join(path.read_bytes() for path in _sources)).hexdigest()[:12]
nb_execution_cache_path = str(Path(__file__).parent / "_build" / "notebooks" / _state)
nb_execution_in_temp = True  # what pages write is not left beside them
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True

# names of other packages are links where the site is built with a network: SPIKECAST_DOCS_LINKS=1
_others = {
    "matplotlib": "https://matplotlib.org/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "python": "https://docs.python.org/3/",
    "sklearn": "https://scikit-learn.org/stable/",
    "xarray": "https://docs.xarray.dev/en/stable/",
}
_linked = os.environ.get("SPIKECAST_DOCS_LINKS") == "1"
intersphinx_mapping = {name: (place, None) for name, place in _others.items() if _linked}
intersphinx_disabled_reftypes = ["*"] if not _linked else ["std:doc"]

autosummary_generate = True
nitpicky = True  # a name that is written on a page must be one
autodoc_typehints = "none"  # types stand in the sections of numpydoc
numpydoc_show_class_members = False
python_maximum_signature_line_length = 90

html_theme = "pydata_sphinx_theme"
html_title = "spikecast"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_show_sphinx = False
html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"index": []}


def find_public_name(name: str) -> str:
    """Return the public spelling of what a docstring names by the module that holds it."""
    for public, module in spikecast.NAMES.items():
        if name == f"{module}.{public}" or name.startswith(f"{module}.{public}."):
            return f"spikecast.{public}{name.removeprefix(f'{module}.{public}')}"
    for public, module in spikecast.MODULES.items():
        if name.startswith(f"{module}."):
            last = name.rpartition(".")[2]
            if hasattr(import_module(module), last):
                return f"spikecast.{public}.{last}"
    return name


def resolve_inner_name(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Link what is public by its public name; what a docstring names of the inside stays text."""
    if node.get("refdomain") != "py":
        return None
    domain, target = env.get_domain("py"), node["reftarget"]
    if "." not in target and target in spikecast.__all__:
        target = f"spikecast.{target}"
    public, page = find_public_name(target), node["refdoc"]
    if public in domain.objects:
        return domain.resolve_xref(env, page, app.builder, "obj", public, node, contnode)
    return contnode if page.startswith("api/") else None


def leave_out(app: Any, what: str, name: str, obj: Any, skip: bool, settings: Any) -> bool:
    """Leave out what scikit-learn adds to every estimator."""
    return skip or (name.startswith("set_") and name.endswith("_request"))


def lead_within_the_site(app: Any, docname: str, source: list[str]) -> None:
    """Links to files outside docs lead to the pages that show them."""
    source[0] = source[0].replace("../benchmarks/RESULTS.md", "benchmarks.md")


def visit_math(self: Any, node: Any) -> None:
    """Equations as MathML: no script, no font, no network."""
    block = isinstance(node, nodes.math_block)
    try:
        text = str(tex2mathml(node.astext(), as_block=block))
    except MathError as error:
        raise ValueError(f"{node.astext()}: {error}") from error
    self.body.append(f'<div class="equation">{text}</div>' if block else text)
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register what is ours."""
    app.connect("missing-reference", resolve_inner_name)
    app.connect("autodoc-skip-member", leave_out)
    app.connect("source-read", lead_within_the_site)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
