import json

import numpy as np
import pytest

from fewscape.benchmark.main_job.drawings import OPTIONS, cover, draw_scene, write_drawings
from fewscape.benchmark.main_job.scenes import JobScene
from fewscape.core import Window
from fewscape.mapping import DrawnOn, read_annotations
from fewscape.raster import Georeference
from fewscape.raster.gdal import open_raster
from tests.benchmark.invented_scenes import NAMES, halves

SCENE = JobScene("toy", "a", np.zeros((3, 64, 64), np.uint8), halves(0, 1), NAMES)
BOTH = {0: "grass", 1: "roof"}


def test_fewer_drawings_are_the_first_of_more_for_every_class():
    few, many = (draw_scene(SCENE, BOTH, count, "areas", 0) for count in (1, 2))
    assert [drawing.class_id for drawing in many] == [0, 0, 1, 1]
    assert (few[1].pixels == many[2].pixels).all()


@pytest.mark.parametrize(
    ("form", "kind"),
    [("areas", "Polygon"), ("scribbles", "LineString"), ("points", "Point")],
)
def test_the_file_has_the_geometry_of_the_form(tmp_path, form, kind):
    drawn = draw_scene(SCENE, BOTH, 2, form, 0)
    write_drawings(tmp_path / "e.geojson", drawn, {0: "background", 1: "roof"})
    features = json.loads((tmp_path / "e.geojson").read_text())["features"]
    assert {feature["geometry"]["type"] for feature in features} == {kind}
    assert [feature["properties"]["class"] for feature in features] == [
        *["background"] * 2,
        *["roof"] * 2,
    ]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("form", ["areas", "objects", "scribbles", "points"])
def test_a_map_learns_from_the_pixels_that_do_not_count(tmp_path, form):
    drawn = draw_scene(SCENE, BOTH, 2, form, 0)
    file = tmp_path / "e.geojson"
    write_drawings(file, drawn, NAMES)
    SCENE.write(tmp_path / "scene.tif")
    with open_raster(tmp_path / "scene.tif") as opened:
        grid = Georeference.of(opened)
    options = dict(zip(OPTIONS[form][::2], OPTIONS[form][1::2], strict=True))
    annotations = read_annotations(
        file, DrawnOn(tmp_path / "scene.tif", grid), buffer=options.get("--buffer", "1.5")
    )
    window = Window(0, 0, 64, 64)
    seen = annotations.paint("grass", window) | annotations.paint("roof", window)
    covered = cover(drawn, (64, 64))
    assert (seen != covered).sum() <= 0.15 * covered.sum()
    if form in ("areas", "objects"):
        assert (seen == covered).all()


def test_background_is_drawn_as_areas_where_objects_are_outlined():
    outlined, ground = draw_scene(SCENE, {0: "roof", 1: "Background"}, 1, "objects", 0)
    (area,) = draw_scene(SCENE, {1: "Background"}, 1, "areas", 0)
    assert outlined.pixels.sum() > 0.95 * (SCENE.labels == 0).sum()
    assert (ground.pixels == area.pixels).all()
