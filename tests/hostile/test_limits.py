"""Little space on the disk, and few open files."""

import hashlib
import resource
import subprocess
import sys

import pytest
import shapely

from tests.hostile.cases import map_words
from tests.hostile.invented import PLACE, paint, score, write_scene, write_vectors

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def run(words, limit=None, most=0):
    """The command in a process with a limit."""

    def restrict():
        if limit is not None:
            resource.setrlimit(limit, (most, most))

    command = [sys.executable, "-W", "ignore", "-m", "fewscape.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=restrict)


def hash_files(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix == ".tif"
    }


@pytest.mark.parametrize("most", [4_000, 30_000])
def test_a_full_disk_is_told_and_the_next_run_goes_on(tmp_path, most):
    scene, examples = write_scene(tmp_path / "s.tif"), write_vectors(tmp_path / "e.gpkg")
    words = map_words(tmp_path, scene, examples)
    done = run(words, resource.RLIMIT_FSIZE, most)
    assert done.returncode == 2, done.stderr
    assert "error: writing '" in done.stderr
    assert "left there; free some space" in done.stderr
    out = tmp_path / "out"
    assert not list(out.rglob("*draft*"))
    assert not [path for path in out.iterdir() if not path.name.startswith(".")]
    assert run(words).returncode == 0
    assert score(out / "s_classes.tif") > 0.9
    found = hash_files(out)
    assert run([*words[:5], tmp_path / "fresh", *words[6:]]).returncode == 0
    assert hash_files(tmp_path / "fresh") == found
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_many_scenes_and_classes_with_few_open_files(tmp_path):
    scenes = [write_scene(tmp_path / f"s{number}.tif", paint(number)) for number in range(12)]
    boxes = [shapely.box(col, row, col + 8, row + 8) for row in range(0, 90, 16) for col in (4, 80)]
    origin = (PLACE.c, PLACE.f)
    drawn = [shapely.transform(box, lambda at: at * (0.5, -0.5) + origin) for box in boxes]
    names = [f"kind {number}" for number in range(len(drawn))]
    examples = write_vectors(tmp_path / "e.gpkg", drawn, names)
    words = map_words(tmp_path, scenes[0], examples, "--no_styles")
    done = run([words[0], *scenes, *words[2:]], resource.RLIMIT_NOFILE, 64)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").glob("*_classes.tif"))) == 12
    assert len(list((tmp_path / "out").glob("*_prob.tif"))) == 12 * len(names)
