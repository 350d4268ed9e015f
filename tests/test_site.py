"""The site: every page is reached, every public name is in the API, links lead somewhere."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

import spikecast as sc

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(
    path
    for path in DOCS.rglob("*.md")
    if not {"_build", "generated"} & set(path.relative_to(DOCS).parts)
)
NEEDED = ("myst_nb", "numpydoc", "pydata_sphinx_theme", "sphinx", "sphinx_design")


def toctree_entries(page: Path) -> set[Path]:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    names = [line for block in blocks for line in block.split() if not line.startswith(":")]
    return {(page.parent / f"{name}.md").resolve() for name in names if not name.isdigit()}


def test_every_page_is_in_a_toctree():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting += toctree_entries(page) - reached
    assert reached == set(PAGES)


def test_every_public_name_is_in_the_api():
    text = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   spikecast\.([\w.]+)$", text, flags=re.MULTILINE))
    assert set(sc.NAMES) - listed == set()
    assert {name for name in sc.MODULES if f"{name}." not in text} == set()
    for module in ("analysis", "models", "simulate", "tasks", "report"):
        public = {f"{module}.{name}" for name in getattr(sc, module).__all__}
        assert {name for name in public - listed if name.split(".")[1] not in listed} == set()
    for name in listed:
        found = sc
        for part in name.split("."):
            found = getattr(found, part)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)[^)]*\)", re.sub(r"`[^`\n]*`", "", text))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((DOCS.parent / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["project"]["version"] == sc.__version__ == citation["version"]
    assert (Path(sc.__file__).parent / "py.typed").exists()


@pytest.mark.slow
@pytest.mark.skipif(not all(map(find_spec, NEEDED)), reason="the extra docs is not installed")
def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, tmp_path],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "spikecast" in (tmp_path / "index.html").read_text(encoding="utf-8")
