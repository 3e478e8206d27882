import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from fewscape.core import Window
from fewscape.raster import Georeference
from fewscape.raster.georeference import reproject
from fewscape.raster.vectors.measuring import GroundMeasure

PLACES = {
    "degrees": ("EPSG:4326", Affine(1e-4, 0, 10, 0, -1e-4, 60)),
    "mercator": ("EPSG:3857", Affine(2, 0, 1e6, 0, -2, 8_399_737.9)),
    "utm": ("EPSG:32631", Affine.translation(5e5, 5e6) @ Affine.rotation(20) @ Affine.scale(3)),
    "coarse": ("EPSG:4326", Affine(0.01, 0, -120, 0, -0.01, 40)),
}


def make_grid(name, height=300, width=400):
    crs, transform = PLACES[name]
    return Georeference(height, width, transform, CRS.from_string(crs))


def slow_length(grid, polygon):
    """Metres along the ellipsoid, in steps of a tenth of a pixel."""
    major, squeezed = 6_378_137.0, 0.00669437999014
    total = 0.0
    for ring in (polygon.exterior, *polygon.interiors):
        points = np.array(ring.segmentize(0.1).coords)
        lon, lat = np.radians(reproject(grid.to_ground(points), grid.crs, CRS.from_epsg(4326)).T)
        middle = (lat[1:] + lat[:-1]) / 2
        root = np.sqrt(1 - squeezed * np.sin(middle) ** 2)
        north = np.diff(lat) * major * (1 - squeezed) / root**3
        east = np.diff(lon) * major * np.cos(middle) / root
        total += np.hypot(north, east).sum()
    return total


@pytest.mark.parametrize("name", PLACES)
def test_perimeters_are_true_in_any_projection(name):
    grid = make_grid(name)
    hollow = shapely.box(10, 10, 250, 90) - shapely.box(20, 20, 60, 70)
    corner = shapely.box(380, 280, 400, 300)
    areas, perimeters = GroundMeasure(grid).measure_outlines(np.array([hollow, corner]))
    expected = [slow_length(grid, hollow), slow_length(grid, corner)]
    tolerance = 5e-4 if name == "coarse" else 1e-5
    assert perimeters == pytest.approx(expected, rel=tolerance)
    assert (areas > 0).all()


@pytest.mark.parametrize("name", PLACES)
def test_pixels_add_up_to_outlines(name):
    measure = GroundMeasure(make_grid(name))
    tolerance = 5e-5 if name == "coarse" else 1e-5
    window = Window(37, 130, 200, 270)
    pixels = measure.measure_pixels(window)
    assert pixels.shape == (200, 270)
    for box in ((0, 0, 270, 200), (3, 5, 4, 6), (250, 100, 270, 200)):
        left, top, right, bottom = box
        outline = shapely.box(left + 130, top + 37, right + 130, bottom + 37)
        (area,), _ = measure.measure_outlines(np.array([outline]))
        assert pixels[top:bottom, left:right].sum() == pytest.approx(area, rel=tolerance)


def test_a_pixel_has_one_area_in_every_window():
    measure = GroundMeasure(make_grid("degrees"))
    whole = measure.measure_pixels(Window(0, 0, 300, 400))
    for row, rows in ((0, 1), (63, 2), (299, 1), (100, 150)):
        part = measure.measure_pixels(Window(row, 0, rows, 400))
        assert part == pytest.approx(whole[row : row + rows], rel=1e-12)


def test_sides_are_metres():
    assert GroundMeasure(make_grid("utm")).measure_sides() == pytest.approx((3, 3), rel=1e-3)
    width, height = GroundMeasure(make_grid("degrees")).measure_sides()
    assert (width, height) == pytest.approx((5.58, 11.14), rel=1e-2)


def test_pixel_grids_cannot_be_measured():
    measure = GroundMeasure(Georeference(10, 10, Affine.identity()))
    assert not measure.is_possible
    assert np.isnan(measure.measure_outlines(np.array([shapely.box(0, 0, 1, 1)]))).all()
    assert measure.measure_sides() == (1, 1)


def test_nothing_measures_nothing():
    areas, perimeters = GroundMeasure(make_grid("utm")).measure_outlines(np.array([], object))
    assert areas.shape == perimeters.shape == (0,)
