import numpy as np
import pytest
import rasterio
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Policy
from fewscape.mapping import MapOptions, SemanticSegmenter, Views, map_scene, predict_strips
from fewscape.models import BiCoRSeg
from fewscape.ops import resize_maps
from fewscape.raster import SceneReader
from tests.raster.rasters import write_raster

CPU = Policy(torch.device("cpu"), torch.float32)
NAMES = ("roof", "road")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return BiCoRSeg(2, BackboneConfig("test_convnext"), width=32).eval()


@pytest.fixture
def scene(tmp_path):
    data = np.random.default_rng(0).integers(0, 256, (3, 80, 100)).astype(np.uint8)
    data[:, :, 90:] = 0
    return write_raster(tmp_path / "scene.tif", data, nodata=0)


def test_probabilities_are_the_softmax_of_the_logits(model):
    windows = torch.rand(2, 3, 64, 64)
    segmenter = SemanticSegmenter(model, NAMES, CPU, 64)
    with torch.inference_mode():
        expected = model(windows).logits.softmax(dim=1)
    torch.testing.assert_close(segmenter(windows), expected)


def test_heats_of_the_last_layer_follow_the_classes(model):
    windows = torch.rand(1, 3, 64, 64)
    segmenter = SemanticSegmenter(model, NAMES, CPU, 64, heatmaps=True)
    with torch.inference_mode():
        output = model(windows)
    assert segmenter.layer_names == ("heat_roof", "heat_road")
    given = segmenter(windows)
    torch.testing.assert_close(given[:, :2], output.logits.softmax(dim=1))
    heat = resize_maps(output.maps["heat2"], (64, 64)).sigmoid()
    torch.testing.assert_close(given[:, 2:], heat)


def test_views_are_averaged_before_the_softmax(model):
    windows = torch.rand(1, 3, 64, 64)
    segmenter = SemanticSegmenter(model, NAMES, CPU, 64, Views("h"))
    with torch.inference_mode():
        logits = (model(windows).logits + model(windows.flip(-1)).logits.flip(-1)) / 2
    torch.testing.assert_close(segmenter(windows), logits.softmax(dim=1))


def test_every_valid_pixel_gets_the_most_probable_class(model, scene, tmp_path):
    segmenter = SemanticSegmenter(model, NAMES, CPU, 64, heatmaps=True)
    with SceneReader(scene) as reader:
        strips = list(predict_strips(reader, segmenter))
        result = map_scene(reader, segmenter, tmp_path / "maps", MapOptions(preview=False))
    names = {path.name for path in result.files}
    assert names >= {"scene_classes.tif", "scene_heat_roof.tif", "scene_road_prob.tif"}
    with rasterio.open(tmp_path / "maps" / "scene_classes.tif") as dataset:
        classes = dataset.read(1)
    probabilities = torch.cat([strip.probabilities for strip in strips], dim=1)
    np.testing.assert_array_equal(
        classes[:, :90], probabilities[:2].argmax(dim=0).numpy()[:, :90] + 1
    )
    assert (classes[:, 90:] == 255).all()
    with rasterio.open(tmp_path / "maps" / "scene_heat_road.tif") as dataset:
        heat = dataset.read(1) * dataset.scales[0]
        assert dataset.descriptions == ("heat_road",)
    np.testing.assert_allclose(heat[:, :90], probabilities[3].numpy()[:, :90], atol=0.5 / 254)
    assert sum(result.class_pixels.values()) == result.valid_pixels


def test_classes_have_the_colours_of_their_data_set(model, scene, tmp_path):
    colours = ((1, 2, 3), (250, 100, 0))
    segmenter = SemanticSegmenter(model, NAMES, CPU, 64, colours=colours)
    with SceneReader(scene) as reader:
        map_scene(reader, segmenter, tmp_path, MapOptions(preview=False, vectors=False))
    with rasterio.open(tmp_path / "scene_classes.tif") as dataset:
        table = dataset.colormap(1)
    assert [table[number][:3] for number in (1, 2)] == list(colours)


def test_what_does_not_fit_is_refused(model):
    with pytest.raises(ConfigError, match=r"windows of 50 pixels do not fit bicor_seg; .* of 32"):
        SemanticSegmenter(model, NAMES, CPU, 50)
    model.num_heats = 0
    with pytest.raises(ConfigError, match="bicor_seg has no heatmaps"):
        SemanticSegmenter(model, NAMES, CPU, 64, heatmaps=True)
