"""What users of neighbouring projects complain of, each as a test.

Memory that grows with the scene, or a limit that is not kept: ``tests/mapping/test_memory.py``, and
``benchmarks/scene_large.py`` on a scene of 28,672 x 28,672 pixels. Scenes of all shapes, parts in
any order, kills: ``tests/mapping/test_sections.py``. No estimate before a long run:
``tests/cli/test_map_long.py``. Masks, NaN, alpha, degrees, turned scenes, bands by name, drift:
``tests/cli/test_map_inputs.py`` and ``tests/raster``. What is left stands here.
"""

import contextlib
import threading

import numpy as np
import pyogrio
import pytest
import rasterio

from fewscape.core import ConfigError, Policy, Window
from fewscape.datasets import FolderDataset, choose_areas
from fewscape.datasets.stretch import RgbScaler
from fewscape.evaluation import SemanticOptions, evaluate_semantic
from fewscape.mapping import MapOptions, SceneMapper, SemanticSegmenter, make_map, map_scene
from fewscape.raster import SceneReader
from tests.datasets.invented import write_dataset
from tests.evaluation.test_semantic import NAMES, ColourModel
from tests.mapping.doubles import BandSegmenter, EdgeSegmenter
from tests.mapping.test_runner import patches
from tests.raster.rasters import noise, write_raster


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset


def test_no_file_for_each_window_and_no_more_disk_than_the_map(tmp_path):
    """segment-geospatial 299: 200 GB of temporary tiles."""
    path = write_raster(tmp_path / "scene.tif", noise(900, 700))
    out, most, files, is_done = tmp_path / "out", [], [], threading.Event()

    def look(pixels=0):
        with contextlib.suppress(FileNotFoundError):  # files go while they are listed
            sizes = [file.stat().st_size for file in out.rglob("*") if file.is_file()]
            most.append(sum(sizes))
            files.append(len(sizes))

    def watch():
        while not is_done.wait(0.002):
            look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with SceneReader(path) as scene:
        mapper = SceneMapper(scene, EdgeSegmenter(), MapOptions(preview=False, resume=True))
        make_map(mapper, out, on_progress=look)
    is_done.set()
    watcher.join()
    assert mapper.num_windows > 900
    assert len(most) > 20
    assert max(files) <= mapper.plan.num_sections + 12  # the plan, and the map's own files
    assert max(most) <= 2.5 * 3 * 900 * 700  # journal, rasters, and their reduced copies


@pytest.mark.parametrize("overlap", [0.0, 0.25])
def test_no_overlap_is_no_reason_for_gaps(tmp_path, overlap):
    """torchgeo 1991: an overlap of 0 switched the blending off."""
    path = write_raster(tmp_path / "scene.tif", np.full((3, 130, 97), 200, np.uint8))
    with SceneReader(path) as scene:
        map_scene(scene, BandSegmenter(["red"]), tmp_path / "out", MapOptions(overlap))
    assert (read(tmp_path / "out" / "scene_classes.tif")[0] == 1).all()
    assert (read(tmp_path / "out" / "scene_red_prob.tif")[0] == round(200 / 255 * 254)).all()


def test_more_classes_than_a_byte_holds_are_refused(tmp_path):
    """torchgeo 1991: labels over 255 were cut off."""
    path = write_raster(tmp_path / "scene.tif", patches())
    many = BandSegmenter([f"class {number}" for number in range(255)])
    with SceneReader(path) as scene, pytest.raises(ConfigError, match="255 classes do not fit"):
        map_scene(scene, many, tmp_path / "out")


def test_training_and_mapping_scale_an_image_alike(tmp_path):
    """torchgeo 1991: the data module normalised, the plain loader did not."""
    data = np.random.default_rng(0).integers(0, 4000, (3, 300, 200)).astype(np.uint16)
    with SceneReader(write_raster(tmp_path / "scene.tif", data)) as scene:
        mapped, _ = scene.read(Window(40, 50, 64, 64))
    part = data[:, 40:104, 50:114]
    trained = RgbScaler()("scene", part, lambda: data)
    assert np.abs(trained / 255 - mapped).max() <= 0.5 / 255 + 1e-6


