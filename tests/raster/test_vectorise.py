import sqlite3
from contextlib import closing
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from scipy import ndimage

from fewscape.raster import Georeference, PolygonOptions, vectorise_map
from fewscape.raster.vectors.patches import PatchTracker
from tests.raster.rasters import write_raster


def slow_patches(classes):
    """Connected pixels of each class: class, pixels."""
    found = []
    for number in set(np.unique(classes)) - {0, 255}:
        labels, count = ndimage.label(classes == number)
        found += [(int(number), int((labels == one).sum())) for one in range(1, count + 1)]
    return sorted(found)


@given(
    st.integers(1, 24), st.integers(1, 17), st.integers(1, 9), st.integers(0, 10_000), st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_strips_give_the_patches_of_the_whole(height, width, strip, seed, sparse):
    generator = np.random.default_rng(seed)
    values = [0, 1, 2, 255] if sparse else [0, 1, 1, 1]
    classes = generator.choice(np.array(values, np.uint8), (height, width))
    scores = generator.random((height, width)).astype(np.float32)
    tracker, patches = PatchTracker(), []
    for row in range(0, height, strip):
        part = slice(row, row + strip)
        patches += tracker.advance(classes[part], scores[part], row)
    patches += tracker.finish()
    assert sorted((patch.class_id, patch.pixels) for patch in patches) == slow_patches(classes)
    for patch in patches:
        outline = patch.outline()
        assert outline.geom_type == "Polygon"
        assert outline.area == patch.pixels
        inside = rasterio.features.rasterize([outline], classes.shape) == 1
        assert (classes[inside] == patch.class_id).all()
        assert patch.score == pytest.approx(scores[inside].mean(), abs=1e-5)


def test_writes_class_score_and_area(tmp_path):
    classes = np.zeros((40, 60), np.uint8)
    classes[5:35, 10:20] = 1
    classes[8:12, 30:50] = 2
    classes[:, 55:] = 255
    probabilities = [np.full((40, 60), value, np.uint8) for value in (127, 254)]
    paths = [
        write_raster(tmp_path / f"{index}.tif", data[None], nodata=255)
        for index, data in enumerate([classes, *probabilities])
    ]
    target = tmp_path / "map.gpkg"
    options = PolygonOptions(scene="town.tif", model="mine")
    count = vectorise_map(
        paths[0], paths[1:], target, ["roof", "road"], {"M": "m"}, 60 * 7, options
    )
    meta, _, wkb, values = pyogrio.raw.read(target)
    table = dict(zip(meta["fields"], values, strict=True))
    assert count == 2
    assert sorted(table["class"]) == ["road", "roof"]
    roof = list(table["class"]).index("roof")
    assert table["score"][roof] == pytest.approx(0.5)
    assert table["score"][1 - roof] == 1
    assert table["pixels"][roof] == 300
    assert table["area_m2"][roof] == pytest.approx(300 * 0.25, rel=1e-2)
    assert table["perimeter_m"][roof] == pytest.approx((30 + 10), rel=1e-2)
    assert table["scene"].tolist() == ["town.tif"] * 2
    assert table["model"].tolist() == ["mine"] * 2
    assert np.isnat(table["date"]).all()
    assert shapely.from_wkb(wkb)[roof].bounds == (500_005, 4_999_982.5, 500_010, 4_999_997.5)
    assert meta["crs"] == "EPSG:32631"
    assert pyogrio.read_info(target)["dataset_metadata"]["M"] == "m"


@pytest.mark.parametrize(
    ("crs", "transform", "square_metres"),
    [
        # A degree of longitude at 60 degrees north measures about half of one at the equator.
        ("EPSG:4326", Affine(1e-4, 0, 10, 0, -1e-4, 60), 1e-8 * 55_800 * 111_412),
        # Web Mercator doubles lengths there.
        ("EPSG:3857", Affine(2, 0, 1e6, 0, -2, 8_399_737.9), 4 * 0.25),
        ("EPSG:32631", Affine.translation(5e5, 5e6) @ Affine.rotation(20) @ Affine.scale(3), 9),
    ],
)
def test_areas_are_true_in_any_projection(tmp_path, crs, transform, square_metres):
    classes = np.zeros((1, 50, 50), np.uint8)
    classes[0, 10:30, 10:40] = 1
    path = write_raster(tmp_path / "map.tif", classes, crs=crs, transform=transform)
    vectorise_map(path, [], tmp_path / "map.gpkg", ["roof"])
    meta, _, _, values = pyogrio.raw.read(tmp_path / "map.gpkg")
    table = dict(zip(meta["fields"], values, strict=True))
    assert table["area_m2"][0] == pytest.approx(600 * square_metres, rel=1e-2)
    assert np.isnan(table["score"][0])


def test_pixel_grids_have_no_area_and_empty_maps_no_polygons(tmp_path):
    classes = np.zeros((1, 8, 8), np.uint8)
    classes[0, 2:4, 2:4] = 1
    plain = write_raster(tmp_path / "map.png", classes)
    assert vectorise_map(plain, [], tmp_path / "map.gpkg", ["roof"]) == 1
    meta, _, wkb, values = pyogrio.raw.read(tmp_path / "map.gpkg")
    for measured in ("area_m2", "perimeter_m"):
        assert np.isnan(values[list(meta["fields"]).index(measured)][0])
    assert shapely.from_wkb(wkb)[0].bounds == (2, -4, 4, -2)
    empty = write_raster(tmp_path / "empty.tif", classes * 0)
    assert vectorise_map(empty, [], tmp_path / "empty.gpkg", ["roof"]) == 0
    assert pyogrio.read_info(tmp_path / "empty.gpkg")["features"] == 0


def test_batches_are_appended(tmp_path, monkeypatch):
    monkeypatch.setattr("fewscape.raster.vectors.geopackage.BATCH", 3)
    board = np.indices((6, 6)).sum(axis=0)[None] % 2
    path = write_raster(tmp_path / "board.tif", board.astype(np.uint8))
    assert vectorise_map(path, [], tmp_path / "board.gpkg", ["dark"]) == 18
    assert pyogrio.read_info(tmp_path / "board.gpkg")["features"] == 18


def write_steps(tmp_path):
    """Two triangles of stairs that share their long side."""
    lower = np.tri(40, dtype=np.uint8)
    return write_raster(tmp_path / "map.tif", np.where(lower, 1, 2).astype(np.uint8)[None])


def test_simpler_polygons_share_their_border(tmp_path):
    path = write_steps(tmp_path)
    found = {}
    for tolerance in (0.0, 2.0):
        target = tmp_path / f"{tolerance}.gpkg"
        vectorise_map(path, [], target, ["a", "b"], options=PolygonOptions(simplify=tolerance))
        meta, _, wkb, values = pyogrio.raw.read(target)
        found[tolerance] = shapely.from_wkb(wkb), dict(zip(meta["fields"], values, strict=True))
    plain, simpler = found[0.0], found[2.0]
    assert shapely.get_num_coordinates(simpler[0]).sum() < 16
    assert shapely.coverage_is_valid(simpler[0])
    assert shapely.union_all(simpler[0]).area == pytest.approx(20 * 20)
    assert sorted(simpler[1]["pixels"]) == sorted(plain[1]["pixels"])
    # The perimeter of stairs is that of their box; along the slope the way is shorter.
    assert plain[1]["perimeter_m"].min() == pytest.approx(78, rel=0.03)
    assert simpler[1]["perimeter_m"].max() == pytest.approx(20 * (2 + 2**0.5), rel=0.03)


def test_the_file_brings_its_style(tmp_path):
    target = tmp_path / "map.gpkg"
    options = PolygonOptions(colours=[(255, 0, 0), (0, 0, 255)])
    vectorise_map(write_steps(tmp_path), [], target, ["roof", "road"], options=options)
    with closing(sqlite3.connect(target)) as database:
        (row,) = database.execute(
            "SELECT f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
            "useAsDefault, styleQML FROM layer_styles"
        ).fetchall()
        contents = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents"))
    assert row[:5] == ("", "", "polygons", "geom", 1)
    root = ElementTree.fromstring(row[5])
    categories = root.findall("renderer-v2/categories/category")
    assert [category.attrib["value"] for category in categories] == ["roof", "road"]
    assert contents == {"polygons": "features", "layer_styles": "attributes"}
    layers = pyogrio.list_layers(target)[:, 0].tolist()
    assert layers == ["polygons", "layer_styles"]
    assert pyogrio.read_info(target, layer="polygons")["features"] == 2


def test_equal_area_system_is_centred_on_the_raster():
    grid = Georeference(10, 10, Affine(1, 0, 5e5, 0, -1, 5e6), CRS.from_epsg(32631))
    assert grid.equal_area_crs().is_projected
    assert Georeference(10, 10, Affine.identity()).equal_area_crs() is None
