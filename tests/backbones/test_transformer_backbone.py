"""Plain transformers: where their maps come from, which sizes they have, and what is refused."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from fewscape.backbones import BackboneConfig, TimmBackbone, TransformerBackbone, make_backbone
from fewscape.backbones.transformer_backbone import has_one_stride, spread_blocks
from fewscape.core import ConfigError, WeightsError

SMALL = {"depth": 6, "embed_dim": 48, "num_heads": 3}
FULL_SCALE = {"img_size": 56, "init_values": 1.0}
"""So that blocks of random weights differ; those of DINOv2 start as nearly nothing."""
NETWORKS = {
    "dinov2": ("vit_small_patch14_dinov2", SMALL | FULL_SCALE),
    "dinov2, registers": ("vit_small_patch14_reg4_dinov2", SMALL | FULL_SCALE),
    "dinov3": ("vit_small_patch16_dinov3", SMALL),
    "clip": ("vit_base_patch16_clip_224", SMALL),
    "siglip": ("vit_base_patch16_siglip_224", SMALL),
    "patches of 8": ("vit_small_patch8_224", SMALL),
    "patches of 32": ("vit_base_patch32_clip_224", SMALL),
}


def build(title="dinov2", **arguments):
    torch.manual_seed(0)
    name, options = NETWORKS[title]
    return make_backbone(name, options=options, **arguments).eval()


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def backbone(request):
    return build(request.param)


def run_slowly(network, images):
    """The tokens after every block as maps, without timm's own way of gathering them."""
    patches = network.patch_embed.proj(images)
    rows, cols = patches.shape[2:]
    tokens = [patches[:, :, row, col] for row in range(rows) for col in range(cols)]
    hidden = torch.stack([network.cls_token[0].expand(len(images), -1), *tokens], dim=1)
    hidden = hidden + network.pos_embed
    maps = []
    for block in network.blocks:
        hidden = block(hidden)
        normal = network.norm(hidden)
        level = torch.zeros(len(images), hidden.shape[2], rows, cols)
        for row in range(rows):
            for col in range(cols):
                level[:, :, row, col] = normal[:, 1 + row * cols + col]
        maps.append(level)
    return maps


