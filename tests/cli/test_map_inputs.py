"""Scenes of all kinds through the whole of ``fewscape map``."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS

from fewscape.cli.main import main
from fewscape.models import ModelFolder, Prototype
from fewscape.raster import Georeference
from fewscape.raster.georeference import reproject
from fewscape.zoo import ModelFacts
from tests.cli.test_map import brightness_model, first_roof, lit_roofs, read_classes, run
from tests.raster.rasters import PLACE, UTM, write_raster
from tests.raster.servers import RasterServer
from tests.raster.test_polygons import write_polygons

__all__ = ["brightness_model"]

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

TRUTH = lit_roofs()[0] > 0
LEAN = ("--no_vectors", "--no_preview")


@pytest.fixture
def examples(tmp_path):
    return write_polygons(tmp_path / "roofs.geojson", [first_roof()], ["roof"])


@pytest.fixture
def scene(tmp_path):
    return write_raster(tmp_path / "scene.tif", lit_roofs())


def train_on(monkeypatch, **seen):
    """A network whose folder tells this of the images that it was trained on."""
    folder = ModelFolder(Path("mine"), {"sha256": "0"}, seen)
    facts = ModelFacts("prototype", "few_shot", Prototype, folder)
    monkeypatch.setattr("fewscape.zoo.find", lambda name: facts)


def overlap(classes, truth=TRUTH):
    return ((classes == 1) & truth).sum() / ((classes == 1) | truth).sum()


def on_ground(transform, crs, pixels=(8, 8, 32, 32), target=UTM):
    """A box of a raster's pixels in another reference system."""
    grid = Georeference(150, 200, transform, CRS.from_string(crs))
    ground = shapely.transform(shapely.segmentize(shapely.box(*pixels), 4), grid.to_ground)
    return shapely.transform(
        ground, lambda points: reproject(points, grid.crs, CRS.from_string(target))
    )


def test_folders_patterns_and_lists(tmp_path, examples, capsys):
    folder = tmp_path / "tiles"
    folder.mkdir()
    for name in ("b", "a"):
        write_raster(folder / f"{name}.tif", lit_roofs())
    (folder / "notes.md").touch()
    (tmp_path / "all.txt").write_text(f"{folder}/b.tif\n{folder}/a.tif\n")
    for number, given in enumerate((folder, folder / "*.tif", tmp_path / "all.txt")):
        out = tmp_path / f"out{number}"
        assert run(given, examples, out, *LEAN) == 0
        assert {path.name for path in out.glob("*classes.tif")} == {
            "a_classes.tif",
            "b_classes.tif",
        }
    told = capsys.readouterr().out
    assert "a.tif: 200 x 150 pixels of 0.5 m, uint8; band 1 red 0 to 255, band 2 green" in told


def test_a_scene_on_the_web(tmp_path, scene, examples):
    assert run(scene, examples, tmp_path / "local", *LEAN) == 0
    with RasterServer(tmp_path) as server:
        server.set_up("drop", "truncate", "busy")
        address = f"{server.url}/scene.tif?key=secret"
        more = ("--tries", "5", "--retry_delay", "0.01")
        assert run(address, examples, tmp_path / "web", *LEAN, *more) == 0
        server.set_up(every="drop")
        assert run(address, examples, tmp_path / "no", *LEAN, *more) == 2
    local, _ = read_classes(tmp_path / "local")
    remote, tags = read_classes(tmp_path / "web")
    assert np.array_equal(local, remote)
    assert tags["SCENE"] == "scene.tif"


def test_stac_items_are_named_by_their_ids(tmp_path, examples):
    write_raster(tmp_path / "data.tif", lit_roofs())
    items = [
        {"type": "Feature", "id": name, "assets": {"image": {"href": "data.tif"}}}
        for name in ("east", "west")
    ]
    catalog = tmp_path / "items.json"
    catalog.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    assert run(catalog, examples, tmp_path / "out", *LEAN, "--asset", "image") == 0
    east, west = (read_classes(tmp_path / "out", name)[0] for name in ("east", "west"))
    assert overlap(east) > 0.85
    assert np.array_equal(east, west)


def write_named(path, order):
    """Roofs in the bands red, green and blue; a bright band nir in between tells nothing."""
    data = np.concatenate([lit_roofs(), np.full((1, 150, 200), 240, np.uint8)])
    data[0] //= 2
    names = ["red", "green", "blue", "nir"]
    write_raster(path, np.stack([data[names.index(name)] for name in order]))
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = order
    return path


