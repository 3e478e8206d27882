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


PATIENCE = 600.0
"""Seconds; ends what hangs, however busy the machine."""


class Waiting(EdgeSegmenter):
    """Does nothing before there is a file."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def __call__(self, windows, regions=None):
        end = time.monotonic() + PATIENCE
        while not self.file.exists() and time.monotonic() < end:
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


def make_opener(folder, awaited):
    """Runs in the workers: writes the process down; the small scene waits for a file, if any."""
    (folder / str(os.getpid())).touch()

    def open_mapper(path):
        waits = awaited is not None and path.endswith("small.tif")
        segmenter = Waiting(awaited) if waits else EdgeSegmenter()
        return SceneMapper(SceneReader(path), segmenter, OPTIONS)

    return open_mapper


def map_all(paths, tmp_path, cluster, on_progress, awaited=None):
    mappers = {path: SceneMapper(SceneReader(path), EdgeSegmenter(), OPTIONS) for path in paths}
    make = functools.partial(make_opener, tmp_path / "workers", awaited)
    return dict(map_with_ray(mappers, make, tmp_path / "out", cluster, on_progress))


def list_workers(folder):
    return {int(path.name) for path in folder.iterdir()} - {os.getpid()}


def test_scenes_and_parts_of_scenes_go_over_the_workers(given, tmp_path, cluster):
    done = []
    results = map_all(given, tmp_path, cluster, done.append)
    assert set(results) == set(given)
    assert list_workers(tmp_path / "workers")  # one may have done all before another was there
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")
    assert sum(done) == 900 * 90 + 100 * 140
    assert not list((tmp_path / "out").glob(".fewscape-*"))


def test_what_a_killed_worker_had_to_do_is_done_by_others(given, tmp_path, cluster):
    killed, awaited = [], tmp_path / "killed"

    def kill_first(pixels):
        workers = list_workers(tmp_path / "workers")
        if not killed and workers:
            killed.append(workers.pop())
            os.kill(killed[0], signal.SIGKILL)
            awaited.touch()  # before that, the small scene is not done

    results = map_all(given, tmp_path, cluster, kill_first, awaited)
    assert set(results) == set(given)
    assert killed
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
