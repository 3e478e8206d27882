import json
import warnings

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from fewscape.core import ExamplesError, Window
from fewscape.raster import Georeference, rasterise, read_polygons, to_pixel_geometries
from fewscape.raster.georeference import name_crs, reproject
from tests.raster.rasters import PLACE, UTM

BOX = shapely.box(500_010, 4_999_970, 500_030, 4_999_980)


def write_polygons(path, geometries, classes, crs=UTM, field="class", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _write(path, geometries, classes, crs, field, options)
    return path


def _write(path, geometries, classes, crs, field, options):
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(geometries, dtype=object)),
        [np.array(classes, dtype=object)],
        [field],
        geometry_type=options.pop("geometry_type", "Polygon"),
        crs=crs,
        **options,
    )


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp"])
def test_reads_the_usual_formats(tmp_path, suffix):
    found = read_polygons(write_polygons(tmp_path / f"a{suffix}", [BOX, BOX], ["roof", "road"]))
    assert found.names == ("roof", "road")
    assert name_crs(found.crs) == UTM
    assert found.crs_stated
    assert found.geometries[0].area == pytest.approx(200)


@pytest.mark.parametrize(
    "transform",
    [
        PLACE,
        Affine(0.5, 0, 500_000, 0, 0.5, 4_999_900),  # south-up
        Affine.translation(500_000, 5_000_000) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5),
    ],
)
def test_polygons_of_another_crs_land_on_the_same_pixels(tmp_path, transform):
    grid = Georeference(200, 200, transform, CRS.from_string(UTM))
    pixels = shapely.box(40, 50, 60, 90)
    ground = shapely.transform(pixels, grid.to_ground)
    degrees = shapely.transform(
        ground, lambda points: reproject(points, grid.crs, CRS.from_epsg(4326))
    )
    found = read_polygons(write_polygons(tmp_path / "a.geojson", [degrees], ["x"], "EPSG:4326"))
    back = to_pixel_geometries(found.geometries, found.crs, grid)
    assert np.allclose(shapely.bounds(back[0]), (40, 50, 60, 90), atol=0.05)


def test_pixel_polygons_may_count_rows_downward_or_as_qgis_does():
    grid = Georeference(100, 100, Affine.identity())
    down = np.array([shapely.box(10, 20, 30, 40)])
    up = shapely.transform(down, lambda points: points * (1, -1))
    for geometries in (down, up):
        placed = to_pixel_geometries(geometries, None, grid)
        assert shapely.bounds(placed[0]).tolist() == [10, 20, 30, 40]


def test_geojson_without_a_word_on_its_crs_says_so(tmp_path):
    feature = {"type": "Feature", "properties": {"class": "x"}, "geometry": BOX.__geo_interface__}
    path = tmp_path / "plain.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert not read_polygons(path).crs_stated


def test_rasterise_counts_pixel_centres_in_a_window():
    geometry = shapely.Polygon([(3, 3), (9, 3), (9, 8), (3, 8)], [[(5, 5), (6, 5), (6, 6), (5, 6)]])
    burnt = rasterise([geometry], Window(2, 1, 10, 10))
    expected = np.zeros((10, 10), bool)
    expected[1:6, 2:8] = True
    expected[3, 4] = False
    assert np.array_equal(burnt, expected)
    assert not rasterise([], Window(0, 0, 4, 4)).any()


def test_broken_geometries_are_mended(tmp_path):
    bow = shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    found = read_polygons(
        write_polygons(tmp_path / "a.gpkg", [bow], ["x"], geometry_type="Unknown")
    )
    assert found.geometries[0].is_valid


def test_everything_is_split_into_its_parts(tmp_path):
    inner = shapely.GeometryCollection([shapely.Point(1, 2), shapely.LineString([(0, 0), (5, 5)])])
    drawn = {
        "a": shapely.MultiPolygon([BOX, shapely.box(0, 0, 1, 1)]),
        "b": shapely.GeometryCollection([BOX, inner]),
        "c": shapely.MultiPoint([(3, 4), (5, 6)]),
        "d": shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)]),
        "empty": shapely.Polygon(),
        "flat": shapely.Polygon([(0, 0), (4, 4), (0, 0)]),
    }
    found = read_polygons(
        write_polygons(
            tmp_path / "a.gpkg", list(drawn.values()), list(drawn), geometry_type="Unknown"
        )
    )
    assert found.names == ("a", "a", "b", "b", "b", "c", "c", "d", "d")
    kinds = [shapely.get_type_id(part) for part in found.geometries]
    assert kinds == [3, 3, 3, 0, 1, 0, 0, 3, 3]
    assert found.skipped == {"empty": 1, "without area": 1}


def test_features_without_a_geometry_are_counted(tmp_path):
    content = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"class": "a"}, "geometry": None},
            {"type": "Feature", "properties": {"class": "a"}, "geometry": BOX.__geo_interface__},
        ],
    }
    (tmp_path / "a.geojson").write_text(json.dumps(content))
    found = read_polygons(tmp_path / "a.geojson")
    assert found.skipped == {"empty": 1}
    assert found.names == ("a",)


def test_reports_what_is_wrong_with_the_file(tmp_path):
    path = write_polygons(tmp_path / "a.gpkg", [BOX], ["roof"], field="kind")
    with pytest.raises(ExamplesError, match=r"no attribute 'class'.*are: kind.*--class_field"):
        read_polygons(path)
    assert read_polygons(path, "kind").names == ("roof",)

    path = write_polygons(tmp_path / "b.gpkg", [BOX, BOX], ["roof", None])
    with pytest.raises(ExamplesError, match=r"1 geometries of .* have no value in 'class'"):
        read_polygons(path)

    lines = [shapely.Polygon([(0, 0), (4, 4), (0, 0)]), shapely.Polygon()]
    path = write_polygons(tmp_path / "c.gpkg", lines, ["roof", "roof"])
    with pytest.raises(ExamplesError, match=r"no examples, .* that are: 1 empty, 1 without area; "):
        read_polygons(path)

    with pytest.raises(ExamplesError, match="do not exist"):
        read_polygons(tmp_path / "absent.gpkg")
    (tmp_path / "d.gpkg").write_text("nothing")
    with pytest.raises(ExamplesError, match="cannot be read"):
        read_polygons(tmp_path / "d.gpkg")