def test_bands_by_name_in_any_order(tmp_path, examples):
    one = write_named(tmp_path / "one.tif", ("red", "green", "blue", "nir"))
    two = write_named(tmp_path / "two.tif", ("nir", "blue", "red", "green"))
    more = ("--bands", "red,green,blue", *LEAN)
    assert run([one, two], examples, tmp_path / "out", *more) == 0
    first, tags = read_classes(tmp_path / "out", "one")
    assert overlap(first) > 0.85
    assert np.array_equal(first, read_classes(tmp_path / "out", "two")[0])
    assert json.loads(tags["PARAMETERS"])["bands"] == ["red", "green", "blue"]


def test_a_scene_without_a_named_band_is_told_before_any_map(tmp_path, capsys, examples):
    one = write_named(tmp_path / "one.tif", ("red", "green", "blue", "nir"))
    two = write_named(tmp_path / "two.tif", ("red", "green", "blue", "nir"))
    with rasterio.open(two, "r+") as dataset:
        dataset.descriptions = ("red", "green", "swir", "nir")
    assert run([one, two], examples, tmp_path / "out", "--bands", "red,green,blue") == 2
    told = capsys.readouterr().err
    assert "two.tif' has no band named 'blue'; it has 1 red, 2 green, 3 swir, 4 nir" in told
    assert list((tmp_path / "out").iterdir()) == []


def test_bands_of_the_examples_by_name(tmp_path, examples):
    source = write_named(tmp_path / "source.tif", ("nir", "blue", "red", "green"))
    target = write_raster(tmp_path / "scene.tif", lit_roofs())
    more = ("--example_scene", str(source), "--example_bands", "green,green,blue", *LEAN)
    assert run(target, examples, tmp_path / "out", *more) == 0
    assert overlap(read_classes(tmp_path / "out")[0]) > 0.85


def test_scenes_unlike_that_of_the_examples_are_warned_of(tmp_path, capsys, scene, examples):
    dark = lit_roofs("uint16", 240)
    dark[1] *= 5
    other = write_raster(tmp_path / "dark.tif", dark)
    assert run([scene, other], examples, tmp_path / "out", *LEAN) == 0
    told = capsys.readouterr()
    assert "warning: 'dark.tif': band 2 has values around 0 (0 to 1200), the scene" in told.err
    assert "band 1 has values" not in told.err
    assert "'scene.tif'" not in told.err
    assert "dark.tif: 200 x 150 pixels of 0.5 m, uint16; band 1 0 to 240, band 2 0 to 1200" in (
        told.out
    )


@pytest.mark.parametrize(("median", "is_warned"), [(0.1, False), (0.7, True)])
def test_scenes_unlike_those_of_training_are_warned_of(
    tmp_path, capsys, monkeypatch, scene, examples, median, is_warned
):
    values = {"low": [0.0] * 3, "median": [0.0, median, 0.0], "high": [1.0] * 3}
    train_on(monkeypatch, values=values)
    assert run(scene, examples, tmp_path / "out", *LEAN) == 0
    told = capsys.readouterr().err
    drift = "'scene.tif': scaled to 0 to 1, band 2 green has values around 0 (0 to 0.9"
    assert (drift in told) == is_warned
    assert "band 1 red" not in told


def test_constant_bands_are_warned_of(tmp_path, capsys, examples):
    data = lit_roofs()
    data[2] = 9
    assert run(write_raster(tmp_path / "a.tif", data), examples, tmp_path / "out", *LEAN) == 0
    assert "'a.tif': band 3 blue has the value 9 everywhere" in capsys.readouterr().err


def coarse(tmp_path, name="coarse.tif"):
    """The roofs with pixels of 2 m: every one stands for 4 x 4 of the fine scene."""
    data = np.kron(lit_roofs()[:, ::4, ::4], np.ones((1, 4, 4), np.uint8))[:, :150, :200]
    return write_raster(tmp_path / name, data, transform=Affine(2, 0, PLACE.c, 0, -2, PLACE.f))


