import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from fewscape.core import ExamplesError, Window
from fewscape.mapping import Annotations, DrawnOn
from fewscape.mapping.checking import check_map, check_names, count_shared, read_check
from fewscape.raster import Georeference
from fewscape.raster.vectors.measuring import GroundMeasure
from tests.raster.rasters import PLACE, UTM, write_raster
from tests.raster.test_polygons import write_polygons
from tests.reference.drawn_labels import label_pixels

GRID = Georeference(60, 90, PLACE, CRS.from_string(UTM))
NAMES = ("roof", "tree")

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def draw(path, polygons, grid=GRID):
    arrays = {name: np.array(group, dtype=object) for name, group in polygons.items()}
    return Annotations(path / "check.gpkg", grid, arrays)


def write_map(folder, classes, **profile):
    return write_raster(folder / "map.tif", classes[None].astype(np.uint8), nodata=255, **profile)


def striped():
    """Left half roof, right half background, three rows without data, no tree."""
    classes = np.zeros((60, 90), np.uint8)
    classes[:, :45] = 1
    classes[57:] = 255
    return classes


def test_counts_of_each_polygon(tmp_path):
    check = draw(
        tmp_path,
        {
            "background": [shapely.box(80, 0, 90, 10)],
            "ignore": [shapely.box(0, 0, 5, 5)],
            "roof": [shapely.box(0, 0, 10, 10), shapely.box(40, 50, 50, 60)],
            "tree": [shapely.box(20, 0, 30, 4)],
        },
    )
    found = check_map(write_map(tmp_path, striped()), check, NAMES)
    assert found.class_names == ("background", "roof", "tree")
    assert found.polygons.classes.tolist() == [0, 1, 1, 2]
    assert found.polygons.pixels.tolist() == [[100, 0, 0], [0, 75, 0], [35, 35, 0], [0, 40, 0]]
    assert found.polygons.matrix.tolist() == [[100, 35, 0], [0, 110, 40], [0, 0, 0]]
    assert found.blank_pixels == 30
    assert found.mapped_pixels.tolist() == [57 * 45, 57 * 45, 0]
    assert found.unseen_names == ()


def test_ground_of_an_area_is_background_of_one_sample(tmp_path):
    check = draw(
        tmp_path, {"area": [shapely.box(40, 0, 50, 10)], "roof": [shapely.box(40, 0, 45, 5)]}
    )
    found = check_map(write_map(tmp_path, striped()), check, NAMES)
    assert found.polygons.classes.tolist() == [0, 1]
    assert found.polygons.pixels.tolist() == [[50, 25, 0], [0, 25, 0]]


def test_ground_of_two_classes_is_left_out(tmp_path):
    check = draw(tmp_path, {"roof": [shapely.box(0, 0, 4, 4)], "tree": [shapely.box(2, 0, 6, 4)]})
    found = check_map(write_map(tmp_path, striped()), check, NAMES)
    assert found.polygons.pixels.tolist() == [[0, 8, 0], [0, 8, 0]]


def test_mapped_classes_that_no_polygon_shows_are_named(tmp_path):
    check = draw(tmp_path, {"roof": [shapely.box(0, 0, 4, 4)]})
    found = check_map(write_map(tmp_path, striped()), check, NAMES)
    assert found.unseen_names == ("background",)


def test_polygons_on_ground_without_data_are_no_sample(tmp_path):
    check = draw(tmp_path, {"roof": [shapely.box(0, 58, 4, 60)]})
    found = check_map(write_map(tmp_path, striped()), check, NAMES)
    assert len(found.polygons.classes) == 0
    assert found.blank_pixels == 8


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_the_slow_way_with_any_windows(tmp_path, seed, monkeypatch):
    monkeypatch.setattr("fewscape.mapping.checking.SIDE", (7, 16, 1024)[seed])
    monkeypatch.setattr("fewscape.mapping.checking.AREA_PIXELS", (90, 400, 10**6)[seed])
    rng = np.random.default_rng(seed)
    kinds = ["area", "background", "ignore", "roof", "tree"]
    polygons = {
        name: [
            shapely.Point(*rng.uniform(0, (90, 60))).buffer(rng.uniform(1, 12), quad_segs=3)
            for _ in range(4)
        ]
        for name in kinds
    }
    classes = rng.choice([0, 1, 2, 255], (60, 90))
    found = check_map(write_map(tmp_path, classes), draw(tmp_path, polygons), NAMES)
    true, owners = label_pixels(polygons, NAMES, Window(0, 0, 60, 90), 60, 90)
    expected = {}
    for row, col in np.ndindex(60, 90):
        if owners[row, col] >= 0 and classes[row, col] != 255:
            key = int(owners[row, col])
            expected.setdefault(key, [int(true[row, col]), [0, 0, 0]])[1][classes[row, col]] += 1
    ordered = [expected[key] for key in sorted(expected)]
    assert found.polygons.classes.tolist() == [own for own, _ in ordered]
    assert found.polygons.pixels.tolist() == [pixels for _, pixels in ordered]
    assert found.blank_pixels == ((owners >= 0) & (classes == 255)).sum()
    assert found.mapped_pixels.tolist() == [int((classes == value).sum()) for value in range(3)]


