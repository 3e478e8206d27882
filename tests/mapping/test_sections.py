"""A map does not depend on where the work began, who did it, or what came between."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.core import OutputError, ResultsError
from fewscape.mapping import (
    Journal,
    MapOptions,
    SceneMapper,
    assemble,
    make_shard,
    map_scene,
    plan_scene,
)
from fewscape.mapping.output.journal import join_runs, split_sections
from fewscape.mapping.windows.scene_mapper import cut_sections
from fewscape.raster import SceneReader, plan_windows
from tests.conftest import REPOSITORY
from tests.mapping.doubles import EdgeSegmenter
from tests.mapping.test_runner import patches
from tests.raster.rasters import write_raster

OPTIONS = MapOptions(resume=True, tags={"MODEL": "double"}, batch_size=3)


def read_all(folder):
    """The bytes of every file, but of the GeoPackage, which holds the time of its making."""
    found = {path.name: path.read_bytes() for path in folder.glob("*.tif")}
    assert found
    return found | {path.name: path.read_bytes() for path in folder.glob("*.png")}


def map_whole(path, folder, options=OPTIONS, segmenter=None, **progress):
    with SceneReader(path) as scene:
        return map_scene(scene, segmenter or EdgeSegmenter(), folder, options, **progress)


@given(
    st.integers(1, 400),
    st.integers(1, 90),
    st.sampled_from([(8, 1), (16, 4), (32, 8)]),
    st.floats(0, 0.9),
)
@settings(max_examples=80)
def test_sections_cover_every_row_once_and_know_their_windows(height, width, sizes, overlap):
    side, stride = sizes
    shared = min(max(round(overlap * side), stride), side - stride)
    grid = plan_windows(height, width, side, shared, stride)
    assert grid.bounds[0] == 0
    assert grid.bounds[-1] == height
    assert all(np.diff(grid.bounds) > 0)
    for section in range(len(grid.rows)):
        upper, lower = grid.bounds[section] - stride, grid.bounds[section + 1] + stride
        reaching = [at for at, row in enumerate(grid.rows) if row < lower and row + side > upper]
        assert list(grid.rows_for(section, section + 1)) == reaching


@given(
    height=st.integers(1, 150),
    width=st.integers(1, 60),
    count=st.integers(1, 7),
    batch_size=st.integers(1, 9),
    overlap=st.sampled_from([0.0, 0.25, 0.6]),
    halo=st.sampled_from([0, 4]),
    seed=st.integers(0, 99),
)
@settings(max_examples=25)
def test_shards_in_any_order_equal_one_run(
    tmp_path_factory, height, width, count, batch_size, overlap, halo, seed
):
    tmp_path = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 255, (3, height, width)).astype(np.uint8)
    data[:, : height // 3, width // 2 :] = 0
    path = write_raster(tmp_path / "scene.tif", data, nodata=0)
    options = MapOptions(overlap, batch_size, vectors=False, tags={"A": "B"}, resume=True)
    whole = map_whole(path, tmp_path / "whole", options, EdgeSegmenter(halo=halo))
    shards = [(number + 1, count) for number in range(count)]
    random.Random(seed).shuffle(shards)
    for shard in shards:
        with SceneReader(path) as scene:
            journal = make_shard(
                SceneMapper(scene, EdgeSegmenter(halo=halo), options), tmp_path / "parts", shard
            )
    assert journal.missing() == []
    merged = assemble(journal, tmp_path / "parts")
    assert read_all(tmp_path / "parts") == read_all(tmp_path / "whole")
    assert merged.valid_pixels == whole.valid_pixels
    assert merged.class_pixels == whole.class_pixels
    assert not list((tmp_path / "parts").glob(".fewscape-*"))


@given(st.data())
@settings(max_examples=60)
def test_strips_of_any_heights_are_cut_at_the_bounds(data):
    heights = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=8))
    total = sum(heights)
    inner = data.draw(st.lists(st.integers(1, max(1, total - 1)), max_size=5, unique=True))
    bounds = (0, *sorted(bound for bound in inner if bound < total), total)
    first = data.draw(st.integers(0, len(bounds) - 2))
    run = first, len(bounds) - 1
    rows = np.arange(total, dtype=np.uint8)[None, :, None].repeat(2, 0)
    starts = np.cumsum([0, *heights])
    strips = [
        (max(int(start), bounds[first]), rows[:, max(int(start), bounds[first]) : end])
        for start, end in itertools.pairwise(starts)
        if end > bounds[first]
    ]
    sections = cut_sections(iter(strips), bounds, run)
    for section in range(*run):
        found = np.concatenate(list(next(sections)), axis=1)
        assert np.array_equal(found, rows[:, bounds[section] : bounds[section + 1]])


class StopAfter(EdgeSegmenter):
    """Is interrupted at a batch."""

    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def __call__(self, windows, regions=None):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().__call__(windows, regions)


@pytest.mark.parametrize("batches", [0, 1, 4, 9])
def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path, batches):
    path = write_raster(tmp_path / "scene.tif", patches(180, 90))
    map_whole(path, tmp_path / "whole")
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        map_whole(path, out, segmenter=StopAfter(batches))
    assert not list(out.glob("*.tif"))
    again = EdgeSegmenter()
    told = []
    map_whole(path, out, segmenter=again, on_progress=told.append)
    assert read_all(out) == read_all(tmp_path / "whole")
    assert sum(told) == 180 * 90
    straight = EdgeSegmenter()
    map_whole(path, tmp_path / "other", segmenter=straight)
    assert sum(again.batches) <= sum(straight.batches)
    if batches == 9:
        assert sum(again.batches) < sum(straight.batches)
    assert not list(out.glob(".fewscape-*"))


FORKING = """
import os, sys, time
from tests.mapping.test_sections import EdgeSegmenter, OPTIONS, SceneReader, map_scene

