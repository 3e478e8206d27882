from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import torch

from fewscape.core import ConfigError, ExamplesError, Policy, SceneError, Window
from fewscape.mapping import (
    MapOptions,
    PairMapper,
    PairMemory,
    PairScene,
    PairSegmenter,
    assemble,
    estimate_map,
    make_map,
    make_shard,
    read_pixel_examples,
)
from fewscape.mapping.pan_ms.pair_mapper import vote
from fewscape.models.dual_source import DualSource, DualSourceConfig
from fewscape.raster import NODATA, PanMsReader
from fewscape.regions import PanRegions
from fewscape.zoo import load
from tests.conftest import SHARED_DATA
from tests.mapping.pairs import MS_PLACE, to_ground, write_pair_files
from tests.raster.rasters import write_raster
from tests.raster.test_polygons import write_polygons

CPU = Policy.choose("cpu", "float32")
QUICK = MapOptions(vectors=False, preview=False)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DualSource(DualSourceConfig(width=16)).eval()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_pair_files(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def reader(files):
    with PanMsReader(files.pan, files.ms) as opened:
        yield opened


def read_map(folder, layer, stem="ms"):
    """Values, coordinate reference system, transform and tags."""
    with rasterio.open(folder / f"{stem}_{layer}.tif") as dataset:
        return dataset.read(1), (dataset.crs, dataset.transform, dataset.tags())


def test_tiles_with_their_halo_equal_the_scene(reader, network):
    """Section 13, test 12: the superpixels are the scene's, whatever the tiles."""
    tiled = PairScene(reader, network, CPU, tile=32)
    whole = PairScene(reader, network, CPU, tile=64)
    whole.regions = tiled.regions
    (alone,) = whole.load(whole.tiles())
    expected = whole.describe(alone)
    assert expected.shape == (64, 64, 16)
    for tile in tiled.load(tiled.tiles()):
        found = tiled.describe(tile)
        apart = (found - expected[tile.window.slices]).abs().amax(dim=2)
        assert apart.quantile(0.999) < 1e-5  # but for key regions whose ranks tie


def test_superpixels_do_not_depend_on_the_window(reader):
    regions = PanRegions(reader, (200.0, 4000.0), block=32)
    whole = regions.read(Window(0, 0, 64, 64))
    for window in (Window(10, 20, 30, 40), Window(32, 0, 32, 32)):
        part = regions.read(window)
        fine = Window(*(4 * side for side in window)).slices
        pairs = np.unique(np.stack([part.ravel(), whole[fine].ravel()]), axis=1)
        assert len(pairs[0]) == len(set(pairs[0].tolist())) == len(set(pairs[1].tolist()))
    for line in (4 * 32,):
        assert not set(whole[:line].ravel()) & set(whole[line:].ravel())
    sides = [np.ptp(np.argwhere(whole == number), axis=0).max() + 1 for number in range(20)]
    assert max(sides) <= 48


def test_polygons_and_points_teach(reader, files):
    examples = read_pixel_examples(files.examples, reader, buffer="0.5")
    assert examples.class_names == tuple(sorted(files.names))
    assert not examples.has_background
    found = files.labels[tuple(examples.pixels.T)]
    expected = [files.names.index(examples.class_names[own]) + 1 for own in examples.owners]
    assert found.tolist() == expected
    counts = np.bincount(examples.owners)
    assert (counts > 10).all()  # five polygons of four pixels that may meet, and a point
    few = read_pixel_examples(files.examples, reader, most=3)
    assert np.bincount(few.owners).tolist() == [3] * 8


def test_ground_of_two_classes_teaches_nothing(tmp_path, reader):
    def square(left, top, right, bottom):
        return shapely.transform(shapely.box(left, top, right, bottom), to_ground)

    shapes = [square(0, 0, 4, 4), square(2, 0, 6, 4), square(10, 10, 12, 12)]
    path = write_polygons(tmp_path / "a.gpkg", shapes, ["a", "b", "background"])
    examples = read_pixel_examples(path, reader)
    assert examples.class_names == ("background", "a", "b")
    assert examples.has_background
    assert np.bincount(examples.owners).tolist() == [4, 8, 8]
    assert set(examples.pixels[examples.owners == 1][:, 1]) == {0, 1}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a"], "have only one class, 'a'"),
        (["a", "ignore"], "have only one class, 'a'"),
    ],
)
def test_examples_of_one_class_are_refused(tmp_path, reader, names, message):
    shapes = [
        shapely.transform(shapely.box(9 * n, 0, 9 * n + 4, 4), to_ground) for n in range(len(names))
    ]
    path = write_polygons(tmp_path / "a.gpkg", shapes, names)
    with pytest.raises(ExamplesError, match=message):
        read_pixel_examples(path, reader)


