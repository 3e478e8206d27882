"""Scenes and examples that say in unusual words, or not at all, where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import rasterio
import shapely
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC
from rasterio.transform import from_origin
from rasterio.warp import transform as warp

from tests.hostile.cases import Words, case, finds_roofs, map_words
from tests.hostile.invented import (
    PLACE,
    SIDE,
    UTM,
    collect,
    ground,
    outline,
    truth,
    write_json,
    write_scene,
    write_vectors,
)

KIND = "places"
LOCAL = 'LOCAL_CS["Local Coordinates (m)",LOCAL_DATUM["Local Datum",0],UNIT["metre",1]]'
OTHER_LOCAL = 'LOCAL_CS["Site grid",LOCAL_DATUM["Site",0],UNIT["metre",1]]'
UNDEFINED = (
    'ENGCRS["Undefined Cartesian SRS with unknown unit",EDATUM["Unknown engineering datum"],'
    'CS[Cartesian,2],AXIS["X",unspecified,ORDER[1],LENGTHUNIT["unknown",0]],'
    'AXIS["Y",unspecified,ORDER[2],LENGTHUNIT["unknown",0]]]'
)
ESRI = (
    'PROJCS["WGS_1984_UTM_Zone_32N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",'
    'SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",9.0],PARAMETER["Scale_Factor",0.9996],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)


def write_control(path: Path, place: Any, crs: Any, bend: float = 0.0) -> Path:
    """A scene with control points in a lattice; ``bend`` moves the one in the middle."""
    steps = (0, SIDE / 2, SIDE)
    points = [
        GroundControlPoint(row, col, *(place * (col + bend * (row == col == SIDE / 2), row)))
        for row in steps
        for col in steps
    ]

    def edit(dataset: Any) -> None:
        dataset.gcps = (points, CRS.from_user_input(crs))

    return write_scene(path, place=None, crs=None, edit=edit)


def drawn_in_degrees() -> list[Any]:
    def move(points: np.ndarray) -> np.ndarray:
        return np.stack(warp(UTM, "EPSG:4326", points[:, 0], points[:, 1]), axis=1)

    return [shapely.transform(g, move) for g in (outline(0), outline(1), ground())]


NAMES = ["roof", "roof", "background"]


def lies_right(folder: Path) -> bool:
    """Roofs are found, and the map lies where the scene does."""
    with rasterio.open(folder / "out" / "s_classes.tif") as dataset:
        placed = dataset.crs == CRS.from_string(UTM) and dataset.transform.almost_equals(PLACE)
    return finds_roofs(folder) and placed


@case(KIND, check=lies_right)
def control_points_that_mean_a_transform(folder: Path) -> Words:
    scene = write_control(folder / "s.tif", PLACE, UTM)
    return map_words(folder, scene, write_vectors(folder / "e.gpkg"))


@case(KIND, check=lies_right)
def control_points_and_plain_geojson(folder: Path) -> Words:
    scene = write_control(folder / "s.tif", PLACE, UTM)
    content = collect(drawn_in_degrees(), NAMES, None)
    return map_words(folder, scene, write_json(folder / "e.geojson", content))


def keeps_points(folder: Path) -> bool:
    with rasterio.open(folder / "out" / "s_classes.tif") as dataset:
        points, crs = dataset.gcps
    polygons = pyogrio.raw.read(folder / "out" / "s.gpkg", layer="polygons")
    found = shapely.total_bounds(shapely.from_wkb(polygons[2]))
    right = shapely.box(499_995, 5_399_945, 500_055, 5_400_005)
    lies = right.contains(shapely.box(*found))
    return finds_roofs(folder) and len(points) == 9 and crs == CRS.from_string(UTM) and lies


@case(KIND, check=keeps_points)
def control_points_of_a_bent_scene(folder: Path) -> Words:
    scene = write_control(folder / "s.tif", PLACE, UTM, bend=0.7)
    return map_words(folder, scene, write_vectors(folder / "e.gpkg"))


@case(KIND, refused="rectify it first")
def a_bent_scene_at_another_resolution(folder: Path) -> Words:
    scene = write_control(folder / "s.tif", PLACE, UTM, bend=0.7)
    return map_words(folder, scene, write_vectors(folder / "e.gpkg"), "--resolution", 1)


@case(KIND, check=lies_right)
def control_points_and_a_label_raster(folder: Path) -> Words:
    scene = write_control(folder / "s.tif", PLACE, UTM)
    labels = write_scene(folder / "l.tif", truth(), None, None)
    return map_words(folder, scene, labels)


@case(KIND, refused="placed by 2 ground control points")
def too_few_control_points(folder: Path) -> Words:
    points = [
        GroundControlPoint(0, 0, *(PLACE * (0, 0))),
        GroundControlPoint(9, 9, *(PLACE * (9, 9))),
    ]

    def edit(dataset: Any) -> None:
        dataset.gcps = (points, CRS.from_string(UTM))

    scene = write_scene(folder / "s.tif", place=None, crs=None, edit=edit)
    return map_words(folder, scene, write_vectors(folder / "e.gpkg"))


def camera() -> RPC:
    """Nearly a plate carrée: columns along longitude, rows against latitude."""
    one = [1.0, *([0.0] * 19)]
    return RPC(
        height_off=0,
        height_scale=500,
        lat_off=50.0,
        lat_scale=0.01,
        line_den_coeff=one,
        line_num_coeff=[0, 0, -1, *([0] * 17)],
        line_off=48,
        line_scale=48,
        long_off=10.0,
        long_scale=0.01,
        samp_den_coeff=one,
        samp_num_coeff=[0, 1, 0, *([0] * 17)],
        samp_off=48,
        samp_scale=48,
        err_bias=0,
        err_rand=0,
    )


def keeps_camera(folder: Path) -> bool:
    with rasterio.open(folder / "out" / "s_classes.tif") as dataset:
        return finds_roofs(folder) and dataset.rpcs is not None


@case(KIND, check=keeps_camera)
def rational_polynomials(folder: Path) -> Words:
    def edit(dataset: Any) -> None:
        dataset.rpcs = camera()

    scene = write_scene(folder / "s.tif", place=None, crs=None, edit=edit)
    step = 0.01 / 48
    place = from_origin(9.99 - step / 2, 50.01 + step / 2, step, step)  # centres count
    drawn = [outline(0, place), outline(1, place), ground(place)]
    return map_words(folder, scene, write_vectors(folder / "e.gpkg", drawn, NAMES, "EPSG:4326"))


def has_areas(folder: Path) -> bool:
    meta, _, _, columns = pyogrio.raw.read(folder / "out" / "s.gpkg", layer="polygons")
    areas = dict(zip(meta["fields"], columns, strict=True))["area_m2"]
    return finds_roofs(folder) and 60 < max(areas) < 180  # 20 x 24 pixels of half a metre: 120


@case(KIND, check=has_areas)
def a_local_survey(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", crs=LOCAL)
    examples = write_vectors(folder / "e.gpkg", crs=LOCAL)
    return map_words(folder, scene, examples, "--min_area", 3)


@case(KIND)
def a_local_survey_and_a_shapefile_without_words(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", crs=LOCAL)
    return map_words(folder, scene, write_vectors(folder / "e.shp", crs=None))


@case(KIND)
def two_local_surveys(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", crs=LOCAL)
    return map_words(folder, scene, write_vectors(folder / "e.gpkg", crs=OTHER_LOCAL))


@case(KIND)
def a_local_survey_at_another_resolution(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", crs=LOCAL)
    return map_words(
        folder, scene, write_vectors(folder / "e.gpkg", crs=LOCAL), "--resolution", 0.5
    )


@case(KIND, refused="one of them is a local CRS")
def a_local_survey_and_examples_on_earth(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", crs=LOCAL)
    return map_words(folder, scene, write_vectors(folder / "e.gpkg"))


@case(KIND, refused="one of them is a local CRS")
def examples_of_a_local_survey(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif")
    return map_words(folder, scene, write_vectors(folder / "e.gpkg", crs=LOCAL))


def in_pixels(sign: int) -> list[Any]:
    drawn = (outline(0, None), outline(1, None), ground(None))
    return [shapely.transform(g, lambda points: points * (1, sign)) for g in drawn]


@case(KIND)
def a_picture_and_an_undefined_system(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", place=None, crs=None)
    examples = write_vectors(folder / "e.gpkg", in_pixels(-1), NAMES, UNDEFINED)
    return map_words(folder, scene, examples)


@case(KIND)
def a_picture_and_a_shapefile_of_an_undefined_system(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", place=None, crs=None)
    examples = write_vectors(folder / "e.shp", in_pixels(1), NAMES, UNDEFINED)
    return map_words(folder, scene, examples)


def lies_on_the_picture(folder: Path) -> bool:
    polygons = pyogrio.raw.read(folder / "out" / "s.gpkg", layer="polygons")
    _, bottom, _, top = shapely.total_bounds(shapely.from_wkb(polygons[2]))
    return finds_roofs(folder) and -SIDE <= bottom < top <= 0


@case(KIND, check=lies_on_the_picture)
def a_picture_whose_polygons_qgis_shows(folder: Path) -> Words:
    scene = write_scene(folder / "s.png", place=None, crs=None, driver="PNG")
    return map_words(folder, scene, write_vectors(folder / "e.gpkg", in_pixels(-1), NAMES, None))


@case(KIND)
def a_world_file_without_a_system(folder: Path) -> Words:
    scene = write_scene(folder / "s.png", place=None, crs=None, driver="PNG")
    (folder / "s.pgw").write_text("0.5\n0\n0\n-0.5\n500000.25\n5399999.75\n")
    return map_words(folder, scene, write_vectors(folder / "e.shp", crs=None))


def add_words(crs: str) -> None:
    @case(KIND)
    def labels(folder: Path) -> Words:
        scene = write_scene(folder / "s.tif")
        drawn = write_scene(folder / "l.tif", truth(), crs=CRS.from_user_input(crs))
        return map_words(folder, scene, drawn)

    @case(KIND)
    def polygons(folder: Path) -> Words:
        scene = write_scene(folder / "s.tif")
        text = CRS.from_user_input(crs).to_wkt()
        return map_words(folder, scene, write_vectors(folder / "e.gpkg", crs=text))


for words in (ESRI, "+proj=utm +zone=32 +datum=WGS84 +units=m", "EPSG:32632+5773", "EPSG:25832"):
    add_words(words)


@case(KIND, refused="its scene")
def labels_of_another_zone(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif")
    return map_words(folder, scene, write_scene(folder / "l.tif", truth(), crs="EPSG:32633"))


@case(KIND)
def a_rotated_scene_in_feet(folder: Path) -> Words:
    place = Affine.translation(1_000_000, 200_000) @ Affine.rotation(20) @ Affine.scale(2, -2)
    scene = write_scene(folder / "s.tif", place=place, crs="EPSG:2263")
    drawn = [outline(0, place), outline(1, place), ground(place)]
    return map_words(folder, scene, write_vectors(folder / "e.gpkg", drawn, NAMES, "EPSG:2263"))


@case(KIND)
def a_scene_on_the_moon(folder: Path) -> Words:
    crs = "+proj=eqc +lat_ts=0 +lat_0=0 +lon_0=0 +x_0=0 +y_0=0 +R=1737400 +units=m +no_defs"
    scene = write_scene(folder / "s.tif", crs=crs)
    text = CRS.from_string(crs).to_wkt()
    return map_words(folder, scene, write_vectors(folder / "e.gpkg", crs=text))
