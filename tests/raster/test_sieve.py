import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from fewscape.core import OutputError
from fewscape.raster import sieve_map, vectorise_map
from fewscape.raster.vectors.patches import label_patches
from fewscape.raster.vectors.sieve import SmallPatchFinder
from tests.raster.rasters import write_raster


def slow_sieve(classes, least):
    """The whole map at once, class by class."""
    kept = classes.copy()
    for number in set(np.unique(classes)) - {0, 255}:
        labels, count = ndimage.label(classes == number)
        for label in range(1, count + 1):
            if (labels == label).sum() < least:
                kept[labels == label] = 0
    return kept


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


@given(
    st.integers(1, 24),
    st.integers(1, 17),
    st.integers(1, 9),
    st.integers(0, 10_000),
    st.sampled_from([2, 4, 9, 1000]),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_strips_remove_what_the_whole_removes(height, width, strip, seed, least, sparse):
    generator = np.random.default_rng(seed)
    values = [0, 1, 2, 255] if sparse else [0, 1, 1, 1]
    classes = generator.choice(np.array(values, np.uint8), (height, width))
    expected = slow_sieve(classes, least)
    finder = SmallPatchFinder(least)
    parts = [classes[row : row + strip] for row in range(0, height, strip)]
    for part in parts:
        finder.advance(part, label_patches(part))
    finder.finish()
    for part, doomed in zip(parts, finder.doomed, strict=True):
        part[doomed[label_patches(part)]] = 0
    assert np.array_equal(np.concatenate(parts), expected)


def make_map(path, **profile):
    classes = np.random.default_rng(1).choice(np.array([0, 1, 2, 255], np.uint8), (90, 70))
    return write_raster(path, classes[None], nodata=255, **profile), classes


def test_maps_are_sieved_in_place_and_polygons_agree(tmp_path):
    path, classes = make_map(tmp_path / "map.tif")
    # A pixel measures a quarter of a square metre, on the ground a little less or more.
    removed = sieve_map(path, 1.3, strip_pixels=70 * 8)
    found = read(path)
    assert np.array_equal(found, slow_sieve(classes, 6))
    assert removed.tolist() == [
        int(((classes == value) & (found != value)).sum()) for value in range(256)
    ]
    count = vectorise_map(path, [], tmp_path / "map.gpkg", ["a", "b"])
    meta, _, _, values = pyogrio.raw.read(tmp_path / "map.gpkg")
    table = dict(zip(meta["fields"], values, strict=True))
    assert min(table["area_m2"]) >= 1.3
    assert table["pixels"].sum() == ((found > 0) & (found < 255)).sum()
    assert count == len(table["pixels"])


def test_areas_count_where_pixels_shrink(tmp_path):
    """Toward the pole a degree of longitude gets shorter."""
    classes = np.zeros((1, 200, 20), np.uint8)
    classes[0, 2:4, 2:4] = classes[0, 196:198, 2:4] = 1
    place = {"crs": "EPSG:4326", "transform": Affine(1e-2, 0, 10, 0, -1e-2, 61)}
    path = write_raster(tmp_path / "map.tif", classes, **place)
    vectorise_map(path, [], tmp_path / "map.gpkg", ["a"])
    meta, _, _, values = pyogrio.raw.read(tmp_path / "map.gpkg")
    north, south = sorted(values[list(meta["fields"]).index("area_m2")])
    assert south > 1.05 * north
    removed = sieve_map(path, (north + south) / 2)
    assert removed[1] == 4
    assert read(path)[:100].max() == 0
    assert read(path)[100:].max() == 1


def test_pixel_grids_are_sieved_by_pixels(tmp_path):
    path, classes = make_map(tmp_path / "map.tif", crs=None, transform=None)
    sieve_map(path, 6)
    assert np.array_equal(read(path), slow_sieve(classes, 6))
    assert sieve_map(path, 6).sum() == 0


def test_colours_names_and_tags_stay(tmp_path):
    path, _ = make_map(tmp_path / "map.tif")
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(1, CLASS_1="roof")
        dataset.write_colormap(1, {1: (1, 2, 3, 255)})
    sieve_map(path, 9)
    with rasterio.open(path) as dataset:
        assert dataset.tags(1)["CLASS_1"] == "roof"
        assert dataset.colormap(1)[1] == (1, 2, 3, 255)
        assert dataset.nodata == 255


def test_a_map_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    path, _ = make_map(tmp_path / "map.tif")
    monkeypatch.setattr("fewscape.raster.vectors.sieve.update_raster", full)
    with pytest.raises(OutputError, match="No space left"):
        sieve_map(path, 5)
