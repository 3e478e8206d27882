import json

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from fewscape.core import DatasetError, ExamplesError, Window
from fewscape.mapping import read_annotations
from fewscape.raster import SceneReader
from fewscape.raster.georeference import reproject
from tests.raster.rasters import PLACE, UTM, cut_in_half, noise, ramp, write_raster
from tests.raster.test_polygons import write_polygons

WHOLE = Window(0, 0, 200, 300)


def box(left, top, right, bottom):
    """A rectangle of pixels, in the coordinates of ``PLACE``."""
    return shapely.transform(
        shapely.box(left, top, right, bottom),
        lambda points: points * (0.5, -0.5) + (PLACE.c, PLACE.f),
    )


@pytest.fixture
def scene(tmp_path):
    with SceneReader(write_raster(tmp_path / "scene.tif", ramp(200, 300))) as reader:
        yield reader


def annotate(tmp_path, scene, boxes, examples_are="objects", **options):
    path = write_polygons(tmp_path / "examples.gpkg", list(boxes.values()), list(boxes), **options)
    return read_annotations(path, scene, examples_are=examples_are)


def test_around_objects_only_a_ring_is_background(tmp_path, scene):
    found = annotate(tmp_path, scene, {"roof": box(100, 80, 140, 120), "road": box(0, 0, 50, 10)})
    assert found.class_names == ("road", "roof")
    mask = found.mask("roof", WHOLE)
    assert (mask[80:120, 100:140] == 1).all()
    ring = round(0.5 * 2 * np.sqrt(1600 / np.pi))  # half the diameter of an equal circle: 23
    assert (mask[100, 140 : 140 + ring - 1] == 0).all()
    assert (mask[100, 140 + ring + 1 :] == 255).all()
    assert (mask[0:10, 0:50] == 0).all()  # another class
    assert (mask[12:30, 0:50] == 255).all()  # beside another class: unknown


def test_areas_have_no_rings(tmp_path, scene):
    boxes = {"roof": box(100, 80, 140, 120), "road": box(0, 0, 50, 10)}
    found = annotate(tmp_path, scene, boxes, "areas")
    mask = found.mask("roof", WHOLE)
    assert ((mask == 1).sum(), (mask == 0).sum()) == (1600, 500)
    assert found.mask("lake", WHOLE)[80, 100] == 0


def test_ground_of_two_classes_is_unknown(tmp_path, scene):
    boxes = {"roof": box(10, 10, 20, 20), "road": box(15, 10, 25, 20)}
    mask = annotate(tmp_path, scene, boxes).mask("roof", WHOLE)
    assert (mask[12, 10:15] == 1).all()
    assert (mask[12, 15:20] == 255).all()
    assert (mask[12, 20:25] == 0).all()


def test_rings_have_a_least_and_a_largest_width(tmp_path, scene):
    found = annotate(tmp_path, scene, {"car": box(50, 50, 54, 54), "lake": box(0, 100, 200, 200)})
    assert (found.mask("car", WHOLE)[52, 54:61] == 0).all()
    assert found.mask("car", WHOLE)[52, 63] == 255
    lake = found.mask("lake", WHOLE)[150]
    assert (lake[200:263] == 0).all()
    assert (lake[265:] == 255).all()


def test_inside_an_area_unlabelled_ground_is_background(tmp_path, scene):
    found = annotate(
        tmp_path,
        scene,
        {"roof": box(20, 20, 30, 30), "Area": box(10, 10, 100, 100), "ignore": box(60, 60, 70, 70)},
    )
    assert found.class_names == ("roof",)
    mask = found.mask("roof", WHOLE)
    assert (mask[20:30, 20:30] == 1).all()
    assert (mask[60:70, 60:70] == 255).all()
    assert (mask == 0).sum() == 90 * 90 - 100 - 100
    outside = found.mask("roof", Window(0, 200, 50, 50))
    assert (outside == 255).all()


def test_background_can_be_drawn(tmp_path, scene):
    found = annotate(
        tmp_path, scene, {"roof": box(20, 20, 30, 30), "background": box(100, 100, 120, 120)}
    )
    assert (found.mask("roof", WHOLE)[100:120, 100:120] == 0).all()


def test_ground_outside_the_scene_is_unknown(tmp_path, scene):
    found = annotate(tmp_path, scene, {"roof": box(-5, -5, 6, 6)})
    mask = found.mask("roof", Window(-10, -10, 20, 20))
    assert (mask[:10] == 255).all()
    assert (mask[:, :10] == 255).all()
    assert (mask[10:16, 10:16] == 1).all()


