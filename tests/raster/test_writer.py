import subprocess
import sys

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from fewscape.core import OutputError
from fewscape.raster import BandStyle, Georeference, StripWriter, quantise
from tests.raster.rasters import PLACE, UTM

STYLE = BandStyle.layer("roof")


def grid(height, width):
    return Georeference(height, width, PLACE, CRS.from_string(UTM))


@given(st.integers(1, 700), st.integers(1, 300), st.integers(1, 400))
@settings(max_examples=15, deadline=None)
def test_strips_of_any_height_make_the_whole(tmp_path_factory, height, width, strip):
    path = tmp_path_factory.mktemp("strips") / "map.tif"
    values = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    with StripWriter(path, grid(height, width), STYLE, {}) as writer:
        for row in range(0, height, strip):
            writer.append(values[row : row + strip])
    with rasterio.open(path) as written:
        assert np.array_equal(written.read(1), values)


def test_class_maps_carry_place_colours_names_and_tags(tmp_path):
    style = BandStyle.classes(
        {1: "roof", 2: "road"}, {0: (9, 9, 9), 1: (255, 0, 0), 2: (0, 0, 255)}
    )
    with StripWriter(tmp_path / "map.tif", grid(300, 300), style, {"MODEL": "m"}) as writer:
        writer.append(np.ones((300, 300), np.uint8))
    with rasterio.open(tmp_path / "map.tif") as written:
        assert written.profile["tiled"]
        assert (written.crs, written.transform, written.nodata) == (
            CRS.from_string(UTM),
            PLACE,
            255,
        )
        assert written.colormap(1)[2] == (0, 0, 255, 255)
        assert written.tags()["MODEL"] == "m"
        assert written.tags(1)["CLASS_2"] == "road"
        assert written.descriptions == ("class",)


def test_probabilities_carry_their_scale(tmp_path):
    with StripWriter(tmp_path / "map.tif", grid(4, 4), STYLE, {}) as writer:
        writer.append(quantise(np.full((4, 4), 0.25, np.float32)))
    with rasterio.open(tmp_path / "map.tif") as written:
        assert written.scales == (1 / 254,)
        assert written.nodata == 255
        assert abs(written.read(1)[0, 0] * written.scales[0] - 0.25) < 0.5 / 254


def test_pixel_grids_stay_without_georeference(tmp_path):
    plain = Georeference(5, 7, Affine.identity())
    with StripWriter(tmp_path / "map.tif", plain, STYLE, {}) as writer:
        writer.append(np.zeros((5, 7), np.uint8))
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(tmp_path / "map.tif") as written,
    ):
        assert written.crs is None


def append(path, rows):
    with StripWriter(path, grid(5, 7), STYLE, {}) as writer:
        writer.append(np.zeros((rows, 7), np.uint8))


def test_missing_or_surplus_rows_are_errors(tmp_path):
    with pytest.raises(OutputError, match=r"2 rows of .* were not written"):
        append(tmp_path / "map.tif", 3)
    with pytest.raises(OutputError, match="has room for 5 rows, not 6"):
        append(tmp_path / "map.tif", 6)


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from affine import Affine
from fewscape.core import OutputError
from fewscape.raster import BandStyle, Georeference, StagedFiles, StripWriter
noise = np.random.default_rng(0).integers(0, 255, (700, 700), dtype=np.uint8)

def write(folder):
    with StagedFiles(folder) as staged:
        grid = Georeference(700, 700, Affine.identity())
        with StripWriter(staged.path("map.tif"), grid, BandStyle("class"), {}) as writer:
            writer.append(noise)
        return staged.commit()

folder = Path(sys.argv[1])
size = write(folder)[0].stat().st_size
(folder / "map.tif").unlink()
for limit in (1_000, size // 2, size - 30_000, size - 1):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write(folder)
    except OutputError as error:
        print(error)
    assert list(folder.iterdir()) == []
"""


def test_a_disk_that_fills_up_is_told_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    messages = done.stdout.splitlines()
    assert len(messages) == 4
    for message in messages:
        assert "map.tif' failed" in message
        assert "free some space or choose another folder" in message
