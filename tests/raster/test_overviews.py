import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rio_cogeo import cog_validate

from fewscape.core import OutputError
from fewscape.raster import BandStyle, Georeference, StripWriter, add_overviews, make_cog
from fewscape.raster.writing.overviews import choose_factors
from tests.raster.rasters import PLACE, UTM


def write_map(path, style, values, place=True):
    grid = Georeference(
        *values.shape,
        PLACE if place else Affine.identity(),
        rasterio.crs.CRS.from_string(UTM) if place else None,
    )
    with StripWriter(
        path, grid, style, {"MODEL": "mine", "PARAMETERS": '{"window": 64}'}
    ) as writer:
        writer.append(values)
    return path


CLASSES = BandStyle.classes({0: "background", 1: "roof", 2: "road"}, {1: (9, 8, 7), 2: (1, 2, 3)})


def make_values(height=1100, width=700):
    values = np.random.default_rng(0).choice(np.array([0, 1, 1, 1, 2], np.uint8), (height, width))
    values[:, 600:] = 255
    return values


def describe(path):
    with rasterio.open(path) as dataset:
        return {
            "values": dataset.read(1),
            "place": (dataset.crs, dataset.transform),
            "nodata": dataset.nodata,
            "colours": dataset.colormap(1) if dataset.colorinterp[0].name == "palette" else None,
            "scales": dataset.scales,
            "descriptions": dataset.descriptions,
            "band": {k: v for k, v in dataset.tags(1).items() if k.startswith("CLASS")},
            "tags": {k: v for k, v in dataset.tags().items() if k != "OVR_RESAMPLING_ALG"},
        }


def read_reduced(path, level=0):
    with rasterio.open(path, overview_level=level) as dataset:
        return dataset.read(1)


@given(st.integers(1, 200_000), st.integers(1, 200_000))
def test_factors_end_below_512(height, width):
    factors = choose_factors(height, width)
    assert factors == [2**power for power in range(1, len(factors) + 1)]
    last, before = ([1, 1, *factors][-1], [1, 1, *factors][-2])
    assert max(height, width) / last < 512
    assert not factors or max(height, width) / before >= 512


@pytest.mark.parametrize("place", [True, False])
@pytest.mark.parametrize("style", [CLASSES, BandStyle.layer("roof")])
@pytest.mark.parametrize("change", [add_overviews, make_cog])
def test_everything_but_the_layout_stays(tmp_path, style, place, change):
    path = write_map(tmp_path / "map.tif", style, make_values(), place)
    before = describe(path)
    change(path, "mode" if style is CLASSES else "average")
    after = describe(path)
    assert np.array_equal(before.pop("values"), after.pop("values"))
    assert before == after
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == [2, 4]
    assert [file.name for file in tmp_path.iterdir()] == ["map.tif"]


def test_cogs_are_valid(tmp_path):
    for number, shape in enumerate([(1100, 700), (40, 50), (300, 2000)]):
        path = write_map(tmp_path / f"{number}.tif", CLASSES, make_values(*shape))
        make_cog(path, "mode")
        valid, errors, warnings = cog_validate(path, strict=True)
        assert (valid, errors, warnings) == (True, [], [])
        with rasterio.open(path) as dataset:
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert dataset.profile["compress"] == "deflate"
            if min(shape) >= 512:
                assert dataset.block_shapes == [(512, 512)]


@pytest.mark.parametrize("change", [add_overviews, make_cog])
def test_classes_keep_their_most_frequent_and_numbers_their_mean(tmp_path, change):
    values = np.full((600, 600), 100, np.uint8)
    values[::2, ::2] = 20
    values[:, 400:] = 255
    modes = write_map(tmp_path / "classes.tif", CLASSES, values)
    means = write_map(tmp_path / "numbers.tif", BandStyle.layer("roof"), values)
    change(modes, "mode")
    change(means, "average")
    assert (read_reduced(modes)[:, :200] == 100).all()
    assert (read_reduced(means)[:, :200] == 80).all()
    for path in (modes, means):
        assert (read_reduced(path)[:, 200:] == 255).all()


def test_small_maps_need_no_overviews(tmp_path):
    path = write_map(tmp_path / "map.tif", CLASSES, make_values(100, 90))
    before = path.read_bytes()
    add_overviews(path, "mode")
    assert path.read_bytes() == before


def test_a_full_disk_is_told_and_the_map_stays(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    path = write_map(tmp_path / "map.tif", CLASSES, make_values())
    before = path.read_bytes()
    monkeypatch.setattr("rasterio.shutil.copy", full)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space"):
        make_cog(path, "mode")
    assert path.read_bytes() == before