def test_a_polygon_between_pixel_centres_is_told(tmp_path, reader):
    shapes = [
        shapely.transform(shapely.box(1.6, 1.6, 1.9, 1.9), to_ground),
        shapely.transform(shapely.box(9, 9, 12, 12), to_ground),
    ]
    path = write_polygons(tmp_path / "a.gpkg", shapes, ["tiny", "field"])
    with pytest.raises(ExamplesError, match=r"the class 'tiny' has no usable pixel in '.*'"):
        read_pixel_examples(path, reader)


@pytest.mark.parametrize("grid", ["pan", "ms"])
def test_every_file_of_a_map(tmp_path, reader, files, network, grid):
    scene = PairScene(reader, network, CPU, tile=32)
    segmenter = PairSegmenter(scene, read_pixel_examples(files.examples, reader))
    done = []
    options = MapOptions(tags={"MODEL": "mine"})
    mapper = PairMapper(reader, scene, segmenter, options, grid)
    result = make_map(mapper, tmp_path, done.append)
    layers = ["classes", "confidence", "margin"]
    expected = {f"ms_{layer}.{ending}" for layer in layers for ending in ("tif", "qml")}
    assert {path.name for path in result.files} == expected | {"ms_preview.png", "ms.gpkg"}
    assert sum(done) == result.pixels
    classes, (crs, transform, tags) = read_map(tmp_path, "classes")
    ratio = 4 if grid == "pan" else 1
    assert classes.shape == (64 * ratio, 64 * ratio)
    assert crs.to_epsg() == 32631
    assert transform.a == MS_PLACE.a / ratio
    assert tags["MODEL"] == "mine"
    assert set(np.unique(classes)) <= set(range(1, 9))
    assert result.pixels == result.valid_pixels == classes.size
    assert sum(result.class_pixels.values()) == classes.size
    confidence, margin = (read_map(tmp_path, layer)[0] for layer in ("confidence", "margin"))
    assert (margin <= confidence).all()
    assert confidence.min() > 254 / 8 - 1


def test_the_panchromatic_map_is_the_vote_of_each_superpixel(tmp_path, reader, files, network):
    scene = PairScene(reader, network, CPU, tile=32)
    segmenter = PairSegmenter(scene, read_pixel_examples(files.examples, reader))
    for grid in ("ms", "pan"):
        make_map(PairMapper(reader, scene, segmenter, QUICK, grid), tmp_path / grid)
    coarse, _ = read_map(tmp_path / "ms", "classes")
    fine, _ = read_map(tmp_path / "pan", "classes")
    regions = scene.regions.read(Window(0, 0, 64, 64))
    repeated = coarse.repeat(4, axis=0).repeat(4, axis=1)
    for number in range(0, regions.max() + 1, 7):
        own = regions == number
        assert fine[own].min() == fine[own].max() == np.bincount(repeated[own]).argmax()


def open_mapper(reader, files, network, **options):
    scene = PairScene(reader, network, CPU, tile=16)
    segmenter = PairSegmenter(scene, read_pixel_examples(files.examples, reader))
    return PairMapper(reader, scene, segmenter, MapOptions(vectors=False, resume=True, **options))


