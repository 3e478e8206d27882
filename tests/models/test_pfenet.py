"""PFENet gives the published network's logits and losses for the same weights."""

import pytest
import torch
from torch import nn

from fewscape.backbones import BackboneConfig, fit_state
from fewscape.core import ConfigError, Episode, WeightsError
from fewscape.losses import share_cross_entropy
from fewscape.models.pfenet import PFENet, from_official
from tests.reference.pfenet import LiteralPFENet, loss, randomise_batch_norm

SIZE = 96
SCALES = (12, 6, 3, 2)
TOLERANCE = 2e-4


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    literal = LiteralPFENet(SCALES)
    randomise_batch_norm(literal, seed=1)
    ours = PFENet(BackboneConfig("resnet50_dilated"), variant="reference")
    fit_state(ours, from_official(literal.state_dict()), "literal network")
    return literal, ours.eval()


def make_episode(shots=1, size=SIZE):
    generator = torch.Generator().manual_seed(5)
    masks = torch.zeros(2, shots, size, size, dtype=torch.uint8)
    for shot in range(shots):
        masks[0, shot, 9 * shot : size - 20, size // 9 : size // 2] = 1
    query_mask = torch.randint(0, 2, (2, size, size), generator=generator).to(torch.uint8)
    query_mask[:, :7] = 255
    # The second sample's supports have no foreground.
    return Episode(
        torch.rand(2, 3, size, size, generator=generator),
        query_mask,
        torch.rand(2, shots, 3, size, size, generator=generator),
        masks,
        torch.zeros(2, dtype=torch.long),
    )


def run_literal(literal, ours, episode):
    def normalise(images):
        return (images - ours.backbone.mean) / ours.backbone.std

    return literal(
        normalise(episode.query_image),
        normalise(episode.support_images),
        episode.support_masks.float(),
    )


@pytest.mark.parametrize("shots", [1, 3])
def test_logits_equal_the_published_network(networks, shots):
    literal, ours = networks
    episode = make_episode(shots)
    with torch.inference_mode():
        expected, _ = run_literal(literal, ours, episode)
        logits = ours(episode).logits
    assert logits.shape == (2, 2, SIZE, SIZE)
    assert (logits - expected).abs().max() < TOLERANCE
    assert expected.std() > 20 * TOLERANCE


def test_losses_equal_those_published(networks):
    literal, ours = networks
    episode = make_episode()
    for module in ours.modules():
        if isinstance(module, nn.Dropout2d):
            module.eval()
    ours.enrichment.training = True  # alone, so that nothing is dropped
    try:
        with torch.inference_mode():
            expected = loss(*run_literal(literal, ours, episode), episode.query_mask.long())
            output = ours(episode)
            main = share_cross_entropy(output.logits, episode.query_mask)
            auxiliary = ours.auxiliary_losses(output, episode)["auxiliary"]
    finally:
        ours.eval()
    assert main.item() == pytest.approx(expected[0].item(), abs=1e-5)
    assert auxiliary.item() == pytest.approx(expected[1].item(), abs=1e-5)


def test_parameters_are_those_of_the_paper():
    network = PFENet(BackboneConfig("resnet50_dilated"), variant="reference")
    head = [p for name, p in network.named_parameters() if not name.startswith("backbone.")]
    assert sum(p.numel() for p in head) == 10_817_034


def test_the_default_runs_on_a_frozen_pyramid_and_trains_every_part():
    torch.manual_seed(0)
    network = PFENet(BackboneConfig("mobilenetv2_100"), width=16).train()
    episode = make_episode(size=64)
    output = network(episode)
    assert output.logits.shape == (2, 2, 8, 8)
    shapes = [tuple(output.maps[f"auxiliary{divisor}"].shape[2:]) for divisor in (1, 2, 4, 8)]
    assert shapes == [(8, 8), (4, 4), (2, 2), (1, 1)]
    terms = network.auxiliary_losses(output, episode)
    assert terms.keys() == {"auxiliary"}
    (share_cross_entropy(output.logits, episode.query_mask) + terms["auxiliary"]).backward()
    for name, parameter in network.named_parameters():
        if not name.startswith("backbone."):
            assert parameter.grad is not None, name
    assert all(parameter.grad is None for parameter in network.backbone.parameters())


def test_evaluation_leaves_the_auxiliary_heads_out():
    network = PFENet(BackboneConfig("test_resnet"), width=8).eval()
    output = network(make_episode(size=64))
    assert set(output.maps) == {"prior"}
    assert output.maps["prior"].shape == (2, 1, 8, 8)
    assert output.maps["prior"][1].abs().max() == 0, "no foreground, no prior"


def test_the_reference_needs_a_stage_to_run_again():
    with pytest.raises(ConfigError, match=r"cannot use the backbone 'test_resnet'.*'resnet50'"):
        PFENet(BackboneConfig("test_resnet"), variant="reference")


def test_other_levels_are_refused():
    with pytest.raises(ConfigError, match=r"needs one map of each of the strides \[8, 16, 32\]"):
        PFENet(BackboneConfig("test_resnet", strides=(4, 8, 16)))
    with pytest.raises(ConfigError, match="leave the settings 'strides' and 'taps' out"):
        PFENet(BackboneConfig("mobilenetv2_100", taps="blocks"))


def test_an_unknown_variant_is_named():
    with pytest.raises(ConfigError, match="PFENet has no variant 'published'"):
        PFENet(variant="published")


def test_a_foreign_name_is_refused():
    with pytest.raises(WeightsError, match="not those of a published PFENet checkpoint: encoder"):
        from_official({"module.encoder": torch.zeros(1)})
