import numpy as np
import pytest
import shapely
from rasterio.crs import CRS

from fewscape.core import Window
from fewscape.mapping import Annotations
from fewscape.raster import Georeference
from tests.raster.rasters import PLACE, UTM
from tests.reference.drawn_labels import label_pixels

GRID = Georeference(60, 90, PLACE, CRS.from_string(UTM))
WHOLE = Window(0, 0, 60, 90)


def draw(path, polygons, grid=GRID, examples_are="areas"):
    arrays = {name: np.array(group, dtype=object) for name, group in polygons.items()}
    return Annotations(path / "examples.gpkg", grid, arrays, examples_are)


def scatter(rng, count):
    """Circles, whose outlines pass through no pixel centre."""
    places = rng.uniform(0, (90, 60), (count, 2))
    return [
        shapely.Point(*place).buffer(rng.uniform(0.2, 12), quad_segs=3) for place in places + 0.01
    ]


def test_the_labels_of_one_window(tmp_path):
    found = draw(
        tmp_path,
        {
            "area": [shapely.box(0, 0, 40, 40)],
            "background": [shapely.box(50, 0, 60, 10)],
            "ignore": [shapely.box(5, 5, 7, 7)],
            "lake": [shapely.box(10, 10, 20, 20)],
            "road": [shapely.box(70, 0, 80, 10)],
            "roof": [shapely.box(15, 15, 30, 30), shapely.box(52, 2, 54, 4)],
        },
    )
    ids, numbers = found.labels(["roof", "lake"], WHOLE)
    assert (ids.dtype, numbers.dtype) == (np.int16, np.int32)
    assert (ids[0, 0], numbers[0, 0]) == (0, 0)  # unlabelled inside the area
    assert (ids[50, 50], numbers[50, 50]) == (-1, -1)  # outside of everything
    assert (ids[5, 5], numbers[5, 5]) == (-1, -1)  # ignored
    assert (ids[12, 12], numbers[12, 12]) == (2, 3)
    assert (ids[25, 25], numbers[25, 25]) == (1, 5)
    assert (ids[17, 17], numbers[17, 17]) == (-1, -1)  # lake and roof
    assert (ids[5, 75], numbers[5, 75]) == (0, 4)  # a class that is not asked for
    assert (ids[0, 50], numbers[0, 50]) == (0, 1)
    assert (ids[3, 53], numbers[3, 53]) == (1, 6)  # a class wins over background
    assert found.count_overlaps() == 25


@pytest.mark.parametrize("seed", range(6))
def test_labels_are_those_of_the_slow_way_in_every_window(tmp_path, seed, monkeypatch):
    monkeypatch.setattr(
        "fewscape.mapping.examples.drawn_index.MANY_POINTS", 12 if seed % 2 else 10_000
    )
    rng = np.random.default_rng(seed)
    kinds = ["a", "area", "b", "background", "c", "ignore"]
    polygons = {name: scatter(rng, 2 if name in ("area", "ignore") else 6) for name in kinds}
    found = draw(tmp_path, polygons)
    for window in (Window(-4, -6, 31, 40), Window(20, 17, 45, 80)):
        ids, numbers = found.labels(["c", "a"], window)
        expected = label_pixels(polygons, ["c", "a"], window, 60, 90)
        assert np.array_equal(ids, expected[0])
        assert np.array_equal(numbers, expected[1])


@pytest.mark.parametrize("seed", range(3))
def test_rings_around_objects_are_background_with_numbers_of_their_own(tmp_path, seed):
    rng = np.random.default_rng(seed)
    kinds = ["a", "area", "b", "background", "ignore"]
    polygons = {name: scatter(rng, 1) for name in kinds}
    found = draw(tmp_path, polygons, examples_are="objects")
    seen = np.zeros((60, 90), bool)
    for cell in found.windows(16):
        seen[cell.slices] = True
    for window in (Window(-4, -6, 31, 40), Window(20, 17, 45, 80), WHOLE):
        ids, numbers = found.labels(["b"], window)
        expected = label_pixels(polygons, ["b"], window, 60, 90, rings=True)
        assert np.array_equal(ids, expected[0])
        assert np.array_equal(numbers, expected[1])
    assert numbers.max() >= 5
    assert seen[numbers >= 0].all()