class Slow(EdgeSegmenter):
    def __call__(self, windows, regions=None):
        time.sleep(0.004)
        return super().__call__(windows, regions)

while sys.stdin.readline():
    child = os.fork()
    if not child:
        with SceneReader(sys.argv[1]) as scene:
            map_scene(scene, Slow(), sys.argv[2], OPTIONS)
        os._exit(0)
    print(child, flush=True)
    sys.stdin.readline()  # until it is waited for, a finished process can still be killed
    print(os.waitpid(child, 0)[1], flush=True)
"""
"""Maps anew in a process of its own for every other line; importing takes longer than mapping."""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has neither fork nor SIGKILL")
def test_killed_twenty_times_at_random_moments(tmp_path):
    path = write_raster(tmp_path / "scene.tif", patches(900, 120))
    map_whole(path, tmp_path / "whole")
    out, rng = tmp_path / "out", random.Random(0)
    with subprocess.Popen(
        [sys.executable, "-c", FORKING, str(path), str(out)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as worker:
        for _ in range(20):
            print("map", file=worker.stdin, flush=True)
            child = int(worker.stdout.readline())
            time.sleep(rng.uniform(0.01, 0.25))
            assert_no_partial_file(out, tmp_path / "whole")
            os.kill(child, signal.SIGKILL)
            print("killed", file=worker.stdin, flush=True)
            worker.stdout.readline()
        worker.stdin.close()
    map_whole(path, out)
    assert read_all(out) == read_all(tmp_path / "whole")


def assert_no_partial_file(out, whole):
    """Whatever has its final name is complete."""
    for path in out.glob("*.tif"):
        assert path.read_bytes() == (whole / path.name).read_bytes()


def test_other_settings_and_another_scene_start_anew(tmp_path):
    path = write_raster(tmp_path / "scene.tif", patches())
    keys = set()

    def key_of(options=OPTIONS, segmenter=None):
        with SceneReader(path) as scene:
            one = segmenter or EdgeSegmenter()
            journal = make_shard(SceneMapper(scene, one, options), tmp_path / "out", (1, 50))
        return journal.plan.key

    keys.add(key_of())
    assert key_of() in keys
    keys.add(key_of(MapOptions(tags={"MODEL": "other"}, batch_size=3)))
    keys.add(key_of(MapOptions(tags=OPTIONS.tags, batch_size=4)))
    keys.add(key_of(MapOptions(tags=OPTIONS.tags, batch_size=3, overlap=0.5)))
    keys.add(key_of(segmenter=EdgeSegmenter(threshold=0.6)))
    write_raster(path, patches() + 1)
    keys.add(key_of())
    assert len(keys) == 6
    with pytest.raises(ResultsError, match="parts of two maps of 'scene'"):
        Journal.find(tmp_path / "out")


def test_a_damaged_part_is_made_anew(tmp_path):
    path = write_raster(tmp_path / "scene.tif", patches(180, 90))
    map_whole(path, tmp_path / "whole")
    with SceneReader(path) as scene:
        journal = make_shard(SceneMapper(scene, EdgeSegmenter(), OPTIONS), tmp_path / "out", (1, 1))
    part = sorted(journal.folder.glob("section-*"))[2]
    part.write_bytes(part.read_bytes()[:-3])
    with pytest.raises(OutputError, match=r"is damaged.*run the same command again"):
        assemble(journal, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.tif"))
    assert journal.missing() == [2]
    map_whole(path, tmp_path / "out")
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_a_damaged_plan_is_told(tmp_path):
    path = write_raster(tmp_path / "scene.tif", patches())
    with SceneReader(path) as scene:
        journal = make_shard(SceneMapper(scene, EdgeSegmenter(), OPTIONS), tmp_path / "out", (1, 2))
    (journal.folder / "plan.json").write_text('{"stem": 1}')
    with pytest.raises(ResultsError, match="is not a valid map plan"):
        Journal.find(tmp_path / "out")


def test_shares_are_contiguous_and_alike():
    for total in (1, 5, 16):
        for count in (1, 3, 20):
            shares = [split_sections(total, (number + 1, count)) for number in range(count)]
            sections = [section for share in shares for section in range(*share)]
            assert sections == list(range(total))
            lengths = [stop - first for first, stop in shares]
            assert max(lengths) - min(lengths) <= 1
    assert join_runs([]) == []


def test_the_polygons_of_a_resumed_map_are_those_of_the_whole(tmp_path):
    import pyogrio

    path = write_raster(tmp_path / "scene.tif", patches(180, 90))
    map_whole(path, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        map_whole(path, tmp_path / "out", segmenter=StopAfter(5))
    map_whole(path, tmp_path / "out")
    tables = [
        pyogrio.raw.read(tmp_path / name / "scene.gpkg", layer="polygons")
        for name in ("whole", "out")
    ]
    assert tables[0][2].tolist() == tables[1][2].tolist()
    for first, second in zip(tables[0][3], tables[1][3], strict=True):
        assert first.tolist() == second.tolist()


def test_a_section_that_only_skipped_windows_reach_has_no_data(tmp_path):
    data = patches(200, 60)
    data[:, 80:] = 0
    path = write_raster(tmp_path / "scene.tif", data, nodata=0)
    with SceneReader(path) as scene:
        grid = plan_scene(scene, EdgeSegmenter(), OPTIONS.overlap)
        last = len(grid.rows), len(grid.rows)
        journal = make_shard(SceneMapper(scene, EdgeSegmenter(), OPTIONS), tmp_path / "out", last)
        planes = np.concatenate(list(journal.read(len(grid.rows) - 1)), axis=1)
    assert (planes == 255).all()
    map_whole(path, tmp_path / "out")
    with rasterio.open(tmp_path / "out" / "scene_classes.tif") as written:
        assert (written.read(1)[100:] == 255).all()
