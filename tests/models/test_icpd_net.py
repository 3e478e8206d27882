"""The parts of ICPD-Net, where its gradients come from, and what it does without CLIP."""

import logging
from dataclasses import replace

import pytest
import torch

from fewscape.backbones import BackboneConfig, ClipConfig
from fewscape.core import ConfigError, Support
from fewscape.losses import share_cross_entropy
from fewscape.models.icpd_net import ICPDNet
from fewscape.models.icpd_net.comparison import compare_maps, sample_shares
from fewscape.models.icpd_net.config import CLEAN, REFERENCE
from fewscape.models.icpd_net.fusion import gather_confident, mix_foreground, rate_cells
from fewscape.models.icpd_net.prior_learner import PriorLearner
from fewscape.models.icpd_net.prompts import (
    guess_target,
    order_classes,
    stack_prompts,
    summarise_prompts,
)
from fewscape.ops import max_cosine_prior, resize_maps
from fewscape.testing import make_episode

NAMES = ["ship", "harbor", "plane", "bridge"]
STUB = ClipConfig(NAMES, "stub", first_class_id=0)


def build(**arguments):
    torch.manual_seed(0)
    return ICPDNet(BackboneConfig("test_resnet"), **arguments)


def test_the_target_comes_first_and_the_others_keep_or_change_their_order():
    target = torch.tensor([[2], [0]])
    assert order_classes(target, 4, shuffle=False).tolist() == [[2, 0, 1, 3], [0, 1, 2, 3]]
    torch.manual_seed(0)
    drawn = [order_classes(target, 4, shuffle=True) for _ in range(20)]
    assert all((order[:, :1] == target).all() for order in drawn)
    assert all((order.sort(dim=1).values == torch.arange(4)).all() for order in drawn)
    assert len({tuple(order[0].tolist()) for order in drawn}) > 3


def test_one_order_serves_a_whole_batch():
    similarity = torch.randn(3, 4, 2, 2)
    stack = stack_prompts(similarity, torch.tensor([[2, 0, 1, 3]]))
    assert torch.equal(stack, similarity[:, [2, 0, 1, 3]])


def test_the_statistics_know_neither_the_order_nor_the_number_of_the_others():
    stack = torch.randn(2, 9, 4, 4)
    turned = torch.cat([stack[:, :1], stack[:, 1:].flip(1)], dim=1)
    found = summarise_prompts(stack)
    assert found.shape == (2, 11, 4, 4)
    assert torch.allclose(summarise_prompts(turned), found, atol=1e-6)
    assert torch.equal(found[:, 4], stack[:, 0] - stack[:, 1:].amax(dim=1))
    assert summarise_prompts(stack[:, :3]).shape == found.shape


def test_an_unnamed_target_is_the_name_that_marks_the_support():
    similarity = torch.rand(2, 4, 8, 8)
    shares = torch.zeros(2, 8, 8)
    shares[:, 2:5, 2:5] = 1
    similarity[0, 3] += 0.8 * shares[0]
    similarity[1, 1] += 0.8 * shares[1]
    assert guess_target(similarity, shares).flatten().tolist() == [3, 1]


@pytest.mark.parametrize("grid", [(16, 16), (4, 7)])
def test_the_learner_keeps_the_grid(grid):
    logits = PriorLearner(15)(torch.randn(2, 15, *grid))
    assert logits.shape == (2, 1, *grid)


def test_a_stretched_prior_always_trusts_a_cell_and_a_constant_one_none():
    ratings = rate_cells(torch.rand(3, 1, 4, 4) * 0.01, (8, 8))
    assert ratings.shape == (3, 64)
    assert (ratings.amax(dim=1) > 0.99).all()
    assert (rate_cells(torch.full((1, 1, 4, 4), 0.6), (8, 8)) == 0).all()


@pytest.mark.parametrize(("by_weight", "divisor"), [(True, 1.7), (False, 2.0)])
def test_the_prototype_is_of_the_confident_cells(by_weight, divisor):
    query = torch.tensor([[[1.0, 0.0], [0.0, 4.0], [9.0, 9.0]]] * 2)
    ratings = torch.tensor([[0.9, 0.8, 0.7], [0.1, 0.2, 0.3]])
    prototype, confident = gather_confident(query, ratings, by_weight)
    assert torch.allclose(prototype[0], torch.tensor([0.9, 3.2]) / divisor)
    assert torch.equal(prototype[1], torch.zeros(2))
    assert confident.tolist() == [True, False]


def test_only_the_foreground_of_applicable_samples_is_mixed():
    support = torch.randn(2, 3, 4)
    foreground = torch.tensor([[True, False, True]]).expand(2, -1)
    prototype = torch.randn(2, 4)
    mixed = mix_foreground(support, foreground, prototype, torch.tensor([True, False]), 0.5)
    assert torch.equal(mixed[:, 1], support[:, 1])
    assert torch.equal(mixed[1], support[1])
    assert torch.allclose(mixed[0, 0], (support[0, 0] + prototype[0]) / 2)


