import subprocess
import sys

import numpy as np
import pytest
import rasterio

from fewscape.core import ConfigError
from fewscape.mapping import (
    MapOptions,
    MemoryPlan,
    SceneMapper,
    estimate_map,
    map_scene,
    plan_scene,
)
from fewscape.raster import SceneReader
from tests.conftest import REPOSITORY
from tests.mapping.doubles import BandSegmenter
from tests.mapping.test_runner import patches
from tests.raster.rasters import write_raster


def make_plan(scene, limit=None, classes=("red", "green"), batch_size=8):
    segmenter = BandSegmenter(classes)
    windows = plan_scene(scene, segmenter)
    return MemoryPlan.make(scene, segmenter, windows, batch_size, limit)


@pytest.fixture
def scene(tmp_path):
    with SceneReader(write_raster(tmp_path / "scene.tif", patches(300, 500))) as opened:
        yield opened


def test_a_limit_is_kept_by_less_cache_and_smaller_batches(scene):
    segmenter = BandSegmenter(window=256)

    def make(limit):
        return MemoryPlan.make(scene, segmenter, plan_scene(scene, segmenter), 8, limit)

    free = make(None)
    assert make(free.total) == free
    cached, tight = make(250_000_000), make(215_000_000)
    assert (cached.batch_size, tight.batch_size < 8) == (8, True)
    assert cached.cache_bytes < free.cache_bytes
    for plan, limit in ((cached, 250_000_000), (tight, 215_000_000)):
        assert plan.total <= limit


def test_too_little_is_told_with_what_is_needed(scene):
    with pytest.raises(ConfigError, match=r"limit of 1 MB.*needs \d+ MB besides the network"):
        make_plan(scene, 10**6)


def test_memory_grows_with_the_width_and_not_with_the_height(tmp_path):
    totals = []
    for name, size in (("a", (200, 300)), ("tall", (2000, 300)), ("wide", (200, 3000))):
        data = np.zeros((3, *size), np.uint8)
        with SceneReader(write_raster(tmp_path / f"{name}.tif", data)) as scene:
            totals.append(make_plan(scene).costs.band)
    assert totals[0] == totals[1] < totals[2]


def test_a_map_under_a_limit_is_the_same(tmp_path, scene):
    for name, limit in (("free", None), ("tight", 85_000_000)):
        options = MapOptions(max_memory=limit, vectors=False)
        map_scene(scene, BandSegmenter(), tmp_path / name, options)
    for path in (tmp_path / "free").glob("*.tif"):
        assert path.read_bytes() == (tmp_path / "tight" / path.name).read_bytes()


def test_an_estimate_counts_windows_and_bytes(scene):
    segmenter = BandSegmenter()
    estimate = estimate_map(SceneMapper(scene, segmenter))
    assert estimate.windows == len(plan_scene(scene, segmenter))
    assert estimate.disk_bytes == 3 * 300 * 500
    assert estimate.seconds > 0
    assert sum(segmenter.batches) <= 48
    told = str(estimate)
    assert f"{estimate.windows} windows" in told
    assert "plus" in told


MEASURED = """
import pathlib, sys
from fewscape.raster import SceneReader
from fewscape.mapping import MapOptions, map_scene
from tests.mapping.doubles import BandSegmenter

def map_it(path, limit=None):
    options = MapOptions(overlap=0.1, vectors=False, preview=False, max_memory=limit)
    with SceneReader(path) as scene:
        map_scene(scene, BandSegmenter(["red"], window=256, stride=16), sys.argv[3], options)

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024

map_it(sys.argv[1])  # libraries, and what they set up once
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = peak()
map_it(sys.argv[2], int(sys.argv[4]))
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_measured_peak_keeps_a_limit_of_a_tenth_of_the_raster(tmp_path):
    height, width, limit = 72_960, 4096, 88_000_000
    small = write_raster(tmp_path / "small.tif", np.full((3, 64, 64), 200, np.uint8))
    large = tmp_path / "large.tif"
    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "compress": "deflate"}
    blocks = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    rows = np.random.default_rng(0).integers(0, 2, (3, 16, 256)) * np.uint8(255)
    rows = rows.repeat(16, axis=1).repeat(16, axis=2)
    with rasterio.open(large, "w", height=height, width=width, **profile, **blocks) as target:
        for row in range(0, height, 256):
            target.write(rows, window=((row, row + 256), (0, width)))
    assert 3 * height * width > 10 * limit
    words = [sys.executable, "-W", "ignore", "-c", MEASURED, small, large, tmp_path / "out", limit]
    done = subprocess.run(
        list(map(str, words)), cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert 0 < int(done.stdout) <= limit
