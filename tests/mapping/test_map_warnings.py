from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from fewscape.mapping import FinishedMap, LayerPlan, MapOptions, MapPlan, OutputOptions, map_scene
from fewscape.mapping.map_warnings import list_warnings
from fewscape.raster import Georeference, SceneReader
from tests.mapping.doubles import BandSegmenter
from tests.raster.rasters import ramp, write_raster

PLAN = MapPlan(
    stem="town",
    sources=[],
    grid=Georeference(10, 10, Affine.identity(), None),
    class_names=("road", "roof"),
    layers=(LayerPlan("road_prob", ""), LayerPlan("roof_prob", "")),
    scores=(0, 1),
    colours=((1, 2, 3), (4, 5, 6)),
    settings={"threshold": None},
    bounds=(0, 10),
    tags={"SCENE": "town.tif", "EXAMPLES": "a.gpkg"},
)
WITH_THRESHOLD = replace(PLAN, settings={"threshold": 0.5})
SUPERVISED = replace(PLAN, tags={"SCENE": "town.tif"})


def warn(plan, road, roof, peaks=None):
    peaks = {"road": 0.997, "roof": 0.417} if peaks is None else peaks
    result = FinishedMap((Path(),), 1000, 900, {"road": road, "roof": roof}, 1.0, peaks)
    return list_warnings(plan, result)


def test_ordinary_maps_have_no_warnings():
    assert warn(PLAN, 882, 18) == []
    assert warn(PLAN, 300, 1) == []


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (PLAN, "if it is there, draw more polygons of it"),
        (
            WITH_THRESHOLD,
            "if it is there, map with --threshold 0.41 or less, or draw more polygons of it",
        ),
        (
            replace(PLAN, outputs=OutputOptions(min_area=9)),
            "if it is there, draw more polygons of it, or lower --min_area",
        ),
        (
            SUPERVISED,
            "if this is wrong, compare bands, --scale and pixel size with those of the training "
            "images",
        ),
    ],
)
def test_a_class_that_came_out_empty(plan, told):
    start = "no pixel of 'town.tif' was mapped as 'roof'; its largest probability is 0.42; "
    assert warn(plan, 300, 0) == [start + told]


def test_no_threshold_is_named_that_would_map_everything():
    (told,) = warn(WITH_THRESHOLD, 300, 0, {"roof": 0.004})
    assert "its largest probability is 0.00; if it is there, draw more polygons of it" in told
    (told,) = warn(WITH_THRESHOLD, 300, 0, {})  # pairs have no raster for each class
    assert told.startswith("no pixel of 'town.tif' was mapped as 'roof'; if it is there")


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (
            PLAN,
            "if this is too much, draw other ground, as 'background' or as other classes",
        ),
        (
            WITH_THRESHOLD,
            "if this is too much, draw other ground, as 'background' or as other "
            "classes, or raise --threshold",
        ),
        (SUPERVISED, "if this is wrong, compare bands"),
    ],
)
def test_a_class_that_covers_nearly_all(plan, told):
    (found,) = warn(plan, 890, 1)
    assert found.startswith(
        "'road' covers 98.9% of the valid pixels of 'town.tif' with probabilities up to 1.00; "
    )
    assert told in found


def test_a_scene_without_any_class_warns_of_each():
    empty = FinishedMap((), 100, 100, {"road": 0, "roof": 0}, 1.0, {})
    assert [told.startswith("no pixel of") for told in list_warnings(PLAN, empty)] == [True, True]


def test_a_map_tells_the_largest_probability_of_each_class(tmp_path):
    data = np.zeros((3, 70, 90), np.uint8)
    data[0, 8:16, 8:16] = 102
    data[1] = ramp(70, 90, 1)[0] // 2
    data[:, :20, 40:] = 255  # no data
    path = write_raster(tmp_path / "scene.tif", data, nodata=255)
    with SceneReader(path) as scene:
        result = map_scene(scene, BandSegmenter(stride=1), tmp_path, MapOptions(preview=False))
    seen = data[1][data[1] < 255].max() / 255
    assert result.class_peaks == pytest.approx({"red": 0.4, "green": seen}, abs=0.01)
    assert result.class_pixels["red"] == 0
