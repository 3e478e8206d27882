import numpy as np
import pytest
import shapely
import torch
from rasterio.crs import CRS

from fewscape.core import ExamplesError, Window
from fewscape.mapping import Annotations, read_drawn_cells
from fewscape.mapping.examples import drawn_cells
from fewscape.mapping.examples.drawn_cells import (
    encode_core,
    find_colours,
    label_cells,
    sample_ground,
)
from fewscape.models import MaximumLikelihood, PixelModel
from fewscape.raster import Georeference, SceneReader
from tests.raster.rasters import PLACE, UTM, noise, ramp, write_raster
from tests.reference.drawn_labels import label_pixels


class Plain(PixelModel):
    """Bands as they are, averaged over cells."""

    name = "plain"
    reach = 0

    def __init__(self, stride=1):
        self.stride = stride

    def encode(self, images, colours=(0, 1, 2)):
        return torch.nn.functional.avg_pool2d(images, self.stride)

    def learn(self, cells):
        raise NotImplementedError

    def predict_cells(self, values, support):
        raise NotImplementedError


@pytest.fixture
def read(tmp_path):
    """Drawn cells of polygons on a scene of values that tell the place."""

    def call(polygons, names, data=None, model=None, **profile):
        data = ramp(60, 91) if data is None else data
        path = write_raster(tmp_path / "scene.tif", data, **profile)
        (tmp_path / "a.geojson").write_text("drawn")
        arrays = {name: np.array(group, dtype=object) for name, group in polygons.items()}
        grid = Georeference(*data.shape[1:], PLACE, CRS.from_string(UTM))
        with SceneReader(path, bands=range(1, len(data) + 1)) as scene:
            return read_drawn_cells(
                Annotations(tmp_path / "a.geojson", grid, arrays), names, scene, model or Plain()
            )

    return call


def circles(rng, count):
    places = rng.uniform(0, (91, 60), (count, 2)) + 0.01
    return [shapely.Point(*place).buffer(rng.uniform(1, 9), quad_segs=3) for place in places]


def in_order(values, *columns):
    """Rows of everything, sorted."""
    return np.array(sorted(map(tuple, np.column_stack([values, *columns]).tolist())))


@pytest.mark.parametrize("core", [16, 256])
def test_drawn_cells_are_those_of_the_slow_way(read, monkeypatch, core):
    monkeypatch.setattr(drawn_cells, "CORE", core)
    rng = np.random.default_rng(core)
    kinds = ["a", "area", "b", "background", "ignore"]
    polygons = {name: circles(rng, 3) for name in kinds}
    found = read(polygons, ["b", "a"])
    ids, numbers = label_pixels(polygons, ["b", "a"], Window(0, 0, 60, 91), 60, 91)
    drawn = ids >= 0
    expected = in_order(ramp(60, 91)[:, drawn].T, ids[drawn], numbers[drawn])
    cells = found.cells
    values = np.rint(cells.values * 255)
    assert np.array_equal(in_order(values, cells.classes, cells.polygons), expected)
    assert found.num_pixels == drawn.sum()


def test_a_cell_is_a_class_if_no_pixel_of_it_is_another(read):
    polygons = {"a": [shapely.box(1, 1, 4, 4)], "b": [shapely.box(4, 1, 5, 4)]}
    found = read(polygons, ["a", "b"], model=Plain(2))
    # a meets cells 0 and 1 of rows 0 and 1 alone; b is alone in cell 2
    assert np.bincount(found.cells.classes).tolist() == [0, 4, 2]
    polygons["b"] = [shapely.box(3.9, 1, 4, 4), shapely.box(3, 1, 4, 2)]
    with pytest.raises(ExamplesError, match="no example of 'b' covers a valid pixel"):
        read(polygons, ["a", "b"], model=Plain(2))


def test_cells_at_the_edges_of_odd_scenes_teach(read):
    polygons = {"a": [shapely.box(85, 0, 91, 6)], "b": [shapely.box(0, 55, 5, 59)]}
    found = read(polygons, ["a", "b"], ramp(59, 91), Plain(2))
    assert np.bincount(found.cells.classes).tolist() == [0, 4 * 3, 3 * 3]


def test_every_polygon_teaches_wherever_it_lies(read):
    places = [(4, 3), (900, 150), (1700, 20), (2980, 190)]
    polygons = {
        "a": [shapely.box(x, y, x + 5, y + 5) for x, y in places],
        "background": [shapely.box(2400, 7, 2410, 17)],
    }
    found = read(polygons, ["a"], ramp(200, 3000))
    assert np.unique(found.cells.polygons, return_counts=True)[1].tolist() == [25] * 4 + [100]
    assert np.bincount(found.cells.classes).tolist() == [100, 100]


