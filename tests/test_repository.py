"""What is committed: small, whole, readable, and free of places and machines."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

HOME = Path(__file__).resolve().parents[1]

LARGEST = 6_500_000
"""Bytes; the ensemble has 6.1 MB."""

TEXT = {".cff", ".cfg", ".geojson", ".json", ".md", ".py", ".toml", ".txt", ".yaml", ".yml", ""}

PLACES = re.compile(r"(?<![\w./])/(?:work|home|Users|root)/\w+")


def list_files() -> list[Path]:
    """All that git keeps."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z"], cwd=HOME, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := HOME / name).is_file()]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    return list_files()


@pytest.fixture(scope="module")
def texts(files) -> dict[str, str]:
    readable = [path for path in files if path.suffix in TEXT]
    return {path.relative_to(HOME).as_posix(): path.read_text("utf-8") for path in readable}


def test_files_are_small(files):
    large = {path.name: path.stat().st_size for path in files if path.stat().st_size > LARGEST}
    assert not large, "data and trained weights belong elsewhere"


def test_texts_end_with_one_newline(texts):
    wrong = [name for name, text in texts.items() if text and re.search(r"(?<!\n)\Z|\n\n\Z", text)]
    assert not wrong


def test_configurations_can_be_read(texts):
    readers = {".toml": tomllib.loads, ".json": json.loads, ".geojson": json.loads}
    readers |= dict.fromkeys([".yaml", ".yml", ".cff"], yaml.safe_load)
    for name, text in texts.items():
        if reader := readers.get(Path(name).suffix):
            try:
                reader(text)
            except (ValueError, yaml.YAMLError) as error:
                pytest.fail(f"{name}: {error}")


def test_no_file_names_a_place_of_one_machine(texts):
    places = {name: found.group() for name, text in texts.items() if (found := PLACES.search(text))}
    assert not places


OUTSIDE = re.compile(r"(?:\.\./)+shared/")


def test_documents_and_sources_name_nothing_outside_the_repository(texts):
    outside = [
        name
        for name, text in texts.items()
        if not name.startswith(("tests/", "benchmarks/results/")) and OUTSIDE.search(text)
    ]
    assert not outside


def test_versions_agree(texts):
    from fewscape import __version__

    assert yaml.safe_load(texts["CITATION.cff"])["version"] == __version__
    headings = re.findall(r"^## \[(.+?)\]", texts["CHANGELOG.md"], flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
