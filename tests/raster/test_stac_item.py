from datetime import UTC, datetime

import pystac
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS

from fewscape.raster import Georeference
from fewscape.raster.writing.stac_item import ItemAsset, find_footprint, write_item
from tests.raster.rasters import PLACE, UTM

GRID = Georeference(200, 300, PLACE, CRS.from_string(UTM))
TAGS = {"FEWSCAPE_VERSION": "1.0", "SCENE": "town.tif", "PARAMETERS": '{"window": 64}'}


def check_footprint(geometry, bbox):
    outline = shapely.geometry.shape(geometry)
    assert outline.is_valid
    assert outline.bounds == pytest.approx(bbox)
    return outline


def test_the_footprint_holds_the_corners_in_degrees():
    geometry, bbox = find_footprint(GRID)
    outline = check_footprint(geometry, bbox)
    corners = rasterio.warp.transform(UTM, "EPSG:4326", [500_000, 500_150], [5e6, 5e6 - 100])
    for x, y in zip(*corners, strict=True):
        assert outline.distance(shapely.Point(x, y)) < 1e-6
    assert shapely.is_ccw(outline.exterior)


def test_edges_follow_the_curve_of_a_projection():
    wide = Georeference(100, 1000, Affine(1000, 0, 0, 0, -1000, 8e6), CRS.from_epsg(32631))
    geometry, bbox = find_footprint(wide)
    outline = check_footprint(geometry, bbox)
    top = rasterio.warp.transform("EPSG:32631", "EPSG:4326", [500_000], [8e6 - 500])
    assert outline.contains(shapely.Point(top[0][0], top[1][0]))


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", Affine(0.1, 0, 175, 0, -0.1, 10)),
        ("+proj=eqc +lon_0=180", Affine(11_132, 0, -556_600, 0, -11_132, 1_113_200)),
    ],
)
def test_a_footprint_across_the_180th_meridian_has_two_parts(crs, transform):
    geometry, bbox = find_footprint(Georeference(100, 100, transform, CRS.from_string(crs)))
    assert geometry["type"] == "MultiPolygon"
    assert bbox == pytest.approx([175, 0, -175, 10], abs=0.01)
    outline = shapely.geometry.shape(geometry)
    assert outline.area == pytest.approx(100, rel=1e-3)
    assert outline.bounds == pytest.approx((-180, 0, 180, 10), abs=0.01)


@pytest.mark.parametrize(("west", "expected"), [(-180, [-180, 180]), (200, [-160, -150])])
def test_longitudes_lie_within_180(west, expected):
    step = (expected[1] - expected[0]) / 100
    grid = Georeference(50, 100, Affine(step, 0, west, 0, -1, 25), CRS.from_epsg(4326))
    geometry, bbox = find_footprint(grid)
    assert geometry["type"] == "Polygon"
    assert [bbox[0], bbox[2]] == pytest.approx(expected)


@pytest.mark.parametrize("crs", [UTM, "+proj=laea +lat_0=45 +lon_0=3"])
def test_items_can_be_read_by_others(tmp_path, crs):
    grid = Georeference(200, 300, PLACE, CRS.from_string(crs))
    assets = [ItemAsset("classes", tmp_path / "a.tif", "the classes", "image/tiff")]
    taken = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    tags = TAGS | {"SCENE_TIME": taken.isoformat()}
    write_item(tmp_path / "my.town.stac.json", grid, assets, tags)
    item = pystac.Item.from_file(str(tmp_path / "my.town.stac.json"))
    assert item.id == "my.town"
    assert item.datetime == taken
    assert item.assets["classes"].href == "./a.tif"
    assert item.assets["classes"].roles == ["data"]
    assert item.properties["processing:software"] == {"fewscape": "1.0"}
    assert item.properties["fewscape:parameters"] == {"window": 64}
    assert (item.properties["proj:code"] is None) == ("proj:wkt2" in item.properties)
    assert "is unknown" not in item.properties["description"]


def test_without_a_date_it_is_said_whose_the_date_is(tmp_path):
    before = datetime.now(UTC).replace(microsecond=0)
    write_item(tmp_path / "town.stac.json", GRID, [], TAGS)
    item = pystac.Item.from_file(str(tmp_path / "town.stac.json"))
    assert before <= item.datetime <= datetime.now(UTC)
    assert "the date is that of the map" in item.properties["description"]
