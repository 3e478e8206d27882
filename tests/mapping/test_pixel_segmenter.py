import numpy as np
import pytest
import shapely
import torch
from rasterio.crs import CRS

from fewscape.core import ConfigError, Policy, Window
from fewscape.mapping import Annotations, MapOptions, PixelSegmenter, map_scene, read_drawn_cells
from fewscape.models import MaximumLikelihood, PixelTrees
from fewscape.raster import Georeference, SceneReader
from fewscape.raster.writing.writer import PROBABILITY_STEPS
from fewscape.zoo import load
from tests.raster.rasters import PLACE, UTM, write_raster

CPU = Policy(torch.device("cpu"), torch.float32)
SHAPE = 150, 210


def patches(bands=3, seed=0, light=1.0):
    """Ground of three kinds in stripes, with noise."""
    rng = np.random.default_rng(seed)
    kinds = (np.arange(SHAPE[1]) // 35) % 3
    centres = np.random.default_rng(1).uniform(40, 200, (3, bands))
    values = centres[kinds].T[:, None, :] + rng.normal(0, 15, (bands, *SHAPE))
    return (values * light).clip(0, 255).astype(np.uint8)


POLYGONS = {
    "a": [shapely.box(5, 5, 25, 25), shapely.box(110, 90, 135, 120)],
    "b": [shapely.box(40, 30, 65, 50), shapely.box(145, 8, 170, 30)],
    "background": [shapely.box(75, 60, 100, 80), shapely.box(180, 100, 205, 130)],
}


@pytest.fixture
def learn(tmp_path):
    """A segmenter of polygons on the stripes, and their scene."""

    def call(model=None, window=200, polygons=POLYGONS, **options):
        model = model or MaximumLikelihood()
        scene = SceneReader(write_raster(tmp_path / "scene.tif", patches()))
        (tmp_path / "a.geojson").write_text("drawn")
        arrays = {name: np.array(group, dtype=object) for name, group in polygons.items()}
        grid = Georeference(*SHAPE, PLACE, CRS.from_string(UTM))
        drawn = Annotations(tmp_path / "a.geojson", grid, arrays)
        learnt = read_drawn_cells(drawn, drawn.class_names, scene, model)
        return PixelSegmenter(model, drawn.class_names, learnt, window, **options), scene

    return call


def read_map(folder, name="scene"):
    import rasterio

    layers = []
    for ending in ("a_prob", "b_prob", "classes"):
        with rasterio.open(folder / f"{name}_{ending}.tif") as dataset:
            layers.append(dataset.read(1))
    return np.stack(layers)


def test_windows_of_the_map_equal_one_call(learn, tmp_path):
    """Windows whose halo is the model's reach show each pixel what the whole scene shows."""
    model = MaximumLikelihood()
    segmenter, scene = learn(model, 4 * model.reach)
    assert segmenter.halo == model.reach
    with scene:
        map_scene(scene, segmenter, tmp_path / "out", MapOptions(overlap=0.5, preview=False))
    whole = torch.from_numpy(patches()[None] / np.float32(255))
    compare(read_map(tmp_path / "out"), segmenter(whole)[0].numpy())


def test_the_map_of_a_small_scene_is_one_call(learn, tmp_path):
    segmenter, scene = learn(PixelTrees(), 256)
    with scene:
        map_scene(scene, segmenter, tmp_path / "out", MapOptions(preview=False))
        image, _ = scene.read(Window(0, 0, 256, 256))
    expected = segmenter(torch.from_numpy(image)[None])[0, :, : SHAPE[0], : SHAPE[1]]
    compare(read_map(tmp_path / "out"), expected.numpy())


def compare(found, expected):
    """Steps of 1 / 254 may round to either side."""
    assert np.abs(found[:2] - expected * PROBABILITY_STEPS).max() <= 1.01
    with_background = np.concatenate([1 - expected.sum(0, keepdims=True), expected])
    assert (found[2] == with_background.argmax(axis=0)).mean() > 0.999


def test_the_stripes_are_mapped(learn, tmp_path):
    segmenter, scene = learn()
    with scene:
        map_scene(scene, segmenter, tmp_path / "out", MapOptions(preview=False))
    truth = np.broadcast_to(np.array([1, 2, 0])[(np.arange(SHAPE[1]) // 35) % 3], SHAPE)
    assert (read_map(tmp_path / "out")[2] == truth).mean() > 0.9


@pytest.mark.parametrize("name", ["maximum_likelihood", "ensemble"])
def test_a_counter_example_mends_its_like_everywhere(learn, name):
    """What is drawn as background in one place goes away where it looks the same."""
    model = load(name).pixel
    few = {name: group[:1] for name, group in POLYGONS.items() if name != "background"}
    few["background"] = [shapely.box(40, 100, 65, 120)]  # looks like b, so c is taken for a or b
    whole = torch.from_numpy(np.pad(patches(), ((0, 0), (0, 10), (0, 14)), "edge")[None] / 255.0)
    wrong = learn(model, 192, few | {"b": [shapely.box(40, 30, 65, 50)]})[0]
    more = few | {"background": [shapely.box(75, 60, 100, 80)]}
    right = learn(model, 192, more)[0]
    found, mended = (segmenter(whole.float())[0].sum(dim=0) for segmenter in (wrong, right))
    for here in (slice(75, 100), slice(185, 205)):  # there, and a stripe of the same ground
        cols = slice(here.start // model.stride, here.stop // model.stride)
        assert found[:, cols].mean() > 0.5
        assert mended[:, cols].mean() < 0.1


def test_log_probabilities_are_divided_by_the_temperature(learn, monkeypatch):
    logs = torch.tensor([0.7, 0.2, 0.1]).log().view(1, 3, 1, 1).expand(1, 3, *SHAPE)
    monkeypatch.setattr(MaximumLikelihood, "predict", lambda *given: logs)
    found = learn(temperature=2.0)[0](torch.zeros(1, 3, *SHAPE))[0, :, 0, 0]
    roots = np.sqrt([0.7, 0.2, 0.1])
    assert found.tolist() == pytest.approx((roots / roots.sum())[1:])


def test_a_model_may_add_what_is_not_the_only_class(learn, monkeypatch):
    logs = torch.tensor([0.7, 0.3]).log().view(1, 2, 1, 1).expand(1, 2, *SHAPE)
    monkeypatch.setattr(MaximumLikelihood, "predict", lambda *given: logs)
    segmenter, _ = learn(polygons={"a": POLYGONS["a"]})
    assert segmenter(torch.zeros(1, 3, *SHAPE))[0, :, 0, 0].tolist() == pytest.approx([0.3])


def test_without_background_the_classes_share_the_scene(learn):
    alone = {name: group for name, group in POLYGONS.items() if name != "background"}
    segmenter, _ = learn(polygons=alone)
    found = segmenter(torch.from_numpy(patches()[None] / np.float32(255)))
    assert found.shape == (1, 2, *SHAPE)
    assert torch.allclose(found.sum(dim=1), torch.ones(1, *SHAPE))
    assert not segmenter.has_background


def test_another_scene_is_scaled_by_what_it_is_like_itself(learn, tmp_path):
    segmenter, _ = learn()
    darker = write_raster(tmp_path / "dark.tif", patches(seed=5, light=0.6))
    with SceneReader(darker) as scene:
        moved = segmenter.move_to(scene)
        map_scene(scene, moved, tmp_path / "out", MapOptions(preview=False))
    truth = np.broadcast_to(np.array([1, 2, 0])[(np.arange(SHAPE[1]) // 35) % 3], SHAPE)
    assert (read_map(tmp_path / "out", "dark")[2] == truth).mean() > 0.85
    assert moved.ground is not segmenter.ground


def test_windows_that_do_not_fit_are_refused(learn):
    class Coarse(MaximumLikelihood):
        window_multiple = 32

    with pytest.raises(ConfigError, match="windows of 200 pixels do not fit maximum_likelihood"):
        learn(Coarse())
