import gc

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image

import fewscape
from fewscape.core import ConfigError, ExamplesError, MissingPackageError, SceneError
from fewscape.request import Reporter
from tests.cli.test_map_pair_scene import write_files as write_pair
from tests.raster.rasters import PLACE, UTM
from tests.request.drawn import GROUND, ROOFS, write_files

geopandas = pytest.importorskip("geopandas", reason="the extra 'notebook' is not installed")
xarray = pytest.importorskip("xarray", reason="the extra 'notebook' is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")

QUICK = {"model": "maximum_likelihood", "device": "cpu"}
NAMES = ["roof"] * len(ROOFS) + ["background"] * len(GROUND)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def from_files(files, tmp_path_factory):
    return fewscape.map_scene(files.scene, files.examples, tmp_path_factory.mktemp("out"), **QUICK)


@pytest.fixture(scope="module")
def array(files):
    with rasterio.open(files.scene) as dataset:
        return dataset.read()


@pytest.fixture(scope="module")
def table():
    return geopandas.GeoDataFrame({"class": NAMES}, geometry=[*ROOFS, *GROUND], crs=UTM)


def test_files_in_files_out(from_files, files):
    paths = from_files.paths
    assert set(paths) == {"classes", "roof_prob", "polygons", "preview"}
    assert all(path.is_file() for path in paths.values())
    with rasterio.open(paths["classes"]) as dataset:
        assert np.array_equal(from_files.classes, dataset.read(1))
        assert dataset.tags()["SCENE"] == "scene.tif"
    assert from_files.class_names == ("roof",)
    share = (from_files.classes == 1).mean()
    assert from_files.class_shares == {"roof": pytest.approx(share)}
    assert from_files.scores.mean_iou.value > 0.5
    assert "roof" in repr(from_files)
    assert fewscape.reproduce(paths["classes"], scene=files.scene, examples=files.examples).is_same


def test_arrays_in_arrays_out(array, table, from_files):
    result = fewscape.map_scene(array, table, crs=UTM, transform=PLACE, **QUICK)
    assert np.array_equal(result.classes, from_files.classes)
    (name,) = result.layers
    assert result.layers[name].dtype == np.float32
    assert 0 <= result.layers[name].min() <= result.layers[name].max() <= 1
    folder = result.paths["classes"].parent
    del result
    gc.collect()
    assert not folder.exists()


def test_a_data_array_tells_its_place(array, table, from_files):
    rows, cols = np.arange(array.shape[1]) + 0.5, np.arange(array.shape[2]) + 0.5
    place = {"y": PLACE.e * rows + PLACE.f, "x": PLACE.a * cols + PLACE.c}
    told = rasterio.crs.CRS.from_string(UTM).to_wkt()
    scene = xarray.DataArray(
        np.moveaxis(array, 0, -1),
        {**place, "band": ["red", "green", "blue"], "spatial_ref": ((), 0, {"crs_wkt": told})},
        ("y", "x", "band"),
    )
    result = fewscape.map_scene(scene, table, bands=("red", "green", "blue"), **QUICK)
    assert np.array_equal(result.classes, from_files.classes)
    with rasterio.open(result.paths["classes"]) as dataset:
        assert dataset.transform.almost_equals(PLACE)
        assert dataset.crs == UTM


def test_rioxarray_is_understood(files, table, from_files):
    rioxarray = pytest.importorskip("rioxarray")
    with rioxarray.open_rasterio(files.scene) as scene:
        result = fewscape.map_scene(scene, table, **QUICK)
    assert np.array_equal(result.classes, from_files.classes)
    found = result.to_xarray()
    assert found.rio.crs == rasterio.crs.CRS.from_string(UTM)
    assert found.rio.transform().almost_equals(PLACE)


def test_arrays_without_a_place_have_columns_and_rows(array):
    drawn = [shapely.box(8, 8, 32, 32), shapely.box(56, 8, 80, 32), shapely.box(36, 8, 46, 40)]
    table = geopandas.GeoDataFrame({"kind": ["roof", "roof", "background"]}, geometry=drawn)
    result = fewscape.map_scene(array, table, class_field="kind", **QUICK)
    assert (result.classes[58:78, 58:78] == 1).mean() > 0.9


def test_pixels_without_data(array, table):
    scene = array.astype(np.float32)
    scene[:, :, 180:] = np.nan
    result = fewscape.map_scene(scene, table, crs=UTM, transform=PLACE, **QUICK)
    assert (result.classes[:, 180:] == 255).all()
    assert np.isnan(result.layers["roof_prob"][:, 180:]).all()


