"""Maps on a real Ray cluster of this machine equal those of one process."""

import functools
import os
import signal
import time

import pytest

from fewscape.mapping import MapOptions, RayOptions, SceneMapper, map_scene, map_with_ray
from fewscape.raster import SceneReader
from tests.mapping.doubles import EdgeSegmenter
from tests.mapping.test_runner import patches
from tests.mapping.test_sections import read_all
from tests.raster.rasters import write_raster

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.filterwarnings("ignore")]
OPTIONS = MapOptions(resume=True, tags={"MODEL": "double"}, batch_size=3)


class Noting(EdgeSegmenter):
    """Writes its process down, takes its time, and waits until so many of them are there."""

    def __init__(self, folder, seconds, together):
        super().__init__()
        (folder / str(os.getpid())).touch()
        self.folder, self.seconds, self.together = folder, seconds, together

    def __call__(self, windows, regions=None):
        time.sleep(self.seconds)
        end = time.monotonic() + 60
        while len(list(self.folder.iterdir())) < self.together and time.monotonic() < end:
            time.sleep(0.01)
        return super().__call__(windows, regions)


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    yield RayOptions(workers=2)
    ray.shutdown()


@pytest.fixture
def given(tmp_path):
    """Two scenes, and their maps by one process."""
    paths = [
        write_raster(tmp_path / "tall.tif", patches(900, 90)),
        write_raster(tmp_path / "small.tif", patches(100, 140)),
    ]
    for path in paths:
        with SceneReader(path) as scene:
            map_scene(scene, EdgeSegmenter(), tmp_path / "whole", OPTIONS)
    (tmp_path / "workers").mkdir()
    return [str(path) for path in paths]


def make_opener(folder, seconds, together):
    """Runs in the workers."""
    segmenter = Noting(folder, seconds, together)
    return lambda path: SceneMapper(SceneReader(path), segmenter, OPTIONS)


def map_all(paths, tmp_path, cluster, on_progress, seconds=0.0, together=1):
    mappers = {path: SceneMapper(SceneReader(path), EdgeSegmenter(), OPTIONS) for path in paths}
    make = functools.partial(make_opener, tmp_path / "workers", seconds, together)
    return dict(map_with_ray(mappers, make, tmp_path / "out", cluster, on_progress))


def list_workers(folder):
    return {int(path.name) for path in folder.iterdir()} - {os.getpid()}


def test_scenes_and_parts_of_scenes_go_over_the_workers(given, tmp_path, cluster):
    done = []
    results = map_all(given, tmp_path, cluster, done.append, together=2)
    assert set(results) == set(given)
    assert len(list_workers(tmp_path / "workers")) == 2
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")
    assert sum(done) == 900 * 90 + 100 * 140
    assert not list((tmp_path / "out").glob(".fewscape-*"))


def test_a_worker_that_is_killed_is_replaced(given, tmp_path, cluster):
    killed = []

    def kill_first(pixels):
        workers = list_workers(tmp_path / "workers")
        if not killed and workers:
            killed.append(workers.pop())
            os.kill(killed[0], signal.SIGKILL)

    results = map_all(given, tmp_path, cluster, kill_first, seconds=0.05)
    assert set(results) == set(given)
    assert killed
    assert len(list_workers(tmp_path / "workers")) > 2
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_a_lost_driver_goes_on(given, tmp_path, cluster):
    def stop(pixels):
        if pixels:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_all(given, tmp_path, cluster, stop)
    kept = list((tmp_path / "out").glob(".fewscape-tall-*/section-*"))
    assert len(kept) > 0
    told = []
    assert len(map_all(given, tmp_path, cluster, told.append)) == 2
    assert max(told) >= len(kept)  # at once, what was there
    assert sum(told) == 900 * 90 + 100 * 140
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")
