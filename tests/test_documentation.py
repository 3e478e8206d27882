"""The documentation builds without warnings, asks nothing of the web, and lacks no page or key."""

import re
import subprocess
import sys

import pytest

from fewscape.models import FewShotModel, SemanticModel
from scripts.recipe_keys import SECTIONS
from tests.conftest import REPOSITORY

pytest.importorskip("mkdocs")
pytest.importorskip("latex2mathml")
pytest.importorskip("nbclient")

LOADED = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(https?:)?//[^"]*"')


@pytest.fixture(scope="module")
def site(tmp_path_factory, notebook_runs):
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.html")
    }


@pytest.mark.slow
def test_the_site_builds_and_loads_nothing_from_elsewhere(site):
    assert {"index.html", "tutorial.html", "reference/commands.html"} <= site.keys()
    assert not {name: found[0] for name, page in site.items() if (found := LOADED.search(page))}


@pytest.mark.slow
def test_notebooks_are_pages_with_their_pictures(site):
    page = site["notebooks/first_map.html"]
    assert 'src="first_map_2.png"' in page
    assert "IoU" in page


@pytest.mark.slow
def test_every_key_of_a_recipe_has_a_meaning(site):
    page = site["reference/recipe_keys.html"]
    assert "episodes_per_epoch" in page
    assert "arithmatex" not in site["methods/mgcl.html"]
    empty = re.findall(
        r"<tr>\s*<td><code>(\w+)</code></td>(?:\s*<td>.*?</td>){2}\s*<td></td>", page
    )
    assert not empty


def test_every_network_is_among_the_recipe_keys():
    named = {name.rpartition(".")[2] for names in SECTIONS.values() for name in names}
    ours = [
        each
        for base in (FewShotModel, SemanticModel)
        for each in base.__subclasses__()
        if each.__module__.startswith("fewscape.models.") and not each.__subclasses__()
    ]
    assert {each.__name__ for each in ours} <= named


def test_the_readme_is_short():
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= 120