def test_tables_lie_beside_the_map_and_make_it_again(files, table, tmp_path, monkeypatch):
    result = fewscape.map_scene(files.scene, table, tmp_path / "maps", **QUICK)
    assert (tmp_path / "maps" / "scene_examples.fgb").is_file()
    assert fewscape.reproduce(result.paths["roof_prob"], scene=files.scene).is_same
    again = fewscape.map_scene(files.scene, table, tmp_path / "again", **QUICK)
    for key in ("classes", "roof_prob"):
        assert again.paths[key].read_bytes() == result.paths[key].read_bytes()


def test_polygons_as_a_table(from_files):
    found = from_files.to_geodataframe()
    assert set(found["class"]) == {"roof"}
    assert found.crs == UTM
    assert found["area_m2"].sum() == pytest.approx((from_files.classes == 1).sum() / 4, rel=0.01)


def test_rasters_as_a_dataset(from_files):
    found = from_files.to_xarray()
    assert np.array_equal(found["classes"], from_files.classes)
    assert found["x"][0] == PLACE.c + PLACE.a / 2
    assert found["y"][0] == PLACE.f + PLACE.e / 2


def test_plots_have_the_colours_of_the_map(from_files, tmp_path):
    axes = from_files.plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["roof"]
    axes.figure.savefig(tmp_path / "map.png")
    pixels = np.asarray(Image.open(tmp_path / "map.png").convert("RGB")).astype(int)
    away = np.abs(pixels - from_files.plan.colours[0]).max(axis=2)
    assert (away < 3).sum() > 1000


def test_without_the_extra_it_is_named(from_files, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "geopandas", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'fewscape\[notebook\]'"):
        from_files.to_geodataframe()


def test_a_pair_of_arrays_is_the_map_of_its_files(tmp_path):
    pair = write_pair(tmp_path)
    wanted = fewscape.map_pan_ms(pair.pan, pair.ms, pair.examples, tmp_path / "out", **QUICK)
    with rasterio.open(pair.pan) as pan, rasterio.open(pair.ms) as ms:
        place = {"crs": pan.crs, "transform": pan.transform}
        values = pan.read(1), ms.read()
    result = fewscape.map_pan_ms(*values, pair.examples, **place, **QUICK)
    assert np.array_equal(result.classes, wanted.classes)
    assert wanted.classes.shape == values[0].shape


def test_scenes_and_examples_by_themselves(files, table):
    with fewscape.open_scene(files.scene) as scene:
        image, valid = scene.read_overview(50)
        drawn = fewscape.read_examples(table, scene)
    assert image.shape == (3, 38, 50)
    assert valid.all()
    assert drawn.class_names == ("roof",)
    assert len(drawn.polygons["background"]) == 2
    from_file = fewscape.read_examples(files.examples, files.scene)
    assert shapely.equals_exact(from_file.polygons["roof"], drawn.polygons["roof"], 1e-6).all()


class Deaf(Reporter):
    pass


def test_warnings_are_logged_unless_somebody_listens(files, table, array, caplog):
    dull = array.copy()
    dull[2] = 9
    place = {"crs": UTM, "transform": PLACE}
    fewscape.map_scene(dull, table, **place, **QUICK)
    assert "has the value 9 everywhere" in caplog.text
    caplog.clear()
    fewscape.map_scene(dull, table, **place, **QUICK, reporter=Deaf())
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"widow": 64}, ConfigError, "no option 'widow'; did you mean 'window'"),
        ({"dry_run": True}, ConfigError, "there is no map to return"),
        ({"window": -1}, ConfigError, "window is -1"),
        ({"class_field": "kind"}, ExamplesError, "has no column 'kind'; its columns are: class"),
        ({"scene": np.zeros((2, 2, 2, 2))}, SceneError, r"shape \(2, 2, 2, 2\)"),
        ({"scene": np.full((1, 9, 9), "a")}, SceneError, "expected numbers"),
        ({"scene": np.full((1, 9, 9), 2**40)}, SceneError, "beyond the range of int32"),
    ],
)
def test_mistakes_are_told(array, table, change, error, message):
    given = {"scene": array, "examples": table, "crs": UTM, "transform": PLACE, **QUICK}
    with pytest.raises(error, match=message):
        fewscape.map_scene(**(given | change))


def test_a_file_tells_its_own_place(files):
    with pytest.raises(ConfigError, match="crs was given for"):
        fewscape.map_scene(files.scene, files.examples, crs=UTM, **QUICK)


def test_uneven_coordinates_are_told(table):
    scene = xarray.DataArray(
        np.zeros((4, 4), np.uint8), {"y": [0, 1, 2, 4], "x": range(4)}, ("y", "x")
    )
    with pytest.raises(SceneError, match="'y' are not evenly spaced"):
        fewscape.map_scene(scene, table, **QUICK)


def test_affine_and_numbers_are_places(array, table, from_files):
    numbers = tuple(PLACE)[:6]
    assert Affine(*numbers) == PLACE
    result = fewscape.map_scene(array, table, crs=UTM, transform=numbers, **QUICK)
    assert np.array_equal(result.classes, from_files.classes)