def test_polygons_of_another_crs_are_moved(tmp_path, scene):
    degrees = shapely.transform(
        box(100, 80, 140, 120),
        lambda points: reproject(points, CRS.from_string(UTM), CRS.from_epsg(4326)),
    )
    found = annotate(tmp_path, scene, {"roof": degrees}, crs="EPSG:4326")
    assert (found.mask("roof", WHOLE) == 1).sum() == pytest.approx(1600, abs=100)


def test_pixel_coordinates_serve_scenes_without_georeference(tmp_path):
    feature = {
        "type": "Feature",
        "properties": {"class": "roof"},
        "geometry": shapely.box(10, 20, 30, 40).__geo_interface__,
    }
    path = tmp_path / "examples.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    shapefile = write_polygons(
        tmp_path / "a.shp", [shapely.box(10, 20, 30, 40)], ["roof"], crs=None
    )
    with SceneReader(write_raster(tmp_path / "photo.png", ramp(100, 100))) as photo:
        for source in (path, shapefile):
            mask = read_annotations(source, photo).mask("roof", Window(0, 0, 100, 100))
            assert (mask[20:40, 10:30] == 1).all()
            assert (mask == 1).sum() == 400


def test_reports_polygons_elsewhere_with_both_extents(tmp_path, scene):
    with pytest.raises(
        ExamplesError,
        match=r"no polygon of .*examples\.gpkg' is inside .*scene\.tif'; the polygons cover x "
        r"500500 to .* in EPSG:32631, the scene x 500000 to 500150, y 4999900 to 5000000 in "
        r"EPSG:32631; .*--example_scene",
    ):
        annotate(tmp_path, scene, {"roof": box(1000, 10, 1010, 20)})


def test_reports_a_crs_that_is_missing_on_one_side(tmp_path, scene):
    with pytest.raises(ExamplesError, match=r"the examples .* have no coordinate .*scene"):
        annotate(tmp_path, scene, {"roof": box(0, 0, 9, 9)}, crs=None)
    place = {"crs": None, "transform": PLACE}
    with (
        SceneReader(write_raster(tmp_path / "bare.tif", ramp(50, 50), **place)) as bare,
        pytest.raises(ExamplesError, match=r"the scene .*bare\.tif' has no coordinate reference"),
    ):
        annotate(tmp_path, bare, {"roof": box(0, 0, 9, 9)})


def test_reports_files_that_name_no_class(tmp_path, scene):
    with pytest.raises(ExamplesError, match="name no class to map; they have only area"):
        annotate(tmp_path, scene, {"area": box(0, 0, 9, 9)})


def labels():
    values = np.zeros((1, 200, 300), np.uint8)
    values[0, 20:40, 20:60] = 1
    values[0, 100:140, 100:180] = 2
    values[0, :, 290:] = 255
    return values


def test_label_rasters_say_everything(tmp_path, scene):
    found = read_annotations(write_raster(tmp_path / "labels.png", labels()), scene)
    assert found.class_names == ("class_1", "class_2")
    mask = found.mask("class_1", WHOLE)
    expected = (labels()[0] == 1).astype(np.uint8)
    expected[labels()[0] == 255] = 255
    assert np.array_equal(mask, expected)


def test_zero_can_be_unknown(tmp_path, scene):
    path = write_raster(tmp_path / "labels.tif", labels())
    found = read_annotations(path, scene, zero="unknown", examples_are="objects")
    mask = found.mask("class_1", WHOLE)
    assert mask[0, 200] == 255
    assert (mask[21:39, 61:65] == 0).all()


def test_classes_json_names_the_ids_even_zero(tmp_path, scene):
    (tmp_path / "labels").mkdir()
    table = {"classes": {"0": "ground", "1": "roof", "2": "road"}, "ignore": 255}
    (tmp_path / "classes.json").write_text(json.dumps(table))
    path = write_raster(tmp_path / "labels" / "a.png", labels())
    found = read_annotations(path, scene)
    assert found.class_names == ("ground", "road", "roof")
    assert found.mask("ground", WHOLE)[0, 0] == 1
    assert read_annotations(path, scene, zero="background").class_names == ("road", "roof")
    del table["classes"]["2"]
    (tmp_path / "classes.json").write_text(json.dumps(table))
    with pytest.raises(ExamplesError, match=r"has the id 2, which .*classes\.json' does not name"):
        read_annotations(path, scene)


