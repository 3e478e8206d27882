"""The wheel is whole: installed into an empty environment, it maps the demo's scenes."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from fewscape import __version__
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow


def call(*words, **more):
    """The output of a command that has to end well."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout; the network is not asked for anything."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, REPOSITORY)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment that holds the wheel alone, and sees what it needs of the running one.

    A line of a ``.pth`` file makes packages importable, but not those that are installed as
    editable: their own ``.pth`` files are read in the environment they lie in only.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    libraries = Path(call(python, "-c", "import site; print(site.getsitepackages()[0])").strip())
    options = ("--no-deps", "--no-index", "--no-compile", "--quiet")
    call(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel)
    (libraries / "needed.pth").write_text(sysconfig.get_paths()["purelib"])
    return python


def run(python, *words, folder):
    """Run the installed package: ``-I`` keeps the folder and PYTHONPATH out of the search."""
    kept = {"OMP_NUM_THREADS": "1", "FEWSCAPE_CACHE": str(folder / "cache")}
    return call(python, "-I", *words, cwd=folder, env=os.environ | kept)


def test_the_installed_package_is_the_wheel(environment, tmp_path):
    words = "import fewscape; print(fewscape.__version__, fewscape.__file__)"
    version, place = run(environment, "-c", words, folder=tmp_path).split()
    assert version == __version__
    assert Path(place).is_relative_to(environment.parents[1])
    script = environment.with_name("fewscape")
    assert call(script, "--version").split() == ["fewscape", __version__]


def test_it_holds_recipes_and_manifests(environment, tmp_path):
    words = """
from fewscape.core import list_packaged, packaged_folder
for kind in ("recipes", "manifests"):
    print(*list_packaged(kind), sep="\\n")
"""
    from fewscape.core import list_packaged

    expected = [*list_packaged("recipes"), *list_packaged("manifests")]
    assert run(environment, "-c", words, folder=tmp_path).split() == expected
    words = ("fit", "--config", "aerial4/mgcl", "--config", "aerial4/fold0", "--print_config")
    told = run(environment, "-m", "fewscape.cli.main", *words, folder=tmp_path)
    assert "held_out:\n  - building\n  - car" in told


def test_it_maps_the_demo(environment, tmp_path):
    words = ("demo", "--output", tmp_path / "demo", "--size", 512)
    told = run(environment, "-m", "fewscape.cli.main", *words, folder=tmp_path)
    assert "maximum likelihood" in told
    assert (tmp_path / "demo" / "demo.png").stat().st_size > 10_000
