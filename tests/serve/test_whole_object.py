"""Whole objects from one click."""

import numpy as np
import pytest
import shapely

from fewscape.core import SceneError
from fewscape.raster import SceneReader
from fewscape.serve.whole_object import outline_object
from tests.raster.rasters import write_raster

ROOF = shapely.box(60, 40, 110, 70)


@pytest.fixture
def scene(tmp_path):
    """Grass with a roof, and a corner without data."""
    rng = np.random.default_rng(0)
    values = np.full((3, 200, 260), 90.0) + rng.normal(0, 4, (3, 200, 260))
    values[:, 40:70, 60:110] += np.array([100, 60, 40])[:, None, None]
    values = values.clip(1, 255).astype(np.uint8)
    values[:, 180:, 240:] = 0
    with SceneReader(write_raster(tmp_path / "scene.tif", values, nodata=0), None) as reader:
        yield reader


def share(one, other):
    return one.intersection(other).area / one.union(other).area


@pytest.mark.parametrize(("resolution", "least"), [(1.0, 0.85), (2.4, 0.75)])
def test_a_roof_is_outlined(scene, resolution, least):
    found = shapely.geometry.shape(outline_object(scene, 55.5, 80.2, 12, resolution))
    assert share(found, ROOF) > least
    assert len(shapely.get_coordinates(found)) < 60


def test_the_ground_around_it_has_a_hole(scene):
    found = shapely.geometry.shape(outline_object(scene, 150, 150, 18, 1.0))
    assert found.is_valid
    assert found.area > 10 * ROOF.area
    assert not found.contains(ROOF.centroid)


@pytest.mark.parametrize(
    ("row", "col", "message"),
    [(200, 0, "outside the scene"), (0, -1, "outside the scene"), (190, 250, "shows nothing")],
)
def test_where_there_is_nothing(scene, row, col, message):
    with pytest.raises(SceneError, match=message):
        outline_object(scene, row, col, 12, 1.0)