def test_reports_label_rasters_of_another_size(tmp_path, scene):
    path = write_raster(tmp_path / "labels.png", labels()[:, :50])
    with pytest.raises(ExamplesError, match=r"labels\.png' has 50 x 300 pixels; .* has 200 x 300"):
        read_annotations(path, scene)
    with pytest.raises(ExamplesError, match="do not exist"):
        read_annotations(tmp_path / "absent.png", scene)


def test_reports_label_rasters_of_another_place(tmp_path, scene):
    moved = PLACE @ Affine.translation(800, 0)
    path = write_raster(tmp_path / "labels.tif", labels(), transform=moved)
    with pytest.raises(ExamplesError, match=r"covers x .* in EPSG:32631; its scene .* covers x"):
        read_annotations(path, scene)


def test_classes_json_says_which_id_is_unknown(tmp_path, scene):
    content = {"classes": {"0": "ground", "1": "roof"}, "ignore": 3}
    (tmp_path / "classes.json").write_text(json.dumps(content))
    pixels = labels()
    pixels[pixels > 1] = 3
    found = read_annotations(write_raster(tmp_path / "labels.png", pixels), scene)
    assert found.class_names == ("ground", "roof")
    assert (found.mask("roof", WHOLE)[pixels[0] == 3] == 255).all()


def test_reports_tables_that_cannot_be_read(tmp_path, scene):
    (tmp_path / "classes.json").write_text("{}")
    with pytest.raises(DatasetError, match="is not a table of classes"):
        read_annotations(write_raster(tmp_path / "labels.png", labels()), scene)


def test_reports_truncated_label_rasters(tmp_path, scene):
    labels = cut_in_half(write_raster(tmp_path / "labels.png", noise(100, 120, 1)))
    with pytest.raises(ExamplesError, match=r"labels\.png' cannot be read: .*; .*truncated"):
        read_annotations(labels, scene)


def test_south_up_scenes(tmp_path):
    up = Affine(0.5, 0, PLACE.c, 0, 0.5, PLACE.f - 100)
    with SceneReader(write_raster(tmp_path / "up.tif", ramp(200, 300), transform=up)) as scene:
        mask = annotate(tmp_path, scene, {"roof": box(10, 20, 30, 40)}).mask("roof", WHOLE)
    assert (mask[160:180, 10:30] == 1).all()


def test_classes_may_have_colours(tmp_path, scene):
    features = [
        {"type": "Feature", "properties": {"class": name, "Color": colour},
         "geometry": shapely.box(1, 1, 9, 9).__geo_interface__}
        for name, colour in (("lake", None), ("lake", "#0000ff"), ("lake", "red"), ("roof", ""))
    ]  # fmt: skip
    path = tmp_path / "a.geojson"
    place = {"crs": None, "transform": Affine.identity()}
    content = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(content))
    with SceneReader(write_raster(tmp_path / "bare.tif", ramp(50, 50), **place)) as bare:
        assert read_annotations(path, bare).colours == {"lake": (0, 0, 255)}
        features[1]["properties"]["Color"] = "bluish"
        path.write_text(json.dumps(content))
        with pytest.raises(ExamplesError, match=r"class 'lake' of .* has the colour 'bluish'; e"):
            read_annotations(path, bare)


def test_label_rasters_have_the_colours_of_their_table(tmp_path, scene):
    table = {"classes": {"0": "ground", "1": "roof", "2": "road"}, "ignore": 255}
    path = write_raster(tmp_path / "labels.png", labels())
    (tmp_path / "classes.json").write_text(json.dumps(table))
    assert read_annotations(path, scene).colours == {}
    table["colours"] = {"0": [1, 2, 3], "1": [4, 5, 6], "2": [7, 8, 9]}
    (tmp_path / "classes.json").write_text(json.dumps(table))
    found = read_annotations(path, scene).colours
    assert found == {"ground": (1, 2, 3), "roof": (4, 5, 6), "road": (7, 8, 9)}


def test_only_background_is_a_sentence(tmp_path, scene):
    with pytest.raises(ExamplesError, match="name no class to map; they have only background"):
        annotate(tmp_path, scene, {"background": box(0, 0, 9, 9)})
