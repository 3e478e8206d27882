"""The check of a release finds what would go out wrong, and the floors can be listed."""

import shutil
import tarfile
import zipfile

import pytest

from scripts.check_release import HOME, IN_SOURCES, IN_WHEEL, check_archives, check_texts
from scripts.floors import list_floors

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n\n- All.\n"
CITATION = "version: 1.2.3\ndate-released: '2026-01-31'\n"


def write(folder, version="1.2.3", changelog=CHANGELOG, citation=CITATION):
    (folder / "src" / "fewscape").mkdir(parents=True)
    (folder / "src" / "fewscape" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (folder / "CHANGELOG.md").write_text(changelog)
    (folder / "CITATION.cff").write_text(citation)
    return folder


def test_texts_that_agree_are_ready(tmp_path):
    assert check_texts(write(tmp_path)) == ("1.2.3", [])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": "1.2"}, "the version '1.2' is not of the form 1.2.3"),
        ({"version": "1.2.4"}, "expected '## [Unreleased]', then '## [1.2.4] - DATE'"),
        ({"changelog": CHANGELOG.replace("\n\n## [1", "\n- New\n\n## [1")}, "move them"),
        ({"changelog": CHANGELOG.replace(" - 2026-01-31", "")}, "the heading of 1.2.3 has no date"),
        ({"citation": CITATION.replace("1.2.3", "1.2.2")}, "CITATION.cff: the version is 1.2.2"),
        ({"citation": "version: 1.2.3\n"}, "date-released is missing"),
    ],
)
def test_texts_that_disagree_are_named(tmp_path, change, problem):
    _, problems = check_texts(write(tmp_path, **change))
    assert any(problem in each for each in problems)


def write_archives(folder, wheel, sources):
    with zipfile.ZipFile(folder / "fewscape-1.2.3-py3-none-any.whl", "w") as archive:
        for name in wheel:
            archive.writestr(name, "")
    with tarfile.open(folder / "fewscape-1.2.3.tar.gz", "w:gz") as archive:
        for name in sources:
            archive.addfile(tarfile.TarInfo(f"fewscape-1.2.3/{name}"))


def test_archives_are_checked(tmp_path):
    licence = "fewscape-1.2.3.dist-info/licenses/LICENSE"
    write_archives(tmp_path, [*IN_WHEEL, licence], IN_SOURCES)
    assert check_archives(tmp_path, "1.2.3") == []
    write_archives(tmp_path, [*IN_WHEEL[1:], "tests/conftest.py"], IN_SOURCES[1:])
    assert check_archives(tmp_path, "1.2.3") == [
        f"the wheel lacks {IN_WHEEL[0]}",
        "the wheel lacks the licence",
        "the wheel holds tests",
        f"the source archive lacks {IN_SOURCES[0]}",
    ]


def test_every_dependency_has_a_floor(tmp_path):
    floors = list_floors()
    assert {"torch", "timm", "ray", "numpy"} <= floors.keys()
    assert "pytest" not in floors
    changed = tmp_path / "pyproject.toml"
    shutil.copy(HOME / "pyproject.toml", changed)
    changed.write_text(changed.read_text().replace('"torch>=', '"torch!='))
    with pytest.raises(ValueError, match=r"'torch!=.*' has no floor"):
        list_floors(changed)
