import pytest
import torch

from fewscape.backbones import ResNetBackbone, VGGBackbone, make_backbone


@pytest.mark.parametrize(
    ("name", "channels", "parameters"),
    [
        ("resnet50", (512, 1024, 2048), 23_508_032),
        ("resnet101", (512, 1024, 2048), 42_500_160),
        ("vgg16", (256, 512, 512), 14_714_688),
    ],
)
def test_papers_networks_have_the_papers_sizes(name, channels, parameters):
    backbone = make_backbone(name)
    assert backbone.channels == channels
    assert sum(p.numel() for p in backbone.parameters()) == parameters


@pytest.mark.parametrize(
    "build", [lambda: ResNetBackbone(50, (4, 8, 32)), lambda: VGGBackbone((4, 8, 16, 32))]
)
def test_maps_have_the_declared_strides(build):
    backbone = build()
    maps = backbone(torch.rand(1, 3, 64, 96))
    for level, channels, stride in zip(maps, backbone.channels, backbone.strides, strict=True):
        assert level.shape == (1, channels, 64 // stride, 96 // stride)


def test_resnet_levels_are_torchvisions():
    from torchvision.models import resnet50
    from torchvision.models.feature_extraction import create_feature_extractor

    torch.manual_seed(0)
    network = resnet50(weights=None).eval().double()
    backbone = ResNetBackbone(50).eval().double()
    backbone.load_state_dict(
        {k: v for k, v in network.state_dict().items() if not k.startswith("fc.")}
    )
    images = torch.rand(1, 3, 64, 64)
    normal = ((images - backbone.mean) / backbone.std).double()
    expected = create_feature_extractor(network, ["layer2", "layer3", "layer4"])(normal)
    for level, wanted in zip(backbone(images), expected.values(), strict=True):
        assert (level - wanted).abs().max() < 1e-4 * wanted.max()


def test_uint8_and_unit_floats_agree():
    backbone = make_backbone("test_resnet")
    images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    for whole, unit in zip(backbone(images), backbone(images.float() / 255), strict=True):
        assert torch.allclose(whole, unit, atol=1e-5)


def test_a_frozen_backbone_stays_in_evaluation_mode_and_gives_no_gradient():
    backbone = make_backbone("test_resnet").train()
    assert not backbone.training
    assert all(not module.training for module in backbone.modules())
    assert not backbone(torch.rand(1, 3, 64, 64))[0].requires_grad


def test_fixed_norm_trains_weights_and_keeps_statistics():
    backbone = make_backbone("test_resnet", training_mode="fixed_norm").train()
    before = {k: v.clone() for k, v in backbone.state_dict().items() if "running" in k}
    maps = backbone(torch.rand(2, 3, 64, 64))
    assert maps[0].requires_grad
    assert all(torch.equal(v, backbone.state_dict()[k]) for k, v in before.items())


def test_statistics_stay_exact_in_bfloat16():
    backbone = make_backbone("test_resnet").to(torch.bfloat16)
    assert next(backbone.parameters()).dtype == torch.bfloat16
    assert backbone.mean.flatten().tolist() == make_backbone("test_resnet").mean.flatten().tolist()