def test_area_shares_see_objects_that_fall_between_the_published_samples():
    masks = torch.zeros(1, 256, 256, dtype=torch.uint8)
    masks[0, 3:9, 3:9] = 1
    published, _ = sample_shares(masks, (8, 8), REFERENCE)
    shares, mixed = sample_shares(masks, (8, 8), CLEAN)
    assert published.sum() == 0
    assert shares[0, 0, 0].item() == pytest.approx(36 / 1024)
    assert torch.equal(mixed, shares > 0)


def compare(ratings, mixing, joint_gate=False, variant=CLEAN):
    generator = torch.Generator().manual_seed(3)
    query, support = torch.randn(2, 2, 6, 4, 4, generator=generator)
    shares = (torch.rand(2, 4, 4, generator=generator) > 0.5).float()
    return compare_maps(query, support, shares, shares > 0, ratings, variant, mixing, joint_gate)


def test_queries_without_a_confident_cell_leave_their_support_alone():
    ratings = torch.zeros(2, 16)
    ratings[0, :4] = 0.9
    plain = compare(ratings, mixing=0.0)
    own = compare(ratings, mixing=0.5)
    joint = compare(ratings, mixing=0.5, joint_gate=True)
    assert torch.equal(own[1], plain[1])
    assert not torch.equal(own[0], plain[0])
    assert not torch.equal(joint[1, 1], plain[1, 1])  # shorter vectors rank otherwise


def test_the_same_shot_again_changes_nothing():
    network = build().eval()
    episode = make_episode()
    with torch.inference_mode():
        features = network.encode(episode.query_image)
        support = network.learn(network.encode(episode.support_images[:, 0]), episode.query_mask)
        once = network.predict(features, [support]).logits
        thrice = network.predict(features, [support] * 3).logits
    assert torch.allclose(once, thrice, atol=1e-5)


def test_without_clip_the_prior_is_that_of_pfenet_and_the_log_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        network = build().eval()
    assert "runs without CLIP: its prior is PFENet's" in caplog.text
    episode = make_episode(shots=2)
    output = network(episode)
    assert network.auxiliary_losses(output, episode) == {}
    blocks = network.backbone.strides
    expected = [2 * blocks.count(8), 2 * blocks.count(16) + 1, 2 * blocks.count(32)]
    assert [output.maps[f"priors{stride}"].shape[1] for stride in (8, 16, 32)] == expected
    assert output.maps["prior"].shape == (3, 1, 2, 2)


def test_maps_for_people_are_means_of_the_blocks():
    output = build(clip=STUB).eval()(make_episode())
    for stride, own in zip((8, 16, 32), (0, 3, 0), strict=True):
        blocks = output.maps[f"priors{stride}"][:, : -own or None]
        cosine, rank = output.maps[f"cosine{stride}"], output.maps[f"rank{stride}"]
        assert cosine.shape[1] == rank.shape[1] == 1
        assert torch.allclose(cosine[:, 0], blocks[:, ::2].mean(dim=1))
        assert torch.allclose(rank[:, 0], blocks[:, 1::2].mean(dim=1))
    assert output.maps["similarity"].shape == (3, 1, 16, 16)


def leaf_of(network):
    return network.ipdm.learner.reduce[-1].weight


def test_the_learner_learns_from_its_loss_alone():
    network = build(clip=STUB).train()
    episode = make_episode(shots=2)
    output = network(episode)
    assert output.maps["support_priors"].shape == (3, 2, 16, 16)
    losses = network.auxiliary_losses(output, episode)
    assert losses.keys() == {"prior"}
    losses["prior"].backward()
    assert leaf_of(network).grad.abs().sum() > 0
    assert all(p.grad is None for p in network.decoder.parameters())
    frozen = [*network.backbone.parameters(), *network.ipdm.clip.parameters()]
    assert all(p.grad is None and not p.requires_grad for p in frozen)


@pytest.mark.parametrize("way", ["appended", "mixed"])
def test_the_learner_learns_from_the_logits_in_two_ways(way, monkeypatch):
    network = build(clip=STUB, mixing=0.0 if way == "appended" else 0.5).train()
    with torch.no_grad():
        leaf_of(network).mul_(20)
    if way == "mixed":  # cut the channel that is appended as it is
        decode = network.decoder.forward

        def without_last(levels):
            at8, at16, at32 = levels
            return decode([at8, torch.cat([at16[:, :-1], at16[:, -1:].detach()], dim=1), at32])

        monkeypatch.setattr(network.decoder, "forward", without_last)
    network(make_episode()).logits.square().mean().backward()
    assert leaf_of(network).grad.abs().sum() > 0


