import pytest
import torch
from torchvision.models import resnet50

from fewscape.backbones import BackboneConfig, make_backbone
from fewscape.core import ConfigError


def test_all_levels_keep_stride_eight():
    backbone = make_backbone("resnet50_dilated").eval()
    assert backbone.strides == (8, 8, 8)
    maps = backbone(torch.rand(1, 3, 64, 96))
    assert [tuple(level.shape) for level in maps] == [
        (1, channels, 8, 12) for channels in (512, 1024, 2048)
    ]


def test_every_three_by_three_of_a_dilated_stage_is_spread():
    backbone = make_backbone("resnet50_dilated")
    for stage, dilation in (("layer2", 1), ("layer3", 2), ("layer4", 4)):
        spread = {block.conv2.dilation for block in getattr(backbone, stage)}
        assert spread == {(dilation, dilation)}


def test_the_stem_has_three_convolutions():
    backbone = make_backbone("resnet50_dilated")
    kernels = [layer.kernel_size for layer in backbone.conv1 if hasattr(layer, "kernel_size")]
    assert kernels == [(3, 3)] * 3
    assert backbone.layer1[0].conv1.in_channels == 128


def test_its_weights_are_frozen_and_its_settings_build_it_again():
    backbone = make_backbone("resnet50_dilated", strides=(8, 32))
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    again = BackboneConfig(**backbone.settings).build()
    again.load_state_dict(backbone.state_dict())
    assert again.strides == (8, 8)


def test_blocks_of_dilated_stages_share_their_stride():
    assert make_backbone("resnet50_dilated", taps="blocks").strides == (8,) * 13


def test_imagenet_weights_do_not_exist():
    with pytest.raises(ConfigError, match="'resnet50_dilated' has no published ImageNet weights"):
        make_backbone("resnet50_dilated", "imagenet")


def test_options_are_refused():
    with pytest.raises(ConfigError, match="use 'timm/resnet50' for others"):
        make_backbone("resnet50_dilated", options={"pad_type": "same"})


def test_with_the_common_stem_the_common_weights_fit(tmp_path):
    whole = resnet50(weights=None)
    torch.save(whole.state_dict(), tmp_path / "resnet50.pth")
    backbone = make_backbone("resnet50_stride8", str(tmp_path / "resnet50.pth")).eval()
    assert backbone.strides == (8, 8, 8)
    images = torch.rand(1, 3, 64, 64)
    assert [level.shape[2:] for level in backbone(images)] == [(8, 8)] * 3
    plain = make_backbone("resnet50", str(tmp_path / "resnet50.pth")).eval()
    assert torch.allclose(backbone(images)[0], plain(images)[0], atol=1e-5)
    again = BackboneConfig(**backbone.settings).build()
    assert again.state_dict().keys() == backbone.state_dict().keys()