def test_pixels_of_another_size_are_warned_of(tmp_path, capsys, scene, examples):
    assert run([scene, coarse(tmp_path)], examples, tmp_path / "out", *LEAN) == 0
    told = capsys.readouterr().err
    assert "'coarse.tif' has pixels of 2 m, the scene of the examples of 0.5 m" in told
    assert "--resolution 2 resamples both to one size" in told


def test_scenes_are_brought_to_a_resolution(tmp_path, capsys, scene, examples):
    assert run(scene, examples, tmp_path / "out", *LEAN, "--resolution", "1") == 0
    classes, tags = read_classes(tmp_path / "out")
    assert overlap(classes, TRUTH[::2, ::2]) > 0.85
    with rasterio.open(tmp_path / "out" / "scene_classes.tif") as dataset:
        assert dataset.transform.almost_equals(Affine(1, 0, PLACE.c, 0, -1, PLACE.f))
        assert dataset.crs == CRS.from_string(UTM)
    assert json.loads(tags["PARAMETERS"])["resolution"] == 1
    assert "100 x 75 pixels of 1 m (resampled from 200 x 150)" in capsys.readouterr().out


def test_label_rasters_on_the_pixels_of_the_file_follow_a_resolution(tmp_path, scene):
    labels = (TRUTH[None] & (np.arange(200) < 100)).astype(np.uint8)
    examples = write_raster(tmp_path / "labels.tif", labels)
    more = ("--resolution", "0.25", "--label_zero", "unknown", *LEAN)
    assert run(scene, examples, tmp_path / "out", *more) == 0
    assert overlap(read_classes(tmp_path / "out")[0], np.kron(TRUTH, np.ones((2, 2))) > 0) > 0.85


def test_the_resolution_of_training_is_taken(tmp_path, capsys, monkeypatch, scene, examples):
    train_on(monkeypatch, ground_resolution=1.0)
    assert run(scene, examples, tmp_path / "out", *LEAN) == 0
    assert read_classes(tmp_path / "out")[0].shape == (75, 100)
    picture = write_raster(tmp_path / "photo.png", lit_roofs())
    labels = write_raster(tmp_path / "labels.png", TRUTH[None].astype(np.uint8))
    assert run(picture, labels, tmp_path / "out", *LEAN) == 0
    assert read_classes(tmp_path / "out", "photo")[0].shape == (150, 200)
    assert "'photo.png' has no known pixel size" in capsys.readouterr().err


def test_resolution_needs_a_reference_system(tmp_path, capsys):
    picture = write_raster(tmp_path / "photo.png", lit_roofs())
    labels = write_raster(tmp_path / "labels.png", TRUTH[None].astype(np.uint8))
    assert run(picture, labels, tmp_path / "out", "--resolution", "1") == 2
    assert "photo.png' has no coordinate reference system" in capsys.readouterr().err


DEGREES = Affine(7e-6, 0, 3.0, 0, -4.5e-6, 45.2)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson"])
@pytest.mark.parametrize("resolution", [None, "0.3"])
def test_scenes_in_degrees_with_examples_in_metres(tmp_path, suffix, resolution):
    scene = write_raster(tmp_path / "scene.tif", lit_roofs(), crs="EPSG:4326", transform=DEGREES)
    drawn = on_ground(DEGREES, "EPSG:4326")
    examples = write_polygons(tmp_path / f"roofs{suffix}", [drawn], ["roof"])
    more = ("--resolution", resolution) if resolution else ()
    assert run(scene, examples, tmp_path / "out", *LEAN, *more) == 0
    with rasterio.open(tmp_path / "out" / "scene_classes.tif") as dataset:
        classes = dataset.read(1)
        assert dataset.crs == CRS.from_epsg(4326)
        left, bottom, right, top = dataset.bounds
    assert (left, top) == pytest.approx((3.0, 45.2))
    assert (right, bottom) == pytest.approx((3.0 + 200 * 7e-6, 45.2 - 150 * 4.5e-6))
    rows = (np.arange(classes.shape[0]) + 0.5) * 150 / classes.shape[0]
    cols = (np.arange(classes.shape[1]) + 0.5) * 200 / classes.shape[1]
    assert overlap(classes, TRUTH[np.ix_(rows.astype(int), cols.astype(int))]) > 0.7


