"""What people give to models that learn from every drawn pixel: it maps, or tells in a sentence."""

import json
import re

import numpy as np
import pytest
import rasterio
import shapely

from fewscape.cli.main import main
from tests.raster.rasters import PLACE, write_raster
from tests.raster.test_polygons import write_polygons

MODELS = ["ensemble", "maximum_likelihood", "pixel_trees", "random_forest"]
HEIGHT, WIDTH = 60, 90


def halves(bands=3, height=HEIGHT, width=WIDTH):
    """Dark ground on the left, bright on the right, with noise."""
    rng = np.random.default_rng(bands)
    data = rng.normal(60, 12, (bands, height, width))
    data[:, :, width // 2 :] += 90
    return data.clip(0, 255).astype(np.uint8)


def box(left, top, right, bottom):
    """On the ground, of columns and rows."""
    return shapely.transform(
        shapely.box(left, top, right, bottom),
        lambda points: points * (PLACE.a, PLACE.e) + (PLACE.c, PLACE.f),
    )


DRAWN = [box(5, 5, 20, 20), box(10, 30, 25, 50), box(60, 5, 80, 20), box(55, 30, 70, 50)]
NAMES = ["background", "background", "roof", "roof"]


@pytest.fixture
def call(tmp_path):
    """Exit code of ``map``; the class map stands in ``out``."""

    def run(*more, data=None, drawn=DRAWN, names=NAMES, model="maximum_likelihood", **profile):
        data = halves() if data is None else data
        scene = write_raster(tmp_path / "scene.tif", data, **profile)
        examples = write_polygons(tmp_path / "a.gpkg", drawn, names)
        words = ("map", scene, "--examples", examples, "--output", tmp_path / "out")
        return main([*map(str, words), "--model", model, "--device", "cpu", *more])

    return run


def read_classes(tmp_path):
    with rasterio.open(tmp_path / "out" / "scene_classes.tif") as dataset:
        return dataset.read(1), dataset.tags()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("bands", [1, 2, 4, 8, 13])
def test_any_number_of_bands(call, tmp_path, model, bands):
    # Not minisblack, the fourth of four bands would be alpha.
    assert call("--no_vectors", data=halves(bands), model=model, photometric="minisblack") == 0
    classes, _ = read_classes(tmp_path)
    assert (classes[:, :40] == 0).mean() > 0.95
    assert (classes[:, 50:] == 1).mean() > 0.95
    assert (tmp_path / "out" / "scene_preview.png").exists()


@pytest.mark.parametrize("model", MODELS)
def test_a_class_with_one_tiny_polygon(call, tmp_path, capsys, model):
    drawn = [*DRAWN[:2], box(60, 5, 61, 6)]
    assert call("--no_vectors", drawn=drawn, names=NAMES[:3], model=model) == 0
    told = capsys.readouterr().out
    pixels = 4 if model == "ensemble" else 1  # those of its cell
    assert re.search(rf"^  roof +1 +{pixels}  -$", told, re.MULTILINE)
    assert "draw at least one more polygon of 'roof' so that its accuracy can be estimated" in told


@pytest.mark.parametrize("model", MODELS)
def test_constant_bands(call, tmp_path, model):
    data = halves(4)
    data[1], data[3] = 7, 0
    assert call("--no_vectors", data=data, model=model, photometric="minisblack") == 0
    assert (read_classes(tmp_path)[0][:, 50:] == 1).mean() > 0.95


@pytest.mark.parametrize("model", MODELS)
def test_a_scene_without_any_difference(call, tmp_path, model):
    assert call("--no_vectors", data=np.full((3, HEIGHT, WIDTH), 9, np.uint8), model=model) == 0
    # All or nothing, but no error; a network sees where the scene ends.
    assert len(np.unique(read_classes(tmp_path)[0])) <= (2 if model == "ensemble" else 1)


@pytest.mark.parametrize("model", MODELS)
def test_examples_that_cover_everything(call, tmp_path, model):
    drawn = [box(0, 0, 45, 60), box(45, 0, 90, 60)]
    assert call("--no_vectors", drawn=drawn, names=["ground", "roof"], model=model) == 0
    classes, _ = read_classes(tmp_path)
    assert (classes[:, :40] == 1).mean() > 0.95
    assert (classes[:, 50:] == 2).mean() > 0.95


def test_polygons_of_two_classes_that_overlap(call, tmp_path, capsys):
    drawn = [*DRAWN, box(70, 10, 85, 25)]
    assert call("--no_vectors", drawn=drawn, names=[*NAMES, "car"]) == 0
    told = capsys.readouterr()
    assert told.out.count("are drawn as two classes and are not learned from") == 1
    assert "two classes" not in told.err


def test_polygons_of_one_class_on_all_of_another_are_told(call, capsys):
    assert (
        call(drawn=[*DRAWN, DRAWN[2]], names=["background", "background", "roof", "roof", "car"])
        == 2
    )
    assert "no example of 'car' covers a valid pixel" in capsys.readouterr().err


@pytest.mark.parametrize("model", MODELS)
def test_only_background_is_told_in_a_sentence(call, capsys, model):
    assert call(drawn=DRAWN[:2], names=NAMES[:2], model=model) == 2
    told = capsys.readouterr().err
    assert "name no class to map; they have only background; add polygons of the classes" in told


@pytest.mark.parametrize("value", ["-0.1", "1.5", "nan"])
def test_thresholds_are_shares(call, capsys, value):
    with pytest.raises(SystemExit) as stop:
        call(f"--threshold={value}")
    assert stop.value.code == 2
    assert f"'{value}' is not a number from 0 to 1 such as 0.5" in capsys.readouterr().err


@pytest.mark.parametrize("model", MODELS)
def test_a_scene_of_30_by_20_pixels(call, tmp_path, model):
    drawn = [box(1, 1, 8, 8), box(20, 2, 28, 15)]
    assert call(data=halves(3, 20, 30), drawn=drawn, names=NAMES[1:3], model=model) == 0
    classes, _ = read_classes(tmp_path)
    assert classes.shape == (20, 30)
    assert (classes[:, 20:] == 1).mean() > 0.95


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_deep_values(call, tmp_path, dtype):
    data = (halves().astype(np.float64) * 17.3).astype(dtype)
    assert call("--no_vectors", data=data) == 0
    assert (read_classes(tmp_path)[0][:, 50:] == 1).mean() > 0.95


def test_ground_without_data(call, tmp_path):
    data = halves()
    data[:, :30] = 255
    assert call("--no_vectors", data=data, drawn=DRAWN[1::2], names=NAMES[1::2], nodata=255) == 0
    classes, _ = read_classes(tmp_path)
    assert (classes[:30] == 255).all()
    assert (classes[31:, 50:] == 1).mean() > 0.95


def test_networks_tell_nothing_of_themselves(call, capsys):
    assert call("--no_estimate", model="embedded") == 2
    told = capsys.readouterr().err
    assert "--no_estimate was given; only pixel models" in told


def test_options_of_networks_are_refused(call, capsys):
    assert call("--max_shots", "3") == 2
    assert "--max_shots was given to the model 'maximum_likelihood'" in capsys.readouterr().err


@pytest.mark.parametrize("model", MODELS)
def test_the_estimate_is_told_written_and_made_again(call, tmp_path, capsys, model):
    more = ("--no_vectors", "--threshold", "0.6")
    assert call(*more, model=model) == 0
    told = capsys.readouterr().out
    assert "each polygon predicted from the others" in told
    _, tags = read_classes(tmp_path)
    expected = json.loads(tags["EXPECTED_IOU"])
    assert set(expected["classes"]) == {"background", "roof"}
    assert expected["polygons"] == {"background": 2, "roof": 2}
    low, high = expected["mean"][1:]
    assert 0 <= low <= expected["mean"][0] <= high <= 1
    inputs = ("--scene", tmp_path / "scene.tif", "--examples", tmp_path / "a.gpkg")
    for name in ("classes", "roof_prob"):
        words = ("reproduce", tmp_path / "out" / f"scene_{name}.tif", *inputs)
        assert main([*map(str, words)]) == 0
        assert "the same: all 5,400 pixels" in capsys.readouterr().out


def test_no_estimate_switches_it_off(call, tmp_path, capsys):
    assert call("--no_estimate", "--no_vectors") == 0
    assert "expected IoU" not in capsys.readouterr().out
    _, tags = read_classes(tmp_path)
    assert "EXPECTED_IOU" not in tags
    assert json.loads(tags["PARAMETERS"])["no_estimate"] is True
    inputs = ("--scene", tmp_path / "scene.tif", "--examples", tmp_path / "a.gpkg")
    words = ("reproduce", tmp_path / "out" / "scene_roof_prob.tif", *inputs)
    assert main([*map(str, words)]) == 0


def test_one_class_alone_is_told(call, capsys):
    call("--no_vectors", drawn=DRAWN[2:], names=NAMES[2:])
    told = capsys.readouterr().out
    assert "only 'roof' was drawn, so unlabelled ground is unknown" in told
    assert "(positive-unlabelled learning); draw some 'background' polygons" in told


def test_the_preview_shows_the_estimate(call, tmp_path):
    from PIL import Image

    heights = []
    for more in ((), ("--no_estimate",)):
        assert call("--no_vectors", *more) == 0
        with Image.open(tmp_path / "out" / "scene_preview.png") as picture:
            heights.append(picture.height)
    assert heights[0] > heights[1]
