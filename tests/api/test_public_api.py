"""``import fewscape``: which names there are, and that they cost nothing before they are used."""

import subprocess
import sys

import pytest

import fewscape

NAMES = {
    *("load", "open_scene", "read_examples", "map_scene", "map_pan_ms", "evaluate", "reproduce"),
    "annotate",
    *("MapRequest", "MapResult", "FewscapeError", "__version__"),
}
HEAVY = ("torch", "numpy", "rasterio", "shapely", "scipy", "sklearn", "lightning", "matplotlib")


def imported_after(code):
    program = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_names():
    assert set(fewscape.__all__) == NAMES
    assert set(dir(fewscape)) >= NAMES
    for name in NAMES:
        assert getattr(fewscape, name) is not None


def test_importing_the_package_imports_nothing_heavy():
    modules = imported_after("import fewscape; dir(fewscape); fewscape.__version__")
    assert not modules & set(HEAVY)
    assert {name for name in modules if name.startswith("fewscape")} == {"fewscape"}


def test_a_request_needs_nothing_heavy():
    assert not imported_after("from fewscape import MapRequest") & set(HEAVY)


def test_unknown_names_are_told_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'fewscape' has no attribute 'map_scenes'"):
        _ = fewscape.map_scenes


def test_public_names_are_documented():
    for name in NAMES - {"__version__"}:
        assert len(getattr(fewscape, name).__doc__) > 20
