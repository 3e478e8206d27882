"""HSNet gives the published network's logits for the same weights; its variants and names."""

import pytest
import torch

from fewscape.backbones import BackboneConfig, fit_state
from fewscape.core import ConfigError, Episode, WeightsError
from fewscape.models.hsnet import HSNet, from_official
from tests.reference.hsnet import LiteralHSNet, predict_shots
from tests.reference.mgcl import randomise_batch_norm


def build_pair(name):
    torch.manual_seed(0)
    literal = LiteralHSNet(name)
    if name != "vgg16":
        randomise_batch_norm(literal, seed=1)
    literal.eval()
    ours = HSNet(BackboneConfig(name), variant="reference")
    fit_state(ours, from_official(literal.state_dict()), "literal network")
    return literal, ours.eval()


def make_episode(size, shots=1):
    generator = torch.Generator().manual_seed(5)
    masks = torch.zeros(2, shots, size, size, dtype=torch.uint8)
    for shot in range(shots):
        masks[0, shot, 9 * shot : size - 20, size // 9 : size // 3] = 1
    # The second sample's supports have no foreground.
    return Episode(
        torch.rand(2, 3, size, size, generator=generator),
        torch.zeros(2, size, size, dtype=torch.uint8),
        torch.rand(2, shots, 3, size, size, generator=generator),
        masks,
        torch.zeros(2, dtype=torch.long),
    )


def normalise(images, network):
    return (images - network.backbone.mean) / network.backbone.std


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet50", 64),
        ("vgg16", 64),
        pytest.param("resnet50", 256, marks=pytest.mark.slow),
    ],
)
def test_logits_equal_the_published_network(name, size):
    literal, ours = build_pair(name)
    episode = make_episode(size)
    with torch.inference_mode():
        expected = literal(
            normalise(episode.query_image, ours),
            normalise(episode.support_images[:, 0], ours),
            episode.support_masks[:, 0].float(),
        )
        logits = ours(episode).logits
    assert logits.shape == (2, 2, size, size)
    assert (logits - expected).abs().max() < 1e-5
    assert expected.std() > 1e-3


def test_several_shots_vote_as_published():
    literal, ours = build_pair("resnet50")
    torch.nn.init.zeros_(ours.decoder.decode4[-1].bias)
    torch.nn.init.zeros_(literal.hpn_learner.decoder2[-1].bias)
    episode = make_episode(64, shots=4)
    with torch.inference_mode():
        expected = predict_shots(
            literal,
            normalise(episode.query_image, ours),
            normalise(episode.support_images, ours),
            episode.support_masks.float(),
        )
        logits = ours(episode).logits
    assert 0.05 < expected.float().mean() < 0.95
    decided = (logits[:, 1] > logits[:, 0]).long()
    assert (decided == expected).float().mean() > 0.999


def test_parameters_are_those_of_the_paper():
    network = HSNet(BackboneConfig("resnet50"), variant="reference")
    learnable = sum(p.numel() for p in network.decoder.parameters())
    assert learnable == sum(p.numel() for p in LiteralHSNet().hpn_learner.parameters())
    assert round(learnable / 1e6, 1) == 2.6  # as published


def test_variants_differ_in_one_kernel():
    reference = HSNet(BackboneConfig("test_resnet"), variant="reference").state_dict()
    default = HSNet(BackboneConfig("test_resnet")).state_dict()
    shapes = {name: tensor.shape for name, tensor in default.items()}
    assert reference.keys() == default.keys()
    changed = {name for name, tensor in reference.items() if tensor.shape != shapes[name]}
    # The second kernel for stride 8 fits a support of 16 cells in place of 32.
    assert {name.rsplit(".", 2)[0] for name in changed} == {"decoder.squeeze8.3"}


def test_area_masks_see_objects_between_the_published_points():
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[0, 20:23, 20:23] = 1
    image = torch.rand(1, 3, 64, 64)
    weight = {}
    for variant in ("default", "reference"):
        torch.manual_seed(0)
        network = HSNet(BackboneConfig("test_resnet"), variant=variant).eval()
        support = network.learn(network.encode(image), mask)
        weight[variant] = support["block0"].abs().sum()
    assert weight["default"] > 0
    assert weight["reference"] == 0


def test_every_block_of_a_timm_network_is_a_plane():
    network = HSNet(BackboneConfig("mobilenetv2_100")).eval()
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    support = network.learn(network.encode(images), torch.ones(2, 64, 64, dtype=torch.uint8))
    assert len(support.tensors) == 14
    planes = [
        block[0].support.in_channels
        for block in (
            network.decoder.squeeze8,
            network.decoder.squeeze16,
            network.decoder.squeeze32,
        )
    ]
    assert planes == [3, 7, 4]
    assert network(make_episode(64)).logits.shape == (2, 2, 16, 16)


def test_an_identical_support_correlates_fully():
    network = HSNet(BackboneConfig("test_resnet")).eval()
    images = torch.rand(1, 3, 64, 64)
    features = network.encode(images)
    support = network.learn(features, torch.ones(1, 64, 64, dtype=torch.uint8))
    correlation = network.predict_shot(features, support).maps["correlation"]
    assert torch.allclose(correlation, torch.ones_like(correlation), atol=1e-3)


def test_an_unknown_variant_is_named():
    with pytest.raises(ConfigError, match="HSNet has no variant 'published'"):
        HSNet(variant="published")


def test_other_strides_are_refused():
    with pytest.raises(ConfigError, match=r"needs blocks of strides \[8, 16, 32\]"):
        HSNet(BackboneConfig("test_resnet", strides=(4, 8, 16)))


def test_a_foreign_name_is_refused():
    with pytest.raises(WeightsError, match=r"not those of a published HSNet checkpoint: x\.y"):
        from_official({"module.x.y": torch.zeros(1)})