@pytest.mark.parametrize("side", [7, 16, 100])
def test_windows_are_the_cells_with_something_drawn(tmp_path, side):
    rng = np.random.default_rng(side)
    found = draw(tmp_path, {"a": scatter(rng, 5), "b": scatter(rng, 5), "ignore": scatter(rng, 2)})
    cells = list(found.windows(side))
    _, numbers = found.labels(["a", "b"], WHOLE)
    seen = np.zeros((60, 90), int)
    for cell in cells:
        seen[cell.slices] += 1
        assert (cell.row % side, cell.col % side) == (0, 0)
        assert cell.row + cell.height <= 60
        assert cell.col + cell.width <= 90
    assert seen.max() == 1
    assert (seen[numbers >= 0] == 1).all()
    expected = 0
    for row in range(0, 60, side):
        for col in range(0, 90, side):
            drawn = [*found.polygons["a"], *found.polygons["b"]]
            centres = shapely.box(
                col + 0.5, row + 0.5, min(col + side, 90) - 0.5, min(row + side, 60) - 0.5
            )
            expected += any(polygon.intersects(centres) for polygon in drawn)
    assert len(cells) == expected


def test_nothing_is_read_where_nothing_was_drawn(tmp_path):
    grid = Georeference(100_000, 100_000, PLACE, CRS.from_string(UTM))
    found = draw(tmp_path, {"roof": [shapely.box(70_000, 512, 71_024, 1024)]}, grid)
    assert list(found.windows(512)) == [
        Window(512, 69_632, 512, 512),
        Window(512, 70_144, 512, 512),
        Window(512, 70_656, 512, 512),
    ]


def test_thousands_of_classes_are_painted_at_once(tmp_path, monkeypatch):
    import fewscape.mapping.examples.drawn_index as index

    calls = []
    paint = index.rasterise_numbers
    monkeypatch.setattr(
        index, "rasterise_numbers", lambda *given: calls.append(len(given[0])) or paint(*given)
    )
    polygons = {f"c{n:04}": [shapely.box(3 * n, 0, 3 * n + 2, 2)] for n in range(2000)}
    grid = Georeference(60, 6000, PLACE, CRS.from_string(UTM))
    found = draw(tmp_path, polygons, grid)
    ids, _ = found.labels(sorted(polygons), Window(0, 3000, 10, 30))
    assert ids[0].tolist()[:4] == [1001, 1001, -1, 1002]
    assert len(calls) == 3
    assert max(calls) < 15


def test_polygons_may_be_empty_or_tiny(tmp_path):
    found = draw(tmp_path, {"a": [shapely.Polygon(), shapely.box(1.1, 1.1, 1.2, 1.2)], "area": []})
    ids, numbers = found.labels(["a"], WHOLE)
    assert (ids == -1).all()
    assert (numbers == -1).all()
    assert list(found.windows(16)) == [Window(0, 0, 16, 16)]
    assert found.count_overlaps() == 0


def test_moved_polygons_keep_their_numbers(tmp_path):
    found = draw(tmp_path, {"a": [shapely.box(0, 0, 8, 8)], "b": [shapely.box(20, 0, 40, 8)]})
    moved = found.move_to(Georeference(30, 45, PLACE, CRS.from_string(UTM)))
    ids, numbers = moved.labels(["a", "b"], Window(0, 0, 30, 45))
    assert (ids[3, 3], numbers[3, 3]) == (1, 0)
    assert (ids[3, 15], numbers[3, 15]) == (2, 1)
