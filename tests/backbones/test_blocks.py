"""Maps of every block: where the papers take them, and that nothing else changes."""

import copy

import pytest
import torch
from torchvision.models import resnet50, vgg16

from fewscape.backbones import BackboneConfig, ResNetBackbone, VGGBackbone, make_backbone
from fewscape.core import ConfigError


def is_close(level, wanted):
    return (level - wanted).abs().max() < 1e-5 * wanted.abs().max()


def hooked(network, names, images):
    """What named modules receive (before an in-place ReLU can change it)."""
    seen = []
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda module, given, result: seen.append(result.clone())
        )
    network(images)
    return seen


def test_bottleneck_sums_are_what_the_last_relu_receives():
    torch.manual_seed(0)
    network = resnet50(weights=None).eval()
    backbone = ResNetBackbone(50, taps="blocks").eval()
    backbone.load_state_dict(
        {name: value for name, value in network.state_dict().items() if not name.startswith("fc.")}
    )
    assert backbone.strides == (8,) * 4 + (16,) * 6 + (32,) * 3
    assert backbone.channels == (512,) * 4 + (1024,) * 6 + (2048,) * 3
    images = torch.rand(1, 3, 64, 64)
    names = [f"layer{stage}.{block}" for stage, n in ((2, 4), (3, 6), (4, 3)) for block in range(n)]
    expected = hooked(network, names, (images - backbone.mean) / backbone.std)
    for level, after in zip(backbone(images), expected, strict=True):
        assert level.min() < 0
        assert is_close(level.relu(), after)


def test_vgg_gives_convolutions_before_relu_and_the_last_pooling():
    torch.manual_seed(0)
    network = vgg16(weights=None).eval()
    backbone = VGGBackbone(taps="blocks").eval()
    backbone.features.load_state_dict(network.features.state_dict())
    assert backbone.strides == (8, 8, 8, 16, 16, 16, 32)
    assert backbone.channels == (512,) * 7
    images = torch.rand(1, 3, 64, 64)
    names = [f"features.{index}" for index in (17, 19, 21, 24, 26, 28, 30)]
    expected = hooked(network, names, (images - backbone.mean) / backbone.std)
    for level, wanted in zip(backbone(images), expected, strict=True):
        assert is_close(level, wanted)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("mobilenetv2_100", (3, 7, 4)), ("test_resnet", (1, 1, 1)), ("convnext_atto", (2, 6, 2))],
)
def test_blocks_of_timm_networks_have_the_declared_shapes(name, counts):
    backbone = make_backbone(name, taps="blocks")
    assert tuple(backbone.strides.count(stride) for stride in (8, 16, 32)) == counts
    maps = backbone(torch.rand(2, 3, 64, 96))
    for level, channels, stride in zip(maps, backbone.channels, backbone.strides, strict=True):
        assert level.shape == (2, channels, 64 // stride, 96 // stride)


@pytest.mark.parametrize("name", ["mobilenetv2_100", "test_resnet", "resnet50", "vgg16"])
def test_the_last_block_of_a_level_is_its_stage(name):
    torch.manual_seed(0)
    stages = make_backbone(name, strides=(8, 16)).eval()
    blocks = make_backbone(name, strides=(8, 16), taps="blocks").eval()
    blocks.load_state_dict(stages.state_dict())
    images = torch.rand(1, 3, 64, 64)
    of_stages, of_blocks = stages(images), blocks(images)
    if name == "vgg16":  # its stages are what the poolings give
        of_blocks = [torch.nn.functional.max_pool2d(level.relu(), 2) for level in of_blocks]
        assert is_close(of_blocks[2], of_stages[1])
        return
    for stride, level in zip(stages.strides, of_stages, strict=True):
        last = max(index for index, other in enumerate(blocks.strides) if other == stride)
        same = of_blocks[last].relu() if name == "resnet50" else of_blocks[last]
        assert is_close(same, level)


def test_a_copy_reads_its_own_weights():
    first = make_backbone("test_resnet", taps="blocks")
    images = torch.rand(1, 3, 64, 64)
    before = first(images)[0]
    second = copy.deepcopy(first)
    for parameter in first.parameters():
        parameter.zero_()
    assert torch.equal(second(images)[0], before)


def test_taps_are_part_of_the_settings_and_may_be_absent():
    backbone = BackboneConfig("test_resnet", taps="blocks").build()
    assert backbone.settings["taps"] == "blocks"
    assert BackboneConfig(**backbone.settings).build().strides == backbone.strides
    older = {key: value for key, value in backbone.settings.items() if key != "taps"}
    assert BackboneConfig(**older).build().settings["taps"] == "stages"


def test_a_network_without_such_blocks_is_refused():
    with pytest.raises(ConfigError, match=r"blocks of 'regnetx_002' at stride .* cannot be found"):
        make_backbone("regnetx_002", taps="blocks")