def test_of_too_many_windows_each_class_has_some(read, monkeypatch):
    monkeypatch.setattr(drawn_cells, "CORE", 16)
    monkeypatch.setattr(drawn_cells, "MOST_WINDOWS", 6)
    polygons = {
        "a": [shapely.box(0, 16, 91, 60)],
        "b": [shapely.box(3, 3, 5, 5)],
        "c": [shapely.box(80, 3, 82, 5)],
    }
    found = read(polygons, ["a", "b", "c"])
    counts = np.bincount(found.cells.classes)
    assert counts[2:].tolist() == [4, 4]
    assert 0 < counts[1] <= 4 * 16 * 16


def test_small_polygons_stay_whole_where_a_class_has_too_many_cells(read, monkeypatch):
    monkeypatch.setattr(drawn_cells, "MOST_CELLS", 600)
    boxes = [(0, 0, 5, 5), (10, 0, 50, 50), (55, 0, 90, 50)]
    polygons = {
        "a": [shapely.box(*box) for box in boxes],
        "b": [shapely.box(0, 52, 91, 58)],
    }
    found = read(polygons, ["a", "b"])
    counts = np.unique(found.cells.polygons, return_counts=True)[1]
    assert (counts[0], counts[3]) == (25, 546)
    assert counts[1:3] == pytest.approx([287, 287], rel=0.2)
    again = read(polygons, ["a", "b"])
    assert np.array_equal(found.cells.values, again.cells.values)


def test_ground_without_data_teaches_nothing(read):
    data = ramp(60, 91)
    data[:, :, 50:] = 255
    polygons = {"a": [shapely.box(40, 0, 60, 10)], "b": [shapely.box(0, 0, 9, 9)]}
    found = read(polygons, ["a", "b"], data, nodata=255)
    assert (found.cells.classes == 1).sum() == 100
    polygons["a"] = [shapely.box(60, 0, 70, 10)]
    with pytest.raises(ExamplesError, match="no example of 'a' covers a valid pixel") as error:
        read(polygons, ["a", "b"], data, nodata=255)
    assert "check the scene's nodata value" in str(error.value)


def test_features_in_a_window_are_those_of_the_whole_scene(tmp_path):
    model = MaximumLikelihood()
    data = noise(70, 90)
    whole = model.encode(torch.from_numpy(data[None] / np.float32(255)))[0].numpy()
    with SceneReader(write_raster(tmp_path / "a.tif", data)) as scene:
        values, valid = encode_core(scene, model, Window(20, 30, 24, 32))
        outside = encode_core(scene, model, Window(64, 80, 16, 16))[1]
    np.testing.assert_allclose(values, whole[:, 20:44, 30:62], atol=1e-4)
    assert valid.all()
    assert outside[:6, :10].all()
    assert outside.sum() == 60


def test_the_sample_tells_mean_and_deviation_of_the_scene(tmp_path):
    data = noise(300, 700, 2)
    with SceneReader(write_raster(tmp_path / "a.tif", data), bands=(1, 2)) as scene:
        sample, ground = sample_ground(scene, Plain())
    assert 25_000 < len(sample) < 33_000
    assert ground.bands.mean == pytest.approx(data.mean(axis=(1, 2)) / 255, abs=0.01)
    assert ground.scaling.deviation == pytest.approx(data.std(axis=(1, 2)) / 255, abs=0.01)
    assert ground.red_green_blue == (0, 1, 1)


def test_a_sample_of_ground_that_lies_between_the_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(drawn_cells, "CORE", 16)
    data = np.full((3, 16, 400), 7, np.uint8)
    data[:, :, 20:100] = 8 + noise(16, 80) % 200
    with SceneReader(write_raster(tmp_path / "a.tif", data, nodata=7)) as scene:
        sample, ground = sample_ground(scene, Plain())
    assert len(sample) > 1000
    assert sample.min() > 7.5 / 255  # nothing of the ground without data
    inner = data[:, :, 20:100] / 255
    assert ground.bands.mean == pytest.approx(inner.mean(axis=(1, 2)), abs=0.01)
    assert ground.scaling.deviation == pytest.approx(inner.std(axis=(1, 2)), abs=0.01)


def test_colours_are_found_by_name(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(8, 8, 4))
    import rasterio

    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("nir", "blue", "Green band", "red")
    with SceneReader(path, bands=(1, 2, 3, 4)) as scene:
        assert find_colours(scene) == (3, 2, 1)


def test_labels_of_cells(tmp_path):
    grid = Georeference(8, 8, PLACE, CRS.from_string(UTM))
    drawn = Annotations(tmp_path, grid, {"a": np.array([shapely.box(0, 0, 3, 2)], object)})
    labels, numbers = label_cells(drawn, ["a"], Window(0, 0, 4, 4), 2)
    assert labels.tolist() == [[1, 1], [-1, -1]]
    assert numbers.tolist() == [[0, 0], [-1, -1]]