def test_numbers_name_the_target_and_unknown_ones_leave_the_guess():
    network = build(clip=STUB)
    support = Support({"target": torch.tensor([[1], [1], [1]])})
    named = network.name_class(support, torch.tensor([3, 4, -1]))
    assert named["target"].flatten().tolist() == [3, 1, 1]


def test_a_given_prior_replaces_the_foretold_one():
    network = build(clip=STUB).eval()
    episode = make_episode()
    with torch.inference_mode():
        features = network.encode(episode.query_image)
        given = replace(features, extra=features.extra | {"prior": torch.rand(3, 1, 16, 16)})
        support = network.learn(features, episode.query_mask)
        output = network.predict(given, [support])
    assert torch.equal(output.maps["prior"], given.extra["prior"])


def test_the_reference_shuffles_the_names_when_predicting_too():
    network = build(clip=STUB, variant="reference").eval()
    episode = make_episode()
    with torch.inference_mode():
        priors = [network(episode).maps["prior"] for _ in range(6)]
    assert any(not torch.equal(priors[0], other) for other in priors[1:])
    statistics = build(clip=STUB, variant="reference", prior_input="statistics").eval()
    with torch.inference_mode():
        priors = [statistics(episode).maps["prior"] for _ in range(6)]
    assert all(torch.allclose(priors[0], other, atol=1e-5) for other in priors[1:])


def test_activations_can_take_the_place_of_the_learner():
    network = build(clip=STUB, prior="grad_cam").eval()
    episode = make_episode()
    with torch.inference_mode():
        output = network(episode)
        features = network.encode(episode.query_image)
    for sample, target in enumerate(episode.class_id):
        expected = features.extra["activations"][sample, target]
        assert torch.allclose(output.maps["prior"][sample, 0], expected, atol=1e-6)
    assert not [name for name, _ in network.named_parameters() if "learner" in name]


def test_the_visual_prior_is_averaged_over_the_shots():
    network = build().eval()
    episode = make_episode(shots=2)
    with torch.inference_mode():
        output = network(episode)
        query = network.encode(episode.query_image).maps[-1].flatten(2).transpose(1, 2)
        priors = []
        for shot in range(2):
            features = network.encode(episode.support_images[:, shot])
            shares, _ = sample_shares(episode.support_masks[:, shot], (2, 2), CLEAN)
            rows = features.maps[-1].flatten(2).transpose(1, 2)
            priors.append(max_cosine_prior(query, rows, shares.flatten(1), count_shares=True))
    assert torch.allclose(output.maps["prior"].flatten(1), sum(priors) / 2, atol=1e-4)


def test_statistics_of_a_data_set_replace_the_backbones():
    network = build(statistics="isaid")
    assert network.backbone.mean.flatten().tolist() == pytest.approx([0.378, 0.380, 0.356])
    assert network.describe()["statistics"] == "isaid"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "cleans"}, "ICPD-Net has no variant 'cleans'; did you mean 'clean'"),
        ({"backbone": BackboneConfig("test_resnet", strides=(16, 32))}, "needs blocks of strides"),
        ({"clip": {"class_names": ["ship"], "architecture": "stub"}}, "at least 2 names"),
        ({"clip": {"class_names": ["a", "a"], "architecture": "stub"}}, "each once"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        ICPDNet(**({"backbone": BackboneConfig("test_resnet")} | arguments))


@pytest.mark.slow
def test_four_episodes_are_learnt_by_heart():
    """Coloured squares on noise, the class told by its colour."""
    network = build(clip=STUB).train()
    generator = torch.Generator().manual_seed(7)
    episode = make_episode(batch=4)
    colours = torch.tensor([[250, 20, 20], [20, 250, 20], [20, 20, 250], [240, 240, 30]])
    masks = torch.zeros(2, 4, 64, 64, dtype=torch.uint8)
    images = torch.randint(60, 160, (2, 4, 3, 64, 64), generator=generator)
    for role in range(2):
        for sample in range(4):
            row, col = torch.randint(0, 36, (2,), generator=generator).tolist()
            masks[role, sample, row : row + 24, col : col + 24] = 1
            where = masks[role, sample].bool()
            images[role, sample][:, where] = colours[sample][:, None]
    episode.query_image, episode.query_mask = images[0].to(torch.uint8), masks[0]
    episode.support_images, episode.support_masks = (
        images[1][:, None].to(torch.uint8),
        masks[1][:, None],
    )
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 4e-3)
    for _ in range(150):
        output = network(episode)
        loss = share_cross_entropy(output.logits, episode.query_mask)
        loss = loss + sum(network.auxiliary_losses(output, episode).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = resize_maps(network.eval()(episode).logits, (64, 64)).argmax(dim=1)
    overlap = (found * masks[0]).sum() / ((found + masks[0]) > 0).sum()
    assert overlap > 0.9
