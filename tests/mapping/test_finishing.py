import json
import sys
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
import shapely
from rio_cogeo import cog_validate
from scipy import ndimage

from fewscape.core import ConfigError, MissingPackageError, SceneError
from fewscape.mapping import MapOptions, OutputOptions, map_scene
from fewscape.raster import SceneReader
from tests.mapping.doubles import BandSegmenter
from tests.raster.rasters import UTM, write_raster

ORIGIN = {"MODEL": "mine", "MODEL_SHA256": "0123456789abcdef", "PARAMETERS": '{"window": 32}'}


def make_scene(height=560, width=600):
    """A red field, a green field, three specks, and a margin without data."""
    data = np.ones((3, height, width), np.uint8)
    data[0, 40:160, 48:168] = 250
    data[1, 240:480, 160:400] = 250
    for row, col in ((200, 40), (200, 480), (520, 200)):
        data[0, row : row + 8, col : col + 8] = 250
    data[:, :, 560:] = 0
    return data


def map_with(tmp_path, data=None, *, preview=False, name="town.tif", **outputs):
    options = MapOptions(preview=preview, tags=ORIGIN, outputs=OutputOptions(**outputs))
    profile = {} if name.endswith(".png") else {"nodata": 0}
    tmp_path.mkdir(exist_ok=True)
    path = write_raster(tmp_path / name, make_scene() if data is None else data, **profile)
    with SceneReader(path) as scene:
        return map_scene(scene, BandSegmenter(), tmp_path / "out", options), tmp_path / "out"


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def read_table(path):
    meta, _, wkb, values = pyogrio.raw.read(path, layer="polygons")
    return dict(zip(meta["fields"], values, strict=True)), shapely.from_wkb(wkb)


def count_patches(classes):
    within = np.where(classes == 255, 0, classes)
    return sum(ndimage.label(within == value)[1] for value in (1, 2))


def test_without_a_wish_rasters_have_overviews_and_styles(tmp_path):
    result, out = map_with(tmp_path)
    rasters = [path for path in result.files if path.suffix == ".tif"]
    assert len(rasters) == 3
    for path in rasters:
        with rasterio.open(path) as dataset:
            assert dataset.overviews(1) == [2]
            assert dataset.tags()["MODEL"] == "mine"
            assert len(dataset.tags()["SCENE_FINGERPRINT"]) == 64
        assert ElementTree.parse(path.with_suffix(".qml")).getroot().tag == "qgis"
    table, _ = read_table(out / "town.gpkg")
    assert set(table["scene"]) == {"town.tif"}
    assert set(table["model"]) == {"mine@0123456789ab"}
    assert (table["perimeter_m"] > 0).all()


def test_cloud_optimized_rasters_hold_the_same_pixels_and_facts(tmp_path):
    plain, out = map_with(tmp_path / "plain")
    made, cog = map_with(tmp_path / "cog", cog=True)
    assert [path.name for path in made.files] == [path.name for path in plain.files]
    for path in (path for path in made.files if path.suffix == ".tif"):
        assert cog_validate(path, strict=True) == (True, [], [])
        with rasterio.open(path) as one, rasterio.open(out / path.name) as other:
            assert np.array_equal(one.read(1), other.read(1))
            assert one.tags(1) == other.tags(1)
            assert one.scales == other.scales
            assert one.descriptions == other.descriptions
            assert one.tags()["MODEL"] == "mine"
    with rasterio.open(cog / "town_classes.tif") as dataset:
        assert dataset.tags(1)["CLASS_2"] == "green"
        assert dataset.colormap(1)[255] == (0, 0, 0, 0)


def test_small_patches_leave_the_class_map_and_the_polygons(tmp_path):
    before, plain = map_with(tmp_path / "plain")
    after, out = map_with(tmp_path / "sieved", min_area=50)
    classes, original = read(out / "town_classes.tif"), read(plain / "town_classes.tif")
    table, outlines = read_table(out / "town.gpkg")
    assert count_patches(original) > count_patches(classes) == len(outlines) == 2
    assert min(table["area_m2"]) >= 50
    changed = classes != original
    assert (classes[changed] == 0).all()
    assert after.class_pixels == {
        name: int((classes == value).sum()) for value, name in ((1, "red"), (2, "green"))
    }
    assert before.class_pixels["red"] - after.class_pixels["red"] == changed.sum()
    assert after.valid_pixels == before.valid_pixels
    probability = "town_red_prob.tif"
    assert np.array_equal(read(out / probability), read(plain / probability))


def test_pictures_are_sieved_and_simplified_in_pixels(tmp_path):
    result, out = map_with(tmp_path, name="town.png", min_area=1000, simplify=2.0)
    table, outlines = read_table(out / "town.gpkg")
    assert len(outlines) == 2
    assert min(table["pixels"]) >= 1000
    assert shapely.is_valid(outlines).all()
    assert result.class_pixels["red"] >= 1000


def test_simpler_polygons_have_fewer_vertices(tmp_path):
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).random((3, 200, 200)), (0, 9, 9))
    data = np.where(smooth > np.median(smooth), 250, 1).astype(np.uint8)
    counts = []
    for tolerance in (0, 2):
        _, out = map_with(tmp_path / str(tolerance), data, simplify=tolerance)
        _, outlines = read_table(out / "town.gpkg")
        assert shapely.is_valid(outlines).all()
        counts.append(shapely.get_num_coordinates(outlines).sum())
    assert shapely.coverage_is_valid(outlines)
    assert counts[1] < counts[0] / 3


def test_an_item_describes_every_file(tmp_path):
    _, out = map_with(tmp_path, preview=True, cog=True, stac=True)
    item = pystac.Item.from_file(str(out / "town.stac.json"))
    assert item.id == "town"
    assert set(item.assets) == {"classes", "red_prob", "green_prob", "polygons", "preview"}
    for asset in item.assets.values():
        assert (out / asset.href).is_file()
    classes = item.assets["classes"]
    assert classes.media_type == pystac.MediaType.COG
    values = classes.extra_fields["classification:classes"]
    assert [value["value"] for value in values] == [0, 1, 2, 255]
    assert item.properties["proj:code"] == UTM
    assert item.properties["proj:shape"] == [560, 600]
    assert item.properties["fewscape:parameters"] == {"window": 32}


def test_pictures_have_no_item(tmp_path):
    with pytest.raises(SceneError, match=r"town\.png' has no coordinate.*leave out --stac"):
        map_with(tmp_path, name="town.png", stac=True)
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_told_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pystac", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'fewscape\[stac\]'"):
        map_with(tmp_path, stac=True)


@pytest.mark.parametrize("outputs", [{"min_area": -1}, {"simplify": float("nan")}])
def test_impossible_wishes_are_refused(tmp_path, outputs):
    (name,) = outputs
    with pytest.raises(ConfigError, match=rf"--{name} .*expected a number from 0"):
        map_with(tmp_path, **outputs)


def test_an_old_geos_is_told_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(shapely, "geos_version", (3, 11, 4))
    with pytest.raises(ConfigError, match=r"GEOS 3\.11\.4; shared borders need GEOS 3\.12"):
        map_with(tmp_path, simplify=1)


def test_items_are_plain_json(tmp_path):
    _, out = map_with(tmp_path, stac=True, styles=False)
    content = json.loads((out / "town.stac.json").read_text())
    assert content["type"] == "Feature"
    assert not list(out.glob("*.qml"))