@pytest.mark.parametrize(
    "transform",
    [
        Affine(0.5, 0, 500_000, 0, 0.5, 4_999_900),  # south-up
        Affine.translation(5e5, 5e6) @ Affine.rotation(25) @ Affine.scale(0.5, -0.5),
    ],
)
def test_turned_scenes_keep_their_place(tmp_path, transform):
    scene = write_raster(tmp_path / "scene.tif", lit_roofs(), transform=transform)
    examples = write_polygons(tmp_path / "roofs.gpkg", [on_ground(transform, UTM)], ["roof"])
    assert run(scene, examples, tmp_path / "out", *LEAN) == 0
    with rasterio.open(tmp_path / "out" / "scene_classes.tif") as dataset:
        assert dataset.transform.almost_equals(transform)
        assert overlap(dataset.read(1)) > 0.85


def test_examples_from_a_scene_in_another_reference_system(tmp_path, scene):
    source = write_raster(tmp_path / "source.tif", lit_roofs(), crs="EPSG:4326", transform=DEGREES)
    drawn = on_ground(DEGREES, "EPSG:4326", target="EPSG:3857")
    examples = write_polygons(tmp_path / "roofs.gpkg", [drawn], ["roof"], "EPSG:3857")
    more = ("--example_scene", str(source), *LEAN)
    assert run(scene, examples, tmp_path / "out", *more) == 0
    assert overlap(read_classes(tmp_path / "out")[0]) > 0.85


def with_hole(path, how):
    """The roofs, without data in the last 40 columns."""
    data = lit_roofs("float32" if how == "nan" else "uint8")
    if how == "nan":
        data[:, :, 160:] = np.nan
        return write_raster(path, data, nodata=np.nan)
    if how == "one band":  # 0 in the others is dark ground with value 1
        data += 1
        data[:, :, 160:] = 0
        data[0, :, :100] = 0
        return write_raster(path, data, nodata=0)
    opaque = np.full((150, 200), 255, np.uint8)
    opaque[:, 160:] = 0
    if how == "alpha":
        data = np.concatenate([data, opaque[None]])
        return write_raster(path, data, photometric="RGB", alpha="YES")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=how == "internal mask"):
        write_raster(path, data)
        with rasterio.open(path, "r+") as dataset:
            dataset.write_mask(opaque > 0)
    return path


@pytest.mark.parametrize("how", ["nan", "one band", "alpha", "internal mask", "external mask"])
def test_pixels_without_data_get_no_class(tmp_path, examples, how):
    scene = with_hole(tmp_path / "scene.tif", how)
    assert (tmp_path / "scene.tif.msk").exists() == (how == "external mask")
    assert run(scene, examples, tmp_path / "out", *LEAN) == 0
    classes, _ = read_classes(tmp_path / "out")
    assert (classes[:, 160:] == 255).all()
    assert (classes[:, :160] < 255).all()


@pytest.mark.parametrize("size", [(40, 50), (150, 1), (1, 200)])
def test_small_and_narrow_scenes_from_the_examples_of_another(tmp_path, scene, examples, size):
    data = lit_roofs()[:, : size[0], 20 : 20 + size[1]]
    small = write_raster(tmp_path / "small.tif", data)
    more = ("--example_scene", str(scene), *LEAN)
    assert run(small, examples, tmp_path / "out", *more) == 0
    classes, _ = read_classes(tmp_path / "out", "small")
    assert classes.shape == data.shape[1:]
    if size[1] == 1:
        assert ((classes == 1) == (data[0] > 0)).mean() > 0.8


def test_an_empty_folder_and_unknown_pairs_are_told(tmp_path, capsys, examples):
    (tmp_path / "none").mkdir()
    assert run(tmp_path / "none", examples, tmp_path / "out") == 2
    assert "none' has no raster" in capsys.readouterr().err
    pair = ["--pan", "p.tif", "--ms", "m.tif", "--examples", str(examples), "--resolution", "1"]
    assert main(["map", *pair, "--output", str(tmp_path / "out")]) == 2
    assert "--resolution was given beside --pan and --ms" in capsys.readouterr().err


def test_scenes_of_one_name_in_a_folder_are_refused(tmp_path, capsys, examples, scene):
    (tmp_path / "more").mkdir()
    write_raster(tmp_path / "more" / "scene.png", lit_roofs())
    assert run([scene, tmp_path / "more"], examples, tmp_path / "out") == 2
    assert "2 scenes are named 'scene', such as" in capsys.readouterr().err
