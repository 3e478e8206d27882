"""Maps on a real Ray cluster of this machine equal those of one process."""

import functools
import os
import signal
import time

import pytest

from fewscape.raster import SceneReader
from fewscape.scene import MapOptions, RayOptions, map_scene, map_with_ray
from tests.raster.rasters import write_raster
from tests.scene.doubles import EdgeSegmenter
from tests.scene.test_runner import patches
from tests.scene.test_sections import read_all

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.filterwarnings("ignore")]
OPTIONS = MapOptions(resume=True, tags={"MODEL": "double"}, batch_size=3)


class Noting(EdgeSegmenter):
    """Writes its process down, and takes its time."""

    def __init__(self, folder, seconds):
        super().__init__()
        (folder / str(os.getpid())).touch()
        self.seconds = seconds

    def __call__(self, windows, regions=None):
        time.sleep(self.seconds)
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


def map_all(paths, make, out, options, cluster):
    return dict(map_with_ray(paths, EdgeSegmenter(), make, SceneReader, out, options, cluster))


def list_workers(folder):
    return {int(path.name) for path in folder.iterdir()} - {os.getpid()}


def test_scenes_and_parts_of_scenes_go_over_the_workers(given, tmp_path, cluster):
    done = []
    options = MapOptions(resume=True, tags=OPTIONS.tags, batch_size=3, progress=done.append)
    make = functools.partial(Noting, tmp_path / "workers", 0.0)
    out = tmp_path / "out"
    results = map_all(given, make, out, options, cluster)
    assert set(results) == set(given)
    assert len(list_workers(tmp_path / "workers")) == 2
    assert read_all(out) == read_all(tmp_path / "whole")
    assert sum(done) == 900 * 90 + 100 * 140
    assert not list(out.glob(".fewscape-*"))


def test_a_worker_that_is_killed_is_replaced(given, tmp_path, cluster):
    make = functools.partial(Noting, tmp_path / "workers", 0.05)
    killed = []

    def kill_first(pixels):
        workers = list_workers(tmp_path / "workers")
        if not killed and workers:
            killed.append(workers.pop())
            os.kill(killed[0], signal.SIGKILL)

    options = MapOptions(resume=True, tags=OPTIONS.tags, batch_size=3, progress=kill_first)
    results = dict(
        map_with_ray(given, EdgeSegmenter(), make, SceneReader, tmp_path / "out", options, cluster)
    )
    assert set(results) == set(given)
    assert killed
    assert len(list_workers(tmp_path / "workers")) > 2
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_a_lost_driver_goes_on(given, tmp_path, cluster):
    make = functools.partial(Noting, tmp_path / "workers", 0.0)

    def stop(pixels):
        raise KeyboardInterrupt

    options = MapOptions(resume=True, tags=OPTIONS.tags, batch_size=3, progress=stop)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        map_all(given, make, out, options, cluster)
    assert len(list(out.glob(".fewscape-tall-*/section-*"))) > 0
    again = []
    options = MapOptions(resume=True, tags=OPTIONS.tags, batch_size=3, progress=again.append)
    assert (
        len(dict(map_with_ray(given, EdgeSegmenter(), make, SceneReader, out, options, cluster)))
        == 2
    )
    assert sum(again) < 900 * 90 + 100 * 140
    assert read_all(out) == read_all(tmp_path / "whole")
