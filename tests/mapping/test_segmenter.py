from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fewscape.core import ConfigError, Features, Output, Policy, Support, Window
from fewscape.mapping import Examples, FewShotSegmenter, Shot

CPU = Policy(torch.device("cpu"), torch.float32)


class BrightnessModel(torch.nn.Module):
    """Follows the contract: foreground is what is as bright as the supports' foreground."""

    name = "brightness"
    stride = 4
    window_multiple = 8
    backbone = SimpleNamespace(strides=(4,))

    def __init__(self, region_method=None):
        super().__init__()
        self.region_method = region_method
        self.region_options = {"num_segments": 10} if region_method else {}
        self.weight = torch.nn.Parameter(torch.tensor(20.0))
        self.encoded = []
        self.regions = []

    def describe(self):
        return {"region_method": self.region_method}

    def encode(self, images, regions=None):
        self.encoded.append(len(images))
        self.regions.append(regions)
        assert not torch.is_grad_enabled()
        means = F.avg_pool2d(images.mean(1, keepdim=True), self.stride)
        return Features((means.to(self.weight.dtype),), images.shape[-2:], regions)

    def learn(self, features, masks):
        foreground = F.avg_pool2d((masks == 1).float()[:, None], self.stride)
        level = (features.maps[0] * foreground).sum((1, 2, 3)) / foreground.sum((1, 2, 3))
        return Support({"level": level})

    def predict(self, features, supports):
        level = torch.stack([support["level"] for support in supports]).mean(0)
        away = (features.maps[0] - level[:, None, None, None]).abs()
        logits = torch.cat([self.weight * away, self.weight * 0.1 + 0 * away], dim=1)
        return Output(logits, features.size)


def shot(brightness):
    image = np.zeros((3, 16, 16), np.float32)
    image[:, 4:12, 4:12] = brightness
    mask = np.zeros((16, 16), np.uint8)
    mask[4:12, 4:12] = 1
    return Shot(image, mask, Window(0, 0, 16, 16))


@pytest.fixture
def examples():
    return Examples(("dim", "lit"), ((shot(0.45), shot(0.55)), (shot(1.0),)))


def test_learns_once_and_encodes_a_window_once_for_all_classes(examples):
    model = BrightnessModel()
    segmenter = FewShotSegmenter(model, examples, CPU)
    assert model.encoded == [1, 1, 1]
    assert [len(supports) for supports in segmenter.supports] == [2, 1]
    assert (segmenter.window, segmenter.stride, segmenter.window_multiple) == (16, 4, 8)
    windows = torch.stack([torch.full((3, 16, 16), value) for value in (0.5, 1.0, 0.0)])
    probabilities = segmenter(windows)
    assert model.encoded == [1, 1, 1, 3]
    assert probabilities.shape == (3, 2, 4, 4)
    assert probabilities.dtype == torch.float32
    expected = torch.tensor([[True, False], [False, True], [False, False]])
    assert torch.equal(probabilities.mean((2, 3)) > 0.5, expected)


def test_probabilities_are_the_softmax_of_the_logits(examples):
    model = BrightnessModel()
    segmenter = FewShotSegmenter(model, examples, CPU)
    windows = torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        output = model.predict(model.encode(windows), segmenter.supports[1])
        expected = output.logits.softmax(dim=1)[:, 1]
    assert torch.allclose(segmenter(windows)[:, 1], expected, atol=1e-6)


def test_regions_are_made_when_the_network_wants_them(examples):
    model = BrightnessModel("slic")
    segmenter = FewShotSegmenter(model, examples, CPU)
    assert segmenter.make_regions is not None
    assert all(regions.shape == (1, 16, 16) for regions in model.regions)
    assert all(regions.dtype == torch.int32 for regions in model.regions)


def test_runs_in_the_precision_of_the_policy(examples):
    policy = Policy(torch.device("cpu"), torch.bfloat16)
    segmenter = FewShotSegmenter(BrightnessModel(), examples, policy)
    assert segmenter.model.weight.dtype == torch.bfloat16
    assert segmenter(torch.rand(1, 3, 16, 16)).dtype == torch.float32


def test_reports_windows_that_do_not_fit_the_network(examples):
    model = BrightnessModel()
    model.window_multiple = 32
    with pytest.raises(ConfigError, match="windows of 16 pixels do not fit brightness"):
        FewShotSegmenter(model, examples, CPU)
