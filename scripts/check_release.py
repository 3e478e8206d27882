"""Check that a release is ready: version, changelog, citation, archives.

    python scripts/check_release.py

Builds the wheel and the source archive in ``dist`` and prints the remaining manual steps.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import yaml

HOME = Path(__file__).resolve().parents[1]

VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")
HEADING = re.compile(r"^## \[(?P<name>.+?)\](?: - (?P<date>\S+))?$", re.MULTILINE)

ASSETS = "fewscape/assets/"
IN_WHEEL = (
    "fewscape/py.typed",
    *(f"{ASSETS}{name}/model.safetensors" for name in ("embedded", "ensemble")),
    f"{ASSETS}recipes/embedded.yaml",
    f"{ASSETS}manifests/aerial4-1shot.json",
    f"{ASSETS}naip_prairie/scene.tif",
)
IN_SOURCES = ("LICENSE", "CHANGELOG.md", "tests/conftest.py", "docs/design.md")
LARGEST_WHEEL = 30_000_000
"""Bytes."""


def check_texts(home: Path = HOME) -> tuple[str, list[str]]:
    """Return the version, and where changelog and citation disagree."""
    init = (home / "src" / "fewscape" / "__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "(.+?)"', init, re.MULTILINE)
    version = found[1] if found else ""
    problems = []
    if not VERSION.fullmatch(version):
        problems.append(f"the version '{version}' is not of the form 1.2.3")
    changelog = (home / "CHANGELOG.md").read_text("utf-8")
    headings = list(HEADING.finditer(changelog))
    names = [heading["name"] for heading in headings]
    if names[:2] != ["Unreleased", version]:
        problems.append(f"CHANGELOG.md: expected '## [Unreleased]', then '## [{version}] - DATE'")
    else:
        if changelog[headings[0].end() : headings[1].start()].strip():
            problems.append("CHANGELOG.md: there are changes under Unreleased; move them")
        if not _is_date(headings[1]["date"]):
            problems.append(f"CHANGELOG.md: the heading of {version} has no date")
    citation = yaml.safe_load((home / "CITATION.cff").read_text("utf-8"))
    if citation["version"] != version:
        problems.append(f"CITATION.cff: the version is {citation['version']}")
    if not _is_date(str(citation.get("date-released"))):
        problems.append("CITATION.cff: date-released is missing")
    return version, problems


def _is_date(text: str | None) -> bool:
    try:
        return bool(text) and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def check_checkout(version: str, home: Path = HOME) -> list[str]:
    """Uncommitted changes, and an existing tag."""
    problems = []
    if _ask_git(home, "status", "--porcelain"):
        problems.append("there are changes that are not committed")
    if _ask_git(home, "tag", "--list", f"v{version}"):
        problems.append(f"the tag v{version} exists already")
    return problems


def _ask_git(home: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=home, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def check_archives(folder: Path, version: str) -> list[str]:
    """What the wheel and the source archive lack, or contain wrongly."""
    wheel = folder / f"fewscape-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    problems = [f"the wheel lacks {name}" for name in IN_WHEEL if name not in inside]
    if not any(name.endswith("licenses/LICENSE") for name in inside):
        problems.append("the wheel lacks the licence")
    tops = {name.partition("/")[0] for name in inside}
    problems += [f"the wheel holds {top}" for top in sorted(tops) if not top.startswith("fewscape")]
    if wheel.stat().st_size > LARGEST_WHEEL:
        problems.append(f"the wheel has {wheel.stat().st_size / 1e6:.0f} MB")
    with tarfile.open(folder / f"fewscape-{version}.tar.gz") as sources:
        names = {name.partition("/")[2] for name in sources.getnames()}
    return problems + [
        f"the source archive lacks {name}" for name in IN_SOURCES if name not in names
    ]


def main() -> int:
    """Check everything; return 0 if the release is ready."""
    version, problems = check_texts()
    problems += check_checkout(version)
    dist = HOME / "dist"
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(HOME)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    problems += check_archives(dist, version)
    for problem in problems:
        print(f"not ready: {problem}")
    if not problems:
        print(f"fewscape {version} is ready in {dist.name}/; next: git tag v{version}, then upload")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
