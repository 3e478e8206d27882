"""Files of labelme and COCO as examples."""

import json

import numpy as np
import pytest
import shapely

from fewscape.core import ExamplesError
from fewscape.mapping import DrawnOn, read_annotations
from fewscape.raster import SceneReader, read_polygons
from tests.raster.rasters import write_raster

TRIANGLE = [[1, 2], [9, 2], [5, 8]]

LABELME = {
    "version": "5.5.0",
    "imagePath": "scene.tif",
    "imageHeight": 40,
    "imageWidth": 60,
    "shapes": [
        {"label": "roof", "points": TRIANGLE, "shape_type": "polygon"},
        {"label": "roof", "points": [[30, 25], [20, 10]], "shape_type": "rectangle"},
        {"label": "tank", "points": [[40, 20], [44, 23]], "shape_type": "circle"},
        {"label": "road", "points": [[0, 35], [50, 35]], "shape_type": "linestrip"},
        {"label": "tree", "points": [[3, 30]], "shape_type": "point"},
        {"label": "roof", "points": [[1, 1], [5, 5]], "shape_type": "mask", "mask": "iVBOR"},
    ],
}

COCO = {
    "images": [
        {"id": 7, "file_name": "a/scene.jpg", "width": 60, "height": 40},
        {"id": 8, "file_name": "a/other.jpg", "width": 60, "height": 40},
    ],
    "categories": [{"id": 1, "name": "roof"}, {"id": 2, "name": "road"}],
    "annotations": [
        {"image_id": 7, "category_id": 1, "segmentation": [[1, 2, 9, 2, 5, 8]], "iscrowd": 0},
        {
            "image_id": 7,
            "category_id": 2,
            "segmentation": [[20, 10, 30, 10, 30, 25, 20, 25], [40, 0, 50, 0, 50, 5]],
        },
        {"image_id": 7, "category_id": 2, "segmentation": {"counts": [3, 4], "size": [40, 60]}},
        {"image_id": 8, "category_id": 2, "segmentation": [[0, 0, 5, 0, 5, 5]]},
    ],
}


def write(folder, told, name="drawn.json"):
    path = folder / name
    path.write_text(json.dumps(told))
    return path


def test_shapes_of_labelme(tmp_path):
    found = read_polygons(write(tmp_path, LABELME))
    assert found.are_pixels
    assert sorted(found.names) == ["road", "roof", "roof", "tank", "tree"]
    shapes = dict(zip(found.names, found.geometries, strict=True))
    assert shapes["roof"].equals(shapely.box(20, 10, 30, 25))
    assert found.geometries[0].equals(shapely.Polygon(TRIANGLE))
    assert shapes["tank"].area == pytest.approx(np.pi * 25, rel=0.01)
    assert shapes["tank"].centroid.equals_exact(shapely.Point(40, 20), 1e-6)
    assert shapes["road"].geom_type == "LineString"
    assert shapes["tree"].geom_type == "Point"
    assert found.notes == ("1 annotations of 'drawn.json' have no outline, only a mask or box",)


def test_outlines_of_coco(tmp_path):
    path = write(tmp_path, COCO)
    found = read_polygons(path, layer="scene.tif")
    assert sorted(found.names) == ["road", "road", "roof"]
    assert found.geometries[0].equals(shapely.Polygon(TRIANGLE))
    assert sum(shape.area for shape in found.geometries[1:]) == 150 + 25
    assert read_polygons(path, layer="other.jpg").names == ("road",)
    with pytest.raises(ExamplesError, match=r"of 2 images: a/scene.jpg.*name the image"):
        read_polygons(path)
    with pytest.raises(ExamplesError, match="know no image 'elsewhere'"):
        read_polygons(path, layer="elsewhere")


def test_pixels_are_those_of_the_scene_wherever_it_lies(tmp_path):
    pixels = np.zeros((3, 40, 60), np.uint8)
    path = write_raster(tmp_path / "scene.tif", pixels)
    with SceneReader(path, None) as scene:
        drawn = read_annotations(write(tmp_path, LABELME), DrawnOn(path, scene.grid))
    (first, second) = sorted(drawn.polygons["roof"], key=lambda shape: shape.area)
    assert first.equals(shapely.Polygon(TRIANGLE))
    assert second.equals(shapely.box(20, 10, 30, 25))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"shapes": [{"points": TRIANGLE}]}, "cannot be read: KeyError 'label'"),
        ({"shapes": [{"label": "a", "points": [[1], [2]]}]}, "cannot be read: ValueError"),
        ({"shapes": []}, "hold no outline"),
        (
            COCO | {"images": [], "annotations": [{"category_id": 9, "segmentation": [[1, 2]]}]},
            "cannot be read: KeyError 9",
        ),
    ],
)
def test_damaged_files_are_told(tmp_path, told, message):
    with pytest.raises(ExamplesError, match=message):
        read_polygons(write(tmp_path, told))


def test_geojson_stays_geojson(tmp_path):
    feature = {
        "type": "Feature",
        "properties": {"class": "a", "annotations": "none", "shapes": "x"},
        "geometry": {"type": "Polygon", "coordinates": [[*TRIANGLE, TRIANGLE[0]]]},
    }
    told = {"type": "FeatureCollection", "features": [feature], "annotations": [], "categories": []}
    assert not read_polygons(write(tmp_path, told)).are_pixels