def test_areas_are_square_metres_on_the_ground(tmp_path):
    check = draw(tmp_path, {"roof": [shapely.box(0, 0, 4, 4)]})
    found = check_map(write_map(tmp_path, striped()), check, NAMES)
    assert found.is_metric
    assert found.mapped_areas == pytest.approx(found.mapped_pixels * 0.25, rel=2e-3)  # UTM's scale
    mercator = Georeference(60, 90, Affine(1, 0, 0, 0, -1, 8_400_000), CRS.from_epsg(3857))
    profile = {"crs": mercator.crs, "transform": mercator.transform}
    found = check_map(write_map(tmp_path, striped(), **profile), check, NAMES)
    pixel = GroundMeasure(mercator).measure_pixels(Window(0, 0, 60, 90))[0, 0]
    assert pixel < 0.3  # at 60 degrees north
    assert found.mapped_areas[1] == pytest.approx(57 * 45 * pixel, rel=1e-3)


def test_areas_are_pixels_without_a_reference_system(tmp_path):
    plain = Georeference(60, 90, Affine.identity())
    check = draw(tmp_path, {"roof": [shapely.box(0, 0, 4, 4)]}, plain)
    found = check_map(
        write_map(tmp_path, striped(), crs=None, transform=Affine.identity()), check, NAMES
    )
    assert not found.is_metric
    assert found.mapped_areas.tolist() == found.mapped_pixels.tolist()


def test_a_file_is_read_onto_the_grid_of_the_map(tmp_path):
    ground = shapely.transform(
        shapely.box(10, 10, 20, 30), lambda points: points * (0.5, -0.5) + (PLACE.c, PLACE.f)
    )
    point = shapely.Point(PLACE.c + 0.6, PLACE.f - 0.6)
    path = write_polygons(
        tmp_path / "check.gpkg", [ground, point], ["roof", "tree"], geometry_type="Unknown"
    )
    half = Georeference(30, 45, PLACE @ Affine.scale(2), GRID.crs)
    scene = DrawnOn(tmp_path / "scene.tif", GRID)
    check = read_check(path, scene, half)
    assert check.grid == half
    assert check.polygons["roof"][0].bounds == pytest.approx((5, 5, 10, 15))
    own = read_check(path, scene, GRID)
    assert own.polygons["tree"][0].bounds == (1, 1, 2, 2)  # the pixel of the point
    with pytest.raises(ExamplesError, match="no attribute 'kind'"):
        read_check(path, scene, GRID, "kind")


def test_classes_that_the_map_does_not_have_are_refused(tmp_path):
    check = draw(
        tmp_path, {"background": [shapely.box(0, 0, 4, 4)], "rof": [shapely.box(5, 5, 9, 9)]}
    )
    message = r"'.*check\.gpkg' have the class 'rof', which the map lacks.*mean 'roof'\?.*rename"
    with pytest.raises(ExamplesError, match=message):
        check_names(check, NAMES)
    check_names(check, ("rof",))


def test_pixels_that_taught_and_check_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("fewscape.mapping.checking.SIDE", 8)
    check = draw(
        tmp_path, {"roof": [shapely.box(0, 0, 10, 10)], "ignore": [shapely.box(0, 0, 2, 10)]}
    )
    same = draw(
        tmp_path, {"tree": [shapely.box(0, 0, 10, 1)], "background": [shapely.box(8, 8, 30, 30)]}
    )
    apart = draw(tmp_path, {"roof": [shapely.box(10, 10, 20, 20)]})
    assert count_shared(check, same) == 8 + 4
    assert count_shared(check, apart) == 0
