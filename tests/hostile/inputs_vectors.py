"""Vector files as programs and people really write them."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

from tests.hostile.cases import Words, case, finds_roofs, map_words
from tests.hostile.invented import (
    UTM,
    collect,
    ground,
    outline,
    truth,
    write_json,
    write_scene,
    write_vectors,
)

KIND = "vectors"
DRAWN = [outline(0), outline(1), ground()]
NAMES = ["roof", "roof", "background"]


def map_file(folder: Path, examples: object, *more: object) -> Words:
    return map_words(folder, write_scene(folder / "s.tif"), examples, *more)


def has_class(name: str) -> Any:
    def check(folder: Path) -> bool:
        polygons = pyogrio.raw.read(folder / "out" / "s.gpkg", layer="polygons")
        return finds_roofs(folder) and set(polygons[3][0]) == {name}

    return check


@case(KIND, refused="have 2 layers: roofs, roads; 2 of them have the attribute 'class'")
def two_layers_with_classes(folder: Path) -> Words:
    path = write_vectors(folder / "e.gpkg", layer="roofs")
    write_vectors(path, layer="roads", append=False)
    return map_file(folder, path)


def write_layers(folder: Path) -> Path:
    """Roofs in one layer; in the other, ground that poses as roofs."""
    path = write_vectors(folder / "e.gpkg", layer="roofs")
    wrong = [ground(), outline(0)], ["roof", "background"]
    return write_vectors(path, *wrong, layer="roads", append=False)


@case(KIND)
def two_layers_with_classes_one_named(folder: Path) -> Words:
    return map_file(folder, write_layers(folder), "--layer", "roofs")


def is_checked_well(folder: Path) -> bool:
    results = json.loads((folder / "out" / "s_check.json").read_text())
    found = results["checked_pixels"]["per_class"]
    return finds_roofs(folder) and min(each["iou"] for each in found) > 0.9


@case(KIND, check=is_checked_well)
def layers_of_examples_and_check(folder: Path) -> Words:
    path = write_layers(folder)
    write_vectors(path, [outline(2), ground()], ["roof", "background"], layer="seen")
    check = ("--check", path, "--check_layer", "seen")
    return map_file(folder, path, "--layer", "roofs", *check)


@case(KIND, refused="have 2 layers: roofs, roads; 2 of them have the attribute 'class'")
def a_check_with_two_layers(folder: Path) -> Words:
    path = write_layers(folder)
    return map_file(folder, path, "--layer", "roofs", "--check", path)


@case(KIND, refused="have no layer 'roof'; did you mean 'roofs'?")
def a_layer_that_is_missing(folder: Path) -> Words:
    return map_file(folder, write_layers(folder), "--layer", "roof")


@case(KIND, refused="the layer 'roofs' was given for the label raster")
def a_layer_of_a_label_raster(folder: Path) -> Words:
    labels = write_scene(folder / "l.tif", truth())
    return map_file(folder, labels, "--layer", "roofs")


@case(KIND, refused="--check_layer was given without --check")
def a_layer_of_no_check(folder: Path) -> Words:
    return map_file(folder, write_layers(folder), "--layer", "roofs", "--check_layer", "seen")


@case(KIND, told="the layer 'examples' was read, and not set_aside")
def what_annotate_has_drawn_and_set_aside(folder: Path) -> Words:
    path = write_vectors(folder / "e.gpkg", [ground()], ["roof"], layer="set_aside")
    return map_file(folder, write_vectors(path, layer="examples"))


@case(KIND, told="the layer 'roofs' was read, and not parcels")
def two_layers_one_with_classes(folder: Path) -> Words:
    path = write_vectors(folder / "e.gpkg", [ground()], ["7"], field="owner", layer="parcels")
    return map_file(folder, write_vectors(path, layer="roofs"))


@case(KIND, refused="none of them have the attribute 'class'")
def two_layers_without_classes(folder: Path) -> Words:
    path = write_vectors(folder / "e.gpkg", [ground()], ["7"], field="owner", layer="a")
    return map_file(folder, write_vectors(path, [ground()], ["7"], field="owner", layer="b"))


@case(KIND)
def a_geodatabase(folder: Path) -> Words:
    drawn = [shapely.MultiPolygon([g]) for g in DRAWN]
    path = write_vectors(folder / "e.gdb", drawn, NAMES, driver="OpenFileGDB", layer="e")
    return map_file(folder, path)


def add_format(name: str, driver: str) -> None:
    @case(KIND)
    def other_format(folder: Path) -> Words:
        drawn = [shapely.MultiPolygon([g]) for g in DRAWN]
        return map_file(folder, write_vectors(folder / name, drawn, NAMES, driver=driver))


OTHERS = {"fgb": "FlatGeobuf", "sqlite": "SQLite", "gml": "GML", "tab": "MapInfo File"}
for suffix, driver in OTHERS.items():
    add_format(f"e.{suffix}", driver)


@case(KIND)
def a_shapefile_in_an_archive(folder: Path) -> Words:
    for part in write_vectors(folder / "e.shp").parent.glob("e.*"):
        with zipfile.ZipFile(folder / "e.zip", "a") as archive:
            archive.write(part, part.name)
    return map_file(folder, f"/vsizip/{folder}/e.zip/e.shp")


@case(KIND)
def an_archive_by_itself(folder: Path) -> Words:
    with zipfile.ZipFile(folder / "e.zip", "w") as archive:
        archive.write(write_vectors(folder / "e.gpkg"), "e.gpkg")
    return map_file(folder, folder / "e.zip")


@case(KIND, refused="cannot be read")
def an_archive_that_is_none(folder: Path) -> Words:
    (folder / "e.zip").write_bytes(b"PK\x03\x04 nothing")
    return map_file(folder, folder / "e.zip")


@case(KIND, refused="cannot be read")
def a_file_that_the_archive_lacks(folder: Path) -> Words:
    with zipfile.ZipFile(folder / "e.zip", "w") as archive:
        archive.write(write_vectors(folder / "e.gpkg"), "e.gpkg")
    return map_file(folder, f"/vsizip/{folder}/e.zip/other.gpkg")


@case(KIND, refused="do not exist")
def an_archive_that_is_not_there(folder: Path) -> Words:
    return map_file(folder, f"/vsizip/{folder}/none.zip/e.gpkg")


def mixed() -> dict[str, Any]:
    inner = outline(1).buffer(-2).exterior.coords
    collection = shapely.GeometryCollection([outline(1), shapely.LineString([inner[0], inner[2]])])
    middle = outline(2).centroid
    drawn = [outline(0), collection, middle, ground()]
    return collect(drawn, ["roof", "roof", "roof", "background"])


@case(KIND)
def collections_points_and_lines(folder: Path) -> Words:
    return map_file(folder, write_json(folder / "e.geojson", mixed()))


@case(KIND, told="': 2 empty")
def nothing_among_polygons(folder: Path) -> Words:
    drawn: list[Any] = [None, {"type": "Polygon", "coordinates": []}, *DRAWN]
    content = collect(drawn, [None, "roof", *NAMES])
    return map_file(folder, write_json(folder / "e.geojson", content))


@case(KIND, refused="1 geometries of")
def a_polygon_without_a_class(folder: Path) -> Words:
    return map_file(folder, write_json(folder / "e.geojson", collect(DRAWN, ["roof", None, "x"])))


def bow(polygon: shapely.Polygon) -> shapely.Polygon:
    left, bottom, right, top = polygon.bounds
    return shapely.Polygon([(left, bottom), (right, top), (right, bottom), (left, top)])


@case(KIND)
def crossing_rings_and_heights(folder: Path) -> Words:
    drawn = [shapely.force_3d(outline(0), 12.0), bow(outline(1)), outline(2), ground()]
    names = ["roof", "roof", "roof", "background"]
    return map_file(folder, write_json(folder / "e.geojson", collect(drawn, names)))


def curve(polygon: shapely.Polygon) -> bytes:
    """A circle within a polygon, as well-known binary of a CurvePolygon."""
    x, y = polygon.centroid.coords[0]
    radius = polygon.exterior.distance(polygon.centroid) * 0.9
    points = [(x - radius, y), (x + radius, y), (x - radius, y)]
    ring = struct.pack("<BII", 1, 8, 3) + b"".join(struct.pack("<dd", *p) for p in points)
    return struct.pack("<BII", 1, 10, 1) + ring


@case(KIND)
def curves(folder: Path) -> Words:
    wkb = np.array([curve(polygon) for polygon in DRAWN], dtype=object)
    names = np.array(NAMES, dtype=object)
    options = {"geometry_type": "CurvePolygon", "crs": UTM}
    try:
        pyogrio.raw.write(folder / "e.gpkg", wkb, [names], ["class"], **options)
    except Exception:  # noqa: BLE001 (a version that cannot write what it reads)
        shutil.copy(write_vectors(folder / "plain.gpkg"), folder / "e.gpkg")
    return map_file(folder, folder / "e.gpkg")


@case(KIND, check=has_class("1"))
def numbers_beside_nothing(folder: Path) -> Words:
    drawn = [outline(0), outline(1), None, ground()]
    codes = np.array([1.0, 1.0, np.nan, 0.0])
    path = folder / "e.gpkg"
    wkb = np.array([None if g is None else shapely.to_wkb(g) for g in drawn], dtype=object)
    mask = np.isnan(codes)
    values = [np.where(mask, 0, codes).astype(np.int64)]
    pyogrio.raw.write(
        path, wkb, values, ["class"], field_mask=[mask], crs=UTM, geometry_type="Polygon"
    )
    return map_file(folder, path, "--classes", "1")


@case(KIND, refused="has 2,000 different values; a map has at most 254 classes")
def a_number_of_each_polygon(folder: Path) -> Words:
    corners = [(500_000 + n % 40, 5_399_960 + n // 40) for n in range(2000)]
    drawn = [shapely.box(x, y, x + 0.5, y + 1) for x, y in corners]
    return map_file(folder, write_vectors(folder / "e.gpkg", drawn, np.arange(2000)))


@case(KIND, check=has_class("Gebäude"))
def a_byte_order_mark(folder: Path) -> Words:
    content = json.dumps(collect(DRAWN, ["Gebäude", "Gebäude", "background"]), ensure_ascii=False)
    (folder / "e.geojson").write_bytes(b"\xef\xbb\xbf" + content.encode())
    return map_file(folder, folder / "e.geojson")


@case(KIND, told="is not UTF-8; its text was read as cp1252", check=has_class("Gebäude"))
def latin_1(folder: Path) -> Words:
    content = collect(DRAWN, ["Gebäude", "Gebäude", "background"])
    return map_file(folder, write_json(folder / "e.geojson", content, "latin-1"))


@case(KIND, check=has_class("Gebäude"))
def utf_16(folder: Path) -> Words:
    content = collect(DRAWN, ["Gebäude", "Gebäude", "background"])
    return map_file(folder, write_json(folder / "e.geojson", content, "utf-16"))


def write_chinese(folder: Path, page: int, with_cpg: bool) -> Path:
    names = ["建筑物", "建筑物", "background"]
    path = write_vectors(
        folder / "样本 一.shp", DRAWN, names, driver="ESRI Shapefile", encoding="GBK"
    )
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = page
    path.with_suffix(".dbf").write_bytes(table)
    if not with_cpg:
        path.with_suffix(".cpg").unlink(missing_ok=True)
    return path


@case(KIND, check=has_class("建筑物"))
def gbk_that_is_told(folder: Path) -> Words:
    return map_file(folder, write_chinese(folder, 0x4D, True))


@case(KIND, told="it was read as gb18030", check=has_class("建筑物"))
def gbk_that_is_not_told(folder: Path) -> Words:
    return map_file(folder, write_chinese(folder, 0, False))


def lines() -> str:
    def move(points: np.ndarray) -> np.ndarray:
        from rasterio.warp import transform

        return np.stack(transform(UTM, "EPSG:4326", points[:, 0], points[:, 1]), axis=1)

    drawn = [shapely.transform(geometry, move) for geometry in DRAWN]
    features = collect(drawn, NAMES, None)["features"]
    return "\n".join(json.dumps(feature) for feature in features)


def add_sequence(name: str, text: str) -> None:
    @case(KIND)
    def sequence(folder: Path) -> Words:
        (folder / name).write_text(text)
        return map_file(folder, folder / name)


for ending in ("geojsonl", "geojsons", "ndjson", "json"):
    add_sequence(f"e.{ending}", lines())
add_sequence("e.geojsons", "".join(f"\x1e{line}\n" for line in lines().splitlines()))


@case(KIND, told="': 1 with invalid coordinates")
def coordinates_beyond_any_place(folder: Path) -> Words:
    far = shapely.Polygon([(1e300, 1), (2, 3), (4, 5)])
    names = ["roof", *NAMES]
    return map_file(folder, write_vectors(folder / "e.gpkg", [far, *DRAWN], names))


@case(KIND, told="': 1 with invalid coordinates")
def coordinates_that_are_no_numbers(folder: Path) -> Words:
    wkb = [*map(shapely.to_wkb, DRAWN), spoil(shapely.to_wkb(outline(2)))]
    names = np.array([*NAMES, "roof"], dtype=object)
    path, kinds = folder / "e.gpkg", {"geometry_type": "Polygon", "crs": UTM}
    pyogrio.raw.write(path, np.array(wkb, dtype=object), [names], ["class"], **kinds)
    return map_file(folder, path)


def spoil(wkb: bytes) -> bytes:
    """With NaN for the second point of the ring."""
    at = 13 + 16
    return wkb[:at] + struct.pack("<dd", np.nan, np.nan) + wkb[at + 16 :]


@case(KIND, refused="has no examples, only geometries that are")
def only_coordinates_beyond_any_place(folder: Path) -> Words:
    bad = [shapely.Polygon([(1e300, 1), (2, 3), (4, 1e308)])]
    return map_file(folder, write_vectors(folder / "e.gpkg", bad, ["roof"]))


@case(KIND, refused="differ only in case")
def names_that_differ_by_case(folder: Path) -> Words:
    return map_file(folder, write_vectors(folder / "e.gpkg", DRAWN, ["Roof", "roof", "x"]))


@case(KIND, check=has_class("Gebäude"))
def names_in_two_unicode_forms(folder: Path) -> Words:
    names = ["Geb\u00e4ude", "Geba\u0308ude", "background"]
    return map_file(folder, write_vectors(folder / "e.gpkg", DRAWN, names))


@case(KIND, check=has_class("r" * 300))
def a_name_of_300_letters(folder: Path) -> Words:
    names = ["r" * 300, "r" * 300, "background"]
    return map_file(folder, write_vectors(folder / "e.gpkg", DRAWN, names))


@case(KIND, refused="has an unprintable character")
def a_name_with_control_characters(folder: Path) -> Words:
    names = ["ro\x07of", "roof", "background"]
    return map_file(folder, write_vectors(folder / "e.gpkg", DRAWN, names))


@case(KIND, check=lambda folder: len(list((folder / "out").glob("*_prob.tif"))) == 4)
def names_that_become_one_file(folder: Path) -> Words:
    drawn = [outline(n) for n in range(4)]
    return map_file(folder, write_vectors(folder / "e.gpkg", drawn, ["a b", "a/b", "a_b_1", "a:b"]))


@case(KIND, check=has_class('../../<b>&"roof"'))
def a_name_that_is_a_path(folder: Path) -> Words:
    name = '../../<b>&"roof"'
    return map_file(folder, write_vectors(folder / "e.gpkg", DRAWN, [name, name, "background"]))


@case(KIND, refused="only point to other files")
def a_file_that_only_tells_of_another(folder: Path) -> Words:
    write_vectors(folder / "secret.gpkg")
    (folder / "e.geojson").write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{folder}/secret.gpkg'
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    return map_file(folder, folder / "e.geojson")


@case(KIND, refused="cannot be read")
def a_picture_called_geopackage(folder: Path) -> Words:
    (folder / "e.gpkg").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    return map_file(folder, folder / "e.gpkg")


@case(KIND, refused="cannot be read")
def a_geopackage_cut_short(folder: Path) -> Words:
    path = write_vectors(folder / "e.gpkg")
    path.write_bytes(path.read_bytes()[:5000])
    return map_file(folder, path)


@case(KIND, refused="cannot be read")
def geojson_without_bottom(folder: Path) -> Words:
    (folder / "e.geojson").write_text('{"type":"FeatureCollection","features":' + "[" * 100_000)
    return map_file(folder, folder / "e.geojson")


@case(KIND, refused="cannot be read")
def an_empty_file(folder: Path) -> Words:
    (folder / "e.geojson").write_bytes(b"")
    return map_file(folder, folder / "e.geojson")


@case(KIND, refused="cannot be read")
def a_folder_of_nothing(folder: Path) -> Words:
    (folder / "examples").mkdir()
    return map_file(folder, folder / "examples")


@case(KIND, refused="no attribute 'class'; their attributes are: none")
def polygons_without_attributes(folder: Path) -> Words:
    content = collect(DRAWN, NAMES)
    for feature in content["features"]:
        feature["properties"] = {}
    return map_file(folder, write_json(folder / "e.geojson", content))


@case(KIND, refused="holds lists or bytes")
def classes_that_are_lists(folder: Path) -> Words:
    content = collect(DRAWN, NAMES)
    for feature in content["features"]:
        feature["properties"]["class"] = ["roof", "red"]
    return map_file(folder, write_json(folder / "e.geojson", content))