def test_levels_are_blocks_of_the_second_half_resized():
    backbone = build()
    images = torch.rand(2, 3, 64, 64)
    normal = (images - backbone.mean) / backbone.std
    fitted = torch.nn.functional.interpolate(normal, (56, 56), mode="bilinear", antialias=True)
    with torch.no_grad():
        maps = run_slowly(backbone.network, fitted)
    third, fifth, last = maps[2], maps[4], maps[5]
    finest, middle, coarsest = backbone(images)
    enlarged = torch.nn.functional.interpolate(third, (8, 8), mode="bilinear")
    assert torch.allclose(finest, enlarged, atol=1e-5)
    assert torch.allclose(middle, fifth, atol=1e-5)
    for row in range(2):
        for col in range(2):
            part = last[:, :, 2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
            assert torch.allclose(coarsest[:, :, row, col], part.mean((2, 3)), atol=1e-5)


def test_blocks_are_all_maps_up_to_the_last():
    backbone = build(strides=(16, 32), taps="blocks")
    assert backbone.blocks == (0, 1, 2, 3, 4, 5)
    assert backbone.strides == (16,) * 3 + (32,) * 3
    images = torch.rand(1, 3, 64, 64)
    normal = (images - backbone.mean) / backbone.std
    fitted = torch.nn.functional.interpolate(normal, (56, 56), mode="bilinear", antialias=True)
    with torch.no_grad():
        maps = run_slowly(backbone.network, fitted)
    for level, wanted in zip(backbone(images)[:3], maps[:3], strict=True):
        assert torch.allclose(level, wanted, atol=1e-5)


def test_the_last_block_of_a_level_is_its_stage():
    stages, blocks = build(), build(taps="blocks")
    images = torch.rand(1, 3, 64, 96)
    of_stages, of_blocks = stages(images), blocks(images)
    for stride, level in zip(stages.strides, of_stages, strict=True):
        last = max(index for index, other in enumerate(blocks.strides) if other == stride)
        assert torch.equal(of_blocks[last], level)


@pytest.mark.parametrize("num_levels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [4, 5, 12, 13, 24, 40])
def test_blocks_are_spread_up_to_the_last_without_gaps(depth, num_levels):
    levels = spread_blocks(depth, num_levels)
    assert len(levels) == num_levels
    assert all(levels)
    flat = [block for level in levels for block in level]
    assert flat == list(range(flat[0], depth))
    assert levels[0][-1] + 1 >= min(depth / 2, depth - num_levels + 1)


@pytest.mark.parametrize("size", [(64, 96), (50, 65), (16, 7)])
def test_maps_have_the_declared_strides_for_any_size(backbone, size):
    maps = backbone(torch.rand(1, 3, *size))
    for level, channels, stride in zip(maps, backbone.channels, backbone.strides, strict=True):
        assert level.shape == (1, channels, *(-(-side // stride) for side in size))
        assert level.isfinite().all()


def test_all_strides_of_convolutional_networks_are_there():
    maps = build(strides=(4, 8, 16, 32))(torch.rand(1, 3, 64, 64))
    assert [level.shape[2] for level in maps] == [16, 8, 4, 2]


@pytest.mark.parametrize(
    "name", ["vit_small_patch14_dinov2.lvd142m", "vit_small_patch16_dinov3.lvd1689m"]
)
def test_the_published_networks_have_a_pyramid_at_256_pixels(name):
    backbone = make_backbone(name)
    maps = backbone(torch.randint(0, 256, (1, 3, 256, 256), dtype=torch.uint8))
    assert [tuple(level.shape[1:]) for level in maps] == [(384, s, s) for s in (32, 16, 8)]
    assert backbone.blocks == (5, 8, 11)
    assert 21e6 < sum(parameter.numel() for parameter in backbone.parameters()) < 23e6


def test_mean_and_deviation_are_the_networks_own_unless_given():
    assert build("clip").mean.flatten().tolist() == pytest.approx(
        [0.4815, 0.4578, 0.4082], abs=1e-4
    )
    given = make_backbone("vit_base_patch16_clip_224", options={**SMALL, "mean": (0.1, 0.2, 0.3)})
    assert given.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_a_frozen_one_gives_no_gradient_and_a_free_one_does(backbone):
    images = torch.rand(1, 3, 32, 32)
    backbone.set_training("frozen")
    assert not backbone.train().training
    assert not backbone(images)[0].requires_grad
    backbone.set_training("full")
    sum(level.square().mean() for level in backbone.train()(images)).backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters())
    backbone.set_training("frozen")


def test_bfloat16_is_close_to_float32(backbone):
    images = torch.rand(1, 3, 64, 80)
    full = backbone(images)
    rounded = build_like(backbone).to(torch.bfloat16)(images)
    for level, other in zip(full, rounded, strict=True):
        assert other.dtype == torch.bfloat16
        assert (level - other.float()).norm() < 0.05 * level.norm()


def build_like(backbone):
    again = BackboneConfig(**backbone.settings).build().eval()
    again.load_state_dict(backbone.state_dict())
    return again


def test_settings_build_the_same_network(backbone):
    images = torch.rand(1, 3, 48, 64)
    again = build_like(backbone)
    assert again.settings == backbone.settings
    for level, other in zip(backbone(images), again(images), strict=True):
        assert torch.equal(level, other)


@pytest.mark.parametrize("pool", ["token", "avg", "map"])
def test_a_file_may_hold_the_head_beside_the_weights(tmp_path, pool):
    options = SMALL | {"global_pool": pool}
    whole = timm.create_model("vit_tiny_patch16_224", num_classes=7, **options)
    torch.nn.init.constant_(whole.blocks[0].mlp.fc1.bias, 3.0)
    save_file(whole.state_dict(), tmp_path / "whole.safetensors")
    path = str(tmp_path / "whole.safetensors")
    backbone = make_backbone("vit_tiny_patch16_224", path, options=options)
    assert (backbone.network.blocks[0].mlp.fc1.bias == 3).all()
    with pytest.raises(WeightsError, match="do not fit the network; 12 missing: "):
        make_backbone("vit_tiny_patch16_224", path, options=options | {"depth": 7})


def test_imagenet_stands_for_the_weights_that_timm_publishes(monkeypatch):
    asked = []
    create = timm.create_model

    def watch(name, pretrained=False, **options):
        asked.append((name, pretrained))
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", watch)
    make_backbone("vit_small_patch16_dinov3.lvd1689m", "imagenet", options=SMALL)
    assert asked[-1] == ("vit_small_patch16_dinov3.lvd1689m", True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vit_small_patch14_dinov2", True),
        ("eva02_base_patch14_224", True),
        ("resnet50", False),
        ("swin_tiny_patch4_window7_224", False),
        ("no_such_network", False),
    ],
)
def test_plain_transformers_are_told_by_their_maps(name, kind):
    assert has_one_stride(name) is kind


def test_the_factory_takes_both_kinds_of_timm_networks():
    tiny = make_backbone("timm/vit_tiny_patch16_224", options=SMALL)
    assert isinstance(tiny, TransformerBackbone)
    assert isinstance(make_backbone("test_resnet"), TimmBackbone)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("beit_base_patch16_224", {"depth": 3}, "'beit_base_patch16_224' has a fixed image size"),
        ("mixer_s32_224", {}, r"has a fixed image size; .*; use a plain transformer"),
        ("vit_tiny_patch16_224", {"depth": 2}, "has 2 blocks for 3 levels; .* deeper network"),
        (
            "vit_tiny_patch16_224",
            {"stem_width": 2},
            "timm cannot build .*'stem_width': 2.* argument 'stem_width'",
        ),
        ("vit_tiny_patch16_224.none", {}, "Invalid pretrained tag"),
    ],
)
def test_what_cannot_be_served_is_refused(name, options, message):
    with pytest.raises(ConfigError, match=message):
        make_backbone(name, options=options)
