import numpy as np
import pytest

from fewscape.core import SceneError
from fewscape.raster.comparison import Difference, compare_rasters
from tests.raster.rasters import write_raster


def test_values_count_and_files_do_not(tmp_path):
    values = np.random.default_rng(0).integers(0, 250, (1, 60, 50), dtype=np.uint8)
    first = write_raster(tmp_path / "a.tif", values, nodata=255)
    other = write_raster(tmp_path / "b.tif", values, nodata=255, compress="deflate")
    assert compare_rasters(first, other) == Difference(3000, 0, 0)
    changed = values.copy()
    changed[0, 3, 4] ^= 2
    changed[0, 50, 4] = values[0, 50, 4] // 2 + 3
    changed[0, 59, 49] = 255
    last = write_raster(tmp_path / "c.tif", changed, nodata=255)
    largest = int(np.abs(values.astype(int) - changed)[changed != 255].max())
    assert compare_rasters(first, last, strip_pixels=333) == Difference(3000, 3, largest)


def test_other_sizes_are_refused(tmp_path):
    paths = [
        write_raster(tmp_path / f"{width}.tif", np.zeros((1, 5, width), np.uint8))
        for width in (4, 6)
    ]
    with pytest.raises(SceneError, match=r"5 x 4 pixels.*has 5 x 6"):
        compare_rasters(*paths)