def read_rasters(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.tif")}


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_an_interrupted_map_goes_on_to_the_same_bytes(tmp_path, reader, files, network, rows):
    make_map(open_mapper(reader, files, network), tmp_path / "whole")
    calls = []

    def stop(pixels):
        calls.append(pixels)
        if len(calls) > rows + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_map(open_mapper(reader, files, network), tmp_path / "out", stop)
    assert not list((tmp_path / "out").glob("*.tif"))
    told = []
    make_map(open_mapper(reader, files, network), tmp_path / "out", told.append)
    assert told[0] == rows * 64 * 256  # finished rows of tiles, at 4 x 16 x 256 pixels
    assert read_rasters(tmp_path / "out") == read_rasters(tmp_path / "whole")
    assert not list((tmp_path / "out").glob(".fewscape-*"))


def test_shares_of_a_pair_equal_one_run(tmp_path, reader, files, network):
    make_map(open_mapper(reader, files, network), tmp_path / "whole")
    for shard in ((3, 3), (1, 3), (2, 3)):
        mapper = open_mapper(reader, files, network)
        journal = make_shard(mapper, tmp_path / "parts", shard)
    assemble(journal, tmp_path / "parts")
    assert read_rasters(tmp_path / "parts") == read_rasters(tmp_path / "whole")


def test_an_estimate_counts_tiles(reader, files, network):
    estimate = estimate_map(open_mapper(reader, files, network))
    assert estimate.windows == 16
    assert estimate.disk_bytes == 3 * 256 * 256
    assert estimate.seconds > 0


def test_a_limit_of_memory_makes_the_tiles_smaller(reader, files, network):
    limits = (None, 10**10, 10**9, 600_000_000)
    found = [PairMemory.make(reader, 64, limit) for limit in limits]
    assert [memory.tile for memory in found] == [256, 256, 128, 64]
    assert all(memory.total <= limit for memory, limit in zip(found[1:], limits[1:], strict=True))
    lean = PairMemory.make(reader, 64, 10**9, has_patches=False)
    assert lean.cache_bytes >= found[2].cache_bytes
    with pytest.raises(ConfigError, match=r"limit of 10 MB .* needs \d+ MB besides the network"):
        PairMemory.make(reader, 64, 10**7)
    with pytest.raises(ConfigError, match="limit of 10 MB"):
        open_mapper(reader, files, network, max_memory=10**7)


def test_invalid_pixels_have_no_vote():
    classes = np.array([[1, 2, 2, 5]])
    regions = np.array([[0, 0, 0, 1]], np.int32)
    valid = np.array([[True, False, False, True]])
    found, (mean,) = vote(classes, [np.array([[0.5, 0.9, 0.9, 0.1]])], regions, valid)
    assert found.tolist() == [[1, 1, 1, 5]]
    np.testing.assert_allclose(mean, [[0.5, 0.5, 0.5, 0.1]])


def test_pixels_without_data_stay_without(tmp_path, files, network):
    with rasterio.open(files.pan) as dataset:
        pan = dataset.read()
    pan[:, :64, :128] = 0
    dark = write_raster(tmp_path / "pan.tif", pan, nodata=0)
    with PanMsReader(dark, files.ms) as reader:
        scene = PairScene(reader, network, CPU, tile=32)
        examples = read_pixel_examples(files.examples, reader)
        assert not ((examples.pixels < (16, 32)).all(axis=1)).any()
        result = make_map(
            PairMapper(reader, scene, PairSegmenter(scene, examples)), tmp_path / "maps"
        )
    for layer in ("classes", "confidence", "margin"):
        values, _ = read_map(tmp_path / "maps", layer)
        assert (values[:64, :128] == NODATA).all()
        assert (values == NODATA).sum() == 64 * 128
    assert result.valid_pixels == 256 * 256 - 64 * 128


def test_a_pair_without_data_is_told(tmp_path, files, network):
    empty = write_raster(tmp_path / "pan.tif", np.zeros((1, 256, 256), np.uint16), nodata=0)
    with (
        PanMsReader(empty, files.ms) as reader,
        pytest.raises(SceneError, match="has no valid pixel"),
    ):
        PairScene(reader, network, CPU)


def test_a_network_for_another_ratio_is_told(reader):
    other = DualSource(DualSourceConfig(width=16, ratio=2))
    with pytest.raises(ConfigError, match=r"a ratio of 2 and 4 bands; '.*' have 4 and 4"):
        PairScene(reader, other, CPU)


ROTTERDAM = SHARED_DATA / "georef" / "spacenet_rotterdam"
SPOTS = {"trees": [(272, 32), (80, 215)], "grass": [(99, 167)], "dark roof": [(90, 262)]}
"""Rows and columns far from every drawn polygon, known by looking."""


@pytest.mark.skipif(not ROTTERDAM.is_dir(), reason="needs real imagery")
def test_a_real_pair_with_examples_drawn_by_hand(tmp_path):
    """SpaceNet Rotterdam at a ratio of 2, with the network that comes with the package."""
    model = load("embedded_pair2").pair
    drawn = Path(__file__).parent / "drawn" / "rotterdam.geojson"
    with PanMsReader(ROTTERDAM / "pan_0.5m_1.tif", ROTTERDAM / "ms_1.0m_1.tif") as reader:
        scene = PairScene(reader, model, CPU)
        examples = read_pixel_examples(drawn, reader)
        make_map(PairMapper(reader, scene, PairSegmenter(scene, examples), QUICK, "ms"), tmp_path)
    classes, _ = read_map(tmp_path, "classes", "ms_1.0m_1")
    found = classes[tuple(examples.pixels.T)] - 1
    assert (found == examples.owners).mean() > 0.9
    for name, spots in SPOTS.items():
        for spot in spots:
            assert examples.class_names[classes[spot] - 1] == name
