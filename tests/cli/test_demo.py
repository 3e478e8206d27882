import contextlib
import io
import re

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from PIL import Image
from rasterio.features import rasterize

from fewscape import zoo
from fewscape.backbones import BackboneConfig
from fewscape.cli import demo, demo_scene
from fewscape.cli.demo_examples import find_objects, pick_examples
from fewscape.cli.demo_scene import find_scene
from fewscape.cli.demo_score import score_map
from fewscape.cli.main import main
from fewscape.core import ConfigError, ModelFolderError, Window
from fewscape.models import Prototype, save_model
from fewscape.raster import SceneReader, choose_colours
from fewscape.scene import cut_examples, read_annotations
from tests.raster.rasters import write_raster

UNSEEN = ["tree", "building", "court"]


def save(folder, held_out):
    model = Prototype(BackboneConfig("test_resnet"))
    return save_model(model, folder, "card", facts={"training": {"held_out": held_out}})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("model"), UNSEEN)


@pytest.fixture(scope="module")
def shown(tmp_path_factory, model):
    """The output folder of a demo, and what was printed."""
    folder = tmp_path_factory.mktemp("demo") / "new"
    told = io.StringIO()
    words = ["demo", "--model", model, "--size", 512, "--seed", 0, "--output", folder]
    with contextlib.redirect_stdout(told):
        assert main([str(word) for word in words]) == 0
    return folder, told.getvalue()


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def paint(polygons, transform, size=512):
    return rasterize(polygons, out_shape=(size, size), transform=transform).astype(bool)


def read_example_polygons(path):
    _, _, wkb, (names,) = pyogrio.raw.read(path, columns=["class"])
    return {name: shapely.from_wkb(wkb)[names == name] for name in set(names)}


