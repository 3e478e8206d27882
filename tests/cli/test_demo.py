import contextlib
import io
import re
import shlex

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from PIL import Image
from rasterio.features import rasterize

from fewscape.cli.demo import REAL
from fewscape.cli.main import main
from fewscape.core import ConfigError
from fewscape.demo import scene as demo_scene
from fewscape.demo.examples import draw_examples
from fewscape.demo.picture import Panel, Row, draw_sheet, paint, show
from fewscape.demo.scene import find_scene
from fewscape.demo.score import score_map
from fewscape.raster import choose_colours
from fewscape.zoo import embedded_folder
from tests.raster.rasters import write_raster

SIZE = 256
MODEL = "random_forest"  # the default takes longer, and has tests of its own


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The output folder of a demo, and what was printed."""
    folder = tmp_path_factory.mktemp("demo") / "new"
    told = io.StringIO()
    words = ["demo", "--model", MODEL, "--size", SIZE, "--seed", 0, "--output", folder]
    with contextlib.redirect_stdout(told):
        assert main([str(word) for word in words]) == 0
    return folder, told.getvalue()


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def read_example_polygons(path):
    _, _, wkb, (names,) = pyogrio.raw.read(path, columns=["class"])
    return {name: shapely.from_wkb(wkb)[names == name] for name in set(names)}


def paint_polygons(polygons, transform, shape=(SIZE, SIZE)):
    return rasterize(polygons, out_shape=shape, transform=transform).astype(bool)


def find_commands(told):
    lines = [line.removeprefix("$ fewscape ") for line in told.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("map ")]


class TestDemo:
    def test_writes_a_georeferenced_scene_with_its_truth(self, shown):
        folder, _ = shown
        with (
            rasterio.open(folder / "scene.tif") as scene,
            rasterio.open(folder / "truth.tif") as truth,
        ):
            assert scene.count == 3
            assert scene.shape == truth.shape == (SIZE, SIZE)
            assert scene.crs == truth.crs == "EPSG:32632"
            assert scene.transform == truth.transform
            assert scene.dtypes[0] == "uint8"
            assert truth.tags(1)["CLASS_1"] == "field"
            assert set(np.unique(truth.read(1))) == {0, 1, 2}

    def test_examples_are_pieces_of_the_ground_that_they_name(self, shown):
        folder, _ = shown
        with rasterio.open(folder / "truth.tif") as file:
            truth, transform = file.read(1), file.transform
        polygons = read_example_polygons(folder / "examples.gpkg")
        assert sorted(polygons) == ["background", "field", "water"]
        for number, name in enumerate(sorted(polygons)):
            inside = paint_polygons(list(polygons[name]), transform)
            assert inside.any()
            assert (truth[inside] == number).all()
        assert all(len(polygons[name]) == 3 for name in ("field", "water"))

    def test_printed_scores_are_those_outside_the_polygons(self, shown):
        folder, told = shown
        with rasterio.open(folder / "truth.tif") as file:
            truth, transform = file.read(1), file.transform
        polygons = read_example_polygons(folder / "examples.gpkg")
        outside = ~paint_polygons([each for own in polygons.values() for each in own], transform)
        for name, place in (("random forest", "maps"), ("maximum likelihood",) * 2):
            classes = read(folder / place.replace(" ", "_") / "scene_classes.tif")
            line = next(line for line in told.splitlines() if line.strip().startswith(name))
            for number, printed in enumerate(line.split()[2:], start=1):
                found, wanted = classes[outside] == number, truth[outside] == number
                iou = 100 * (found & wanted).sum() / (found | wanted).sum()
                assert float(printed) == pytest.approx(iou, abs=0.05)

    def test_maps_are_those_of_the_printed_commands(self, shown, tmp_path):
        folder, told = shown
        commands = find_commands(told)
        assert len(commands) == 4
        words = commands[0]
        words[words.index("--output") + 1] = str(tmp_path)
        assert main(words) == 0
        for name in ("scene_classes.tif", "scene_field_prob.tif", "scene_water_prob.tif"):
            np.testing.assert_array_equal(read(folder / "maps" / name), read(tmp_path / name))

    def test_without_a_model_the_default_maps(self, tmp_path, monkeypatch):
        def stop(request, reporter):
            raise InterruptedError(str(request.model))

        monkeypatch.setattr("fewscape.request.running.run_map", stop)
        with pytest.raises(InterruptedError, match="None"):
            main(["demo", "--size", str(SIZE), "--seed", "0", "--output", str(tmp_path), "--debug"])

    def test_maps_the_real_scene_with_the_model_and_the_yardstick(self, shown):
        folder, _ = shown
        for name in (REAL, f"{REAL}_maximum_likelihood"):
            with rasterio.open(folder / name / "scene_classes.tif") as file:
                assert file.shape == (440, 444)
                tags = file.tags(1)
            names = [tags[f"CLASS_{number}"] for number in range(1, 5)]
            assert names == ["crop", "dry field", "pasture", "water"]

    def test_the_picture_shows_both_colours(self, shown):
        folder, told = shown
        picture = np.asarray(Image.open(folder / "demo.png").convert("RGB")).astype(int)
        assert re.search(r"demo.png shows the results; the demo took \d+ s", told)
        for colour in choose_colours(["field", "water"]):
            assert (np.abs(picture - colour).max(axis=2) < 12).sum() > 200


class TestRealScene:
    def test_polygons_lie_apart_and_inside_the_scene(self):
        folder = embedded_folder(REAL)
        with rasterio.open(folder / "scene.tif") as file:
            assert file.descriptions == ("red", "green", "blue", "nir")
            extent = shapely.box(*file.bounds)
            near_infrared, transform = file.read(4), file.transform
        polygons = read_example_polygons(folder / "examples.geojson")
        assert {name: len(own) for name, own in polygons.items()} == dict.fromkeys(
            ("crop", "dry field", "pasture", "water"), 3
        )
        everything = np.concatenate(list(polygons.values()))
        assert shapely.is_valid(everything).all()
        assert shapely.within(everything, extent).all()
        assert shapely.union_all(everything).area == pytest.approx(shapely.area(everything).sum())
        values = {
            name: near_infrared[paint_polygons(list(own), transform, (440, 444))]
            for name, own in polygons.items()
        }
        assert np.median(values["water"]) < np.median(values["crop"]) / 2

    def test_is_small_and_tells_its_origin(self):
        folder = embedded_folder(REAL)
        assert (folder / "scene.tif").stat().st_size < 500_000
        told = (folder / "README.md").read_text("utf-8")
        assert "public domain" in told
        assert "opengeos/data" in told


class TestScene:
    def test_passes_over_scenes_with_too_little_of_a_class(self, monkeypatch):
        monkeypatch.setattr(demo_scene, "LEAST_SHARE", 0.005)
        told = []
        found = find_scene(["pool"], 256, 5, told.append)
        assert found.seed == 7
        assert told == [
            "the scene of seed 5 shows only 0.2% of 'pool'; trying seed 6",
            "the scene of seed 6 shows only 0.0% of 'pool'; trying seed 7",
        ]

    def test_gives_up_with_advice(self, monkeypatch):
        monkeypatch.setattr(demo_scene, "MAX_SEEDS", 2)
        with pytest.raises(ConfigError, match=r"seeds 0 to 1 shows 2% of 'pool'.*larger --size"):
            find_scene(["pool"], 256, 0, lambda line: None)

    def test_refuses_tiny_scenes(self):
        with pytest.raises(ConfigError, match=r"128 x 128 pixels is too small .* 256"):
            find_scene(["court", "water"], 128, 0, lambda line: None)

    def test_refuses_classes_that_it_cannot_draw(self):
        with pytest.raises(ConfigError, match="did you mean 'court'"):
            find_scene(["courts", "water"], 256, 0, lambda line: None)


class TestExamples:
    labels = np.zeros((120, 200), np.uint8)
    labels[:, 60:120] = 3
    labels[:, 120:199] = 7
    labels[:, 199] = 8  # less than is noticed

    def test_classes_are_drawn_three_times_and_other_ground_once(self):
        drawn = draw_examples(self.labels, {"lake": 3}, seed=1)
        assert {name: len(own) for name, own in drawn.outlines.items()} == {
            "lake": 3,
            "background": 2,
        }
        assert drawn.told.startswith("3 polygons of each class and 2 of other ground")
        for name, wanted in (("lake", {3}), ("background", {0, 7})):
            inside = rasterize(list(drawn.outlines[name]), out_shape=self.labels.shape) == 1
            assert set(np.unique(self.labels[inside])) == wanted
            assert drawn.covered[inside].all()

    def test_follow_from_the_seed(self):
        first, second, other = (
            draw_examples(self.labels, {"lake": 3}, seed).covered for seed in (1, 1, 2)
        )
        assert (first == second).all()
        assert (first != other).any()


class TestPicture:
    pixels = np.full((3, 40, 60), 200, np.uint8)

    def test_sheets_hold_every_panel(self, tmp_path):
        square = np.array([shapely.box(10, 10, 30, 30)], dtype=object)
        classes = np.zeros((40, 60), np.uint8)
        classes[:, 30:] = 2
        panels = [
            Panel("a", show(self.pixels, {(230, 0, 0): square})),
            Panel("b", paint(self.pixels, classes, {2: (0, 0, 250)}), "below"),
        ]
        rows = [Row("title", panels, {"x": (0, 0, 250)}, ("note",))] * 2
        for name in ("a.png", "a.jpg"):
            draw_sheet(tmp_path / name, rows)
            with Image.open(tmp_path / name) as sheet:
                assert sheet.width == 2 * 480 + 16 + 2 * 28
                assert sheet.height > 2 * 320
        picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
        half = picture.shape[1] // 2
        assert (np.abs(picture[:, :half] - (230, 0, 0)).max(axis=2) < 12).sum() > 200
        blue = (picture[:, half:, 2] - picture[:, half:, 0]) > 100
        assert blue.sum() > 2 * 0.4 * 480 * 320


def test_score_equals_a_loop(tmp_path):
    rng = np.random.default_rng(0)
    truth, classes = rng.integers(0, 3, (2, 20, 30)).astype(np.uint8)
    drawn = rng.random((20, 30)) < 0.2
    path = write_raster(tmp_path / "c.tif", classes[None])
    expected = []
    for number in (1, 2):
        both = either = 0
        for row in range(20):
            for col in range(30):
                if drawn[row, col]:
                    continue
                pair = truth[row, col] == number, classes[row, col] == number
                both += all(pair)
                either += any(pair)
        expected.append(both / either)
    assert score_map(path, truth, drawn) == pytest.approx(expected)


def test_needs_a_folder_that_can_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--output", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