def test_dark_and_bright_windows_of_a_scene_are_scaled_alike(tmp_path):
    """geoai and samgeo decide by each tile's own maximum."""
    data = np.random.default_rng(0).integers(0, 300, (3, 200, 400)).astype(np.uint16)
    data[:, :, 200:] += 3000
    data[:, 50, [20, 220]] = 1234
    with SceneReader(write_raster(tmp_path / "scene.tif", data)) as scene:
        dark, bright = (scene.read(Window(0, col, 100, 100))[0] for col in (0, 200))
    assert np.array_equal(dark[:, 50, 20], bright[:, 50, 20])


def test_evaluation_and_maps_show_the_same(tmp_path):
    """terratorch 730: validation ran on other tiles than prediction."""
    dataset = FolderDataset(write_dataset(tmp_path / "towns", 1, (150, 170)))
    policy = Policy.choose("cpu", "float32")
    segmenter = SemanticSegmenter(ColourModel(), NAMES, policy, 32)
    options = SemanticOptions(predictions=tmp_path / "predictions")
    evaluate_semantic(segmenter, dataset, choose_areas(dataset, ["*"], {}), options)
    with SceneReader(tmp_path / "towns" / "images" / "000.png") as scene:
        map_scene(scene, segmenter, tmp_path / "maps")
    evaluated, _ = read(tmp_path / "predictions" / "000.png")
    classes, _ = read(tmp_path / "maps" / "000_classes.tif")
    numbers = np.array(list(dataset.classes))
    assert np.array_equal(evaluated, numbers[classes - 1])


def test_black_roofs_survive_where_black_means_no_data(tmp_path):
    """TerraTorch: a pixel was left out as soon as one of its bands was 0."""
    data = np.full((3, 64, 64), 200, np.uint8)
    data[1:, 20:40, 20:40] = 0
    data[:, 50:] = 0
    path = write_raster(tmp_path / "scene.tif", data, nodata=0)
    with SceneReader(path) as scene:
        map_scene(scene, BandSegmenter(["red"]), tmp_path / "out")
    classes, _ = read(tmp_path / "out" / "scene_classes.tif")
    assert (classes[:46] == 1).all()
    assert (classes[50:] == 255).all()


def test_a_nodata_value_that_no_byte_holds_becomes_one_that_it_does(tmp_path):
    """Copied into the profile of a uint8 map, -9999 is no value."""
    data = np.full((3, 64, 64), 0.8, np.float32)
    data[:, :, 40:] = -9999
    path = write_raster(tmp_path / "scene.tif", data, nodata=-9999)
    with SceneReader(path) as scene:
        map_scene(scene, BandSegmenter(["red"]), tmp_path / "out")
    classes, dataset = read(tmp_path / "out" / "scene_classes.tif")
    assert dataset.nodata == 255
    assert ((classes == 255) == (data[0] == -9999)).all()


def test_polygons_tell_where_they_come_from(tmp_path):
    """segment-geospatial 543: polygons without attributes."""
    path = write_raster(tmp_path / "scene.tif", patches())
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(TIFFTAG_DATETIME="2021:06:05 10:20:30")
    with SceneReader(path) as scene:
        map_scene(scene, BandSegmenter(), tmp_path / "out", MapOptions(tags={"MODEL": "mine"}))
    meta, _, _, values = pyogrio.raw.read(tmp_path / "out" / "scene.gpkg", layer="polygons")
    first = {name: column[0] for name, column in zip(meta["fields"], values, strict=True)}
    assert first["class"] in ("red", "green")
    assert 0 < first["score"] <= 1
    assert first["area_m2"] > 0
    assert first["perimeter_m"] > 0
    assert (first["scene"], first["model"]) == ("scene.tif", "mine")
    assert first["date"] == np.datetime64("2021-06-05")