class TestDemo:
    def test_writes_a_georeferenced_scene_with_its_truth(self, shown):
        folder, _ = shown
        with (
            rasterio.open(folder / "scene.tif") as scene,
            rasterio.open(folder / "truth.tif") as truth,
        ):
            assert scene.count == 3
            assert scene.shape == truth.shape == (512, 512)
            assert scene.crs == truth.crs == "EPSG:32632"
            assert scene.transform == truth.transform
            assert scene.dtypes[0] == "uint8"
            assert truth.tags(1)["CLASS_1"] == "building"
            assert set(np.unique(truth.read(1))) == {0, 1, 2}

    def test_maps_the_first_two_classes_not_trained_on(self, shown):
        folder, told = shown
        assert "classes that the network was not trained on: tree, building" in told
        assert (folder / "scene_tree_prob.tif").exists()
        assert (folder / "scene_building_prob.tif").exists()
        assert not (folder / "scene_court_prob.tif").exists()

    def test_examples_are_three_whole_objects_of_each_class(self, shown):
        folder, _ = shown
        with rasterio.open(folder / "truth.tif") as file:
            truth, transform = file.read(1), file.transform
        polygons = read_example_polygons(folder / "examples.gpkg")
        assert sorted(polygons) == ["building", "tree"]
        for number, name in enumerate(sorted(polygons), start=1):
            assert len(polygons[name]) == 3
            for polygon in polygons[name]:
                inside = paint([polygon], transform)
                beside = paint([polygon.buffer(0.4)], transform, 512) & ~inside
                assert (truth[inside] == number).all()
                assert inside.sum() * 0.25 == pytest.approx(polygon.area)
                assert (truth[beside] != number).mean() > 0.9  # corners may touch another one

    def test_printed_scores_are_those_outside_the_crops(self, shown):
        folder, told = shown
        truth, classes = read(folder / "truth.tif"), read(folder / "scene_classes.tif")
        with SceneReader(folder / "scene.tif") as scene:
            annotations = read_annotations(folder / "examples.gpkg", scene, examples_are="objects")
            examples = cut_examples(annotations, scene, cell=8)
        outside = np.ones((512, 512), bool)
        for shots in examples.shots:
            for shot in shots:
                row, col, height, width = shot.window
                outside[row : row + height, col : col + width] = False
        assert 0 < outside.mean() < 1
        for number, name in enumerate(examples.class_names, start=1):
            found, wanted = classes[outside] == number, truth[outside] == number
            iou = 100 * (found & wanted).sum() / (found | wanted).sum()
            line = next(line for line in told.splitlines() if line.split()[:1] == [name])
            assert f"{iou:.1f} %" in line
            for shot in examples.shots[number - 1]:
                assert f"({shot.window.row}, {shot.window.col})" in line

    def test_the_map_is_that_of_the_map_command(self, shown, model, tmp_path):
        folder, told = shown
        command = next(line for line in told.splitlines() if line.startswith("  fewscape map"))
        words = command.split()[1:]
        words[words.index("maps")] = str(tmp_path)
        assert words[-1] == str(model)
        assert main(words) == 0
        for name in ("scene_classes.tif", "scene_tree_prob.tif", "scene_building_prob.tif"):
            np.testing.assert_array_equal(read(folder / name), read(tmp_path / name))

    def test_tells_every_file_and_the_speed(self, shown):
        folder, told = shown
        for path in folder.iterdir():
            line = next(line for line in told.splitlines() if line.split()[:1] == [path.name])
            assert line.split()[1] == f"{path.stat().st_size / 1e6:.2f}"
        assert len(list(folder.iterdir())) == 12
        assert re.search(r"mapped 0\.26 MP in \d+\.\d s, \d+\.\d\d MP/s", told)

    def test_the_picture_shows_both_colours_on_both_sides(self, shown):
        folder, _ = shown
        picture = np.asarray(Image.open(folder / "demo.png").convert("RGB")).astype(int)
        height, width = picture.shape[:2]
        assert width > 1.4 * height
        for colour in choose_colours(["tree", "building"]):
            near = np.abs(picture - colour).max(axis=2) < 12
            assert near[:, : width // 2].sum() > 500
            assert near[:, width // 2 :].sum() > 500


class TestScene:
    def test_passes_over_scenes_with_too_few_objects(self):
        told = []
        found = find_scene(["water"], 512, 5, told.append)
        assert found.seed == 6
        assert told == ["the scene of seed 5 has only 1 of 'water'; trying seed 6"]

    def test_gives_up_with_advice(self, monkeypatch):
        monkeypatch.setattr(demo_scene, "MAX_SEEDS", 2)
        with pytest.raises(ConfigError, match=r"seeds 0 to 1 has 3 whole objects.*larger --size"):
            find_scene(["court", "water"], 512, 0, lambda line: None)

    def test_refuses_scenes_that_the_crops_would_fill(self):
        with pytest.raises(ConfigError, match=r"256 x 256 pixels is too small .* 512"):
            find_scene(["court", "water"], 256, 0, lambda line: None)

    def test_refuses_classes_that_it_cannot_draw(self):
        with pytest.raises(ConfigError, match="did you mean 'court'"):
            find_scene(["courts", "water"], 512, 0, lambda line: None)


class TestExamples:
    def test_objects_are_whole_and_not_tiny(self):
        labels = np.zeros((100, 200), np.uint8)
        labels[0:30, 10:40] = 7  # touches the edge
        labels[50:80, 10:40] = 7
        labels[50:80, 100:140] = 7
        labels[50:60, 150:160] = 7  # tiny
        labels[10:30, 60:90] = 8
        found = find_objects(labels, 7)
        assert sorted(shapely.area(found.outlines)) == [900, 1200]
        assert len(find_objects(labels, 9)) == 0

    def test_objects_know_whether_they_stand_alone(self):
        labels = np.zeros((100, 200), np.uint8)
        labels[10:30, 10:30] = labels[10:30, 38:58] = 1  # rings of 11 pixels
        labels[60:80, 150:170] = 1
        found = find_objects(labels, 1)
        alone = dict(zip(shapely.bounds(found.outlines)[:, 0], found.is_alone, strict=True))
        assert alone == {10: False, 38: False, 150: True}

    def test_picks_are_typical_alone_and_spread(self):
        labels = np.zeros((600, 600), np.uint8)
        for row, col in ((20, 20), (20, 80), (20, 550), (550, 20), (300, 300)):
            labels[row : row + 30, col : col + 30] = 1
        labels[500:516, 500:516] = 1  # small
        labels[20:50, 452:482] = labels[20:50, 488:518] = 1  # beside each other
        picked = pick_examples(find_objects(labels, 1), 3)
        corners = {tuple(map(int, bounds[:2])) for bounds in shapely.bounds(picked)}
        assert len(corners) == 3
        assert corners <= {(20, 20), (80, 20), (550, 20), (20, 550), (300, 300)}
        gaps = shapely.distance(picked[:, None], picked)
        assert gaps[gaps > 0].min() > 200

    def test_wishes_give_way_where_objects_are_few(self):
        labels = np.zeros((300, 300), np.uint8)
        for col in (10, 50, 90):
            labels[10:40, col : col + 30] = 1
        labels[100:280, 20:280] = 1  # larger than a crop shows
        assert len(pick_examples(find_objects(labels, 1), 3)) == 3
        assert len(pick_examples(find_objects(labels, 1), 4)) == 4


def test_score_equals_a_loop(tmp_path):
    rng = np.random.default_rng(0)
    truth, classes = rng.integers(0, 3, (2, 20, 30)).astype(np.uint8)
    path = write_raster(tmp_path / "c.tif", classes[None])
    hidden = [Window(0, 0, 5, 7), Window(3, 4, 10, 10)]
    expected = []
    for number in (1, 2):
        both = either = 0
        for row in range(20):
            for col in range(30):
                if any(w.row <= row < w.row + w.height and w.col <= col < w.col + w.width
                       for w in hidden):  # fmt: skip
                    continue
                pair = truth[row, col] == number, classes[row, col] == number
                both += all(pair)
                either += any(pair)
        expected.append(both / either)
    assert score_map(path, truth, hidden) == pytest.approx(expected)


class TestRefusals:
    def test_says_that_the_embedded_model_is_missing(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(zoo, "embedded_folder", lambda name=None: tmp_path / "embedded")
        assert main(["demo", "--output", str(tmp_path / "out")]) == 2
        told = capsys.readouterr().err
        assert "the model 'embedded' is missing from this installation" in told
        assert "fewscape fit --config configs/embedded.yaml" in told
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(("held_out", "told"), [([], "no class"), (["water"], "one class")])
    def test_needs_two_classes_not_trained_on(self, tmp_path, held_out, told):
        folder = save(tmp_path, held_out)
        with pytest.raises(ModelFolderError, match=f"names {told} that it was not trained on"):
            demo.find_unseen(str(folder))

    def test_needs_a_folder_that_can_be_written(self, tmp_path, model, capsys):
        (tmp_path / "file").write_text("")
        status = main(["demo", "--model", str(model), "--output", str(tmp_path / "file")])
        assert status == 2
        assert "cannot be written" in capsys.readouterr().err
