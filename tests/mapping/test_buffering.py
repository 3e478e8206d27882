import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from fewscape.core import ConfigError, Window
from fewscape.mapping import read_annotations
from fewscape.mapping.examples.buffering import Buffer, thicken
from fewscape.raster import Georeference, SceneReader, rasterise
from fewscape.raster.georeference import reproject
from tests.raster.rasters import PLACE, UTM, ramp, write_raster
from tests.raster.test_polygons import write_polygons

WHOLE = Window(0, 0, 100, 120)


@pytest.mark.parametrize(
    ("text", "size", "unit"),
    [("1.5", 1.5, "px"), ("2px", 2, "px"), (" 3 m ", 3, "m"), (".5m", 0.5, "m")],
)
def test_what_a_buffer_is(text, size, unit):
    assert Buffer.parse(text) == Buffer(size, unit)


@pytest.mark.parametrize("text", ["", "0", "-1", "3km", "m", "1e9", "nan", "9999999"])
def test_what_a_buffer_is_not(text):
    with pytest.raises(
        ConfigError, match=r"is not a length; expected pixels such as 1\.5 or 2px, or"
    ):
        Buffer.parse(text)


def test_metres_are_those_on_the_ground():
    grid = Georeference(100, 120, PLACE, CRS.from_string(UTM))
    assert Buffer(3, "m").measure(grid) == pytest.approx((6, 6))
    flat = Georeference(100, 120, Affine(1e-5, 0, 25, 0, -1e-5, 60), CRS.from_epsg(4326))
    columns, rows = Buffer(3, "m").measure(flat)
    assert columns == pytest.approx(2 * rows, rel=0.01)  # at 60 degrees north
    with pytest.raises(ConfigError, match=r"--buffer 3m was given for a scene without a CRS"):
        Buffer(3, "m").measure(Georeference(9, 9, Affine.identity(), None))


def test_points_become_discs_and_lines_bands():
    point, line = shapely.Point(20.3, 30.6), shapely.LineString([(50, 10.5), (80, 10.5)])
    box = shapely.box(1, 1, 4, 4)
    disc, band, same = thicken(np.array([point, line, box], dtype=object), (2.9, 2.9))
    assert same is box
    rows, cols = np.mgrid[:100, :120] + 0.5
    expected = np.hypot(cols - 20.3, rows - 30.6) < 2.9
    assert (rasterise([disc], WHOLE) != expected).sum() <= 1  # the disc has corners
    painted = rasterise([band], WHOLE)
    assert painted[:, 60].sum() == 5
    assert painted[8:13, 60].all()


def test_a_small_disc_is_the_pixel_of_its_point():
    (pixel,) = thicken(np.array([shapely.Point(20.01, 30.99)], dtype=object), (0.5, 0.5))
    assert pixel.equals(shapely.box(20, 30, 21, 31))
    rng = np.random.default_rng(0)
    for place in rng.uniform(5, 50, (200, 2)):
        (disc,) = thicken(np.array([shapely.Point(place)], dtype=object), (0.71, 0.71))
        assert rasterise([disc], WHOLE).any()


@pytest.fixture
def scene(tmp_path):
    with SceneReader(write_raster(tmp_path / "scene.tif", ramp(100, 120))) as reader:
        yield reader


def draw(tmp_path, shapes, names, **options):
    ground = [
        shapely.transform(shape, lambda points: points * (0.5, -0.5) + (PLACE.c, PLACE.f))
        for shape in shapes
    ]
    return write_polygons(tmp_path / "a.gpkg", ground, names, geometry_type="Unknown", **options)


def test_all_kinds_are_examples(tmp_path, scene):
    shapes = [
        shapely.Point(20.5, 30.5),
        shapely.MultiLineString([[(50, 10.5), (80, 10.5)], [(50, 40.5), (80, 40.5)]]),
        shapely.GeometryCollection([shapely.box(5, 60, 9, 64), shapely.Point(100.5, 90.5)]),
        shapely.Point(500, 500),
        shapely.box(300, 300, 310, 310),
        shapely.Polygon(),
    ]
    path = draw(tmp_path, shapes, ["tree", "road", "roof", "tree", "roof", "roof"])
    found = read_annotations(path, scene)
    ids, numbers = found.labels(["road", "roof", "tree"], WHOLE)
    assert (ids[29:32, 19:22] == 3).sum() == 9
    assert (ids[:, 60] == 1).sum() == 6
    assert ids[62, 7] == ids[90, 100] == 2
    assert len(np.unique(numbers)) == 1 + 5
    assert found.skipped == {"empty": 1, "outside the scene": 2}
    wide = read_annotations(path, scene, buffer="3m").labels(["road"], WHOLE)[0]
    assert (wide[:, 60] == 1).sum() in (22, 24)


def test_metres_need_a_reference_system_only_where_something_is_thin(tmp_path):
    box, point = shapely.box(10, 20, 30, 40), shapely.Point(5, 5)
    with SceneReader(write_raster(tmp_path / "photo.png", ramp(100, 100))) as photo:
        path = write_polygons(tmp_path / "a.shp", [box], ["roof"], crs=None)
        assert read_annotations(path, photo, buffer="3m").class_names == ("roof",)
        path = write_polygons(
            tmp_path / "b.shp", [point], ["roof"], crs=None, geometry_type="Point"
        )
        with pytest.raises(ConfigError, match="use pixels, such as --buffer"):
            read_annotations(path, photo, buffer="3m")


def test_what_lies_beyond_the_projection_is_outside(tmp_path, scene):
    near = shapely.transform(
        shapely.box(500_010, 4_999_970, 500_030, 4_999_980),
        lambda points: reproject(points, CRS.from_string(UTM), CRS.from_epsg(4326)),
    )
    pole = shapely.box(-179, -100, 179, -89)
    path = write_polygons(tmp_path / "a.gpkg", [near, pole], ["a", "a"], crs="EPSG:4326")
    found = read_annotations(path, scene)
    assert found.skipped == {"outside the scene": 1}
    assert len(found.polygons["a"]) == 1
