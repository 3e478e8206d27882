"""DSMF-Net: acceptance tests (docs/methods/dsmf_net.md)."""

import dataclasses
from itertools import product

import numpy as np
import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Features, Support
from fewscape.losses import share_cross_entropy
from fewscape.models import DSMFNet
from fewscape.models.dsmf_net.graphs import compare_graphs, stretch
from fewscape.ops import average_mask, resize_maps
from fewscape.testing import make_episode
from tests.reference.dsmf_net import graph_probability

ORDERS = ("mid", "topdown", "none")


def build(variant="default", **options):
    torch.manual_seed(0)
    return DSMFNet(**{"backbone": BackboneConfig("test_resnet"), "variant": variant} | options)


def count_learnable(**options):
    with torch.device("meta"):
        network = DSMFNet(**{"backbone": BackboneConfig("resnet50")} | options)
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"variant": "reference"}, 917_504 + 131_072 + 309_504 + 9_442_312),
        ({"variant": "light"}, 917_504 + 131_072 + 309_504 + 2_164_740),
        # Without the gathering and its residual pair, and the three convolutions that hand back.
        (
            {"variant": "reference", "sff_order": "none"},
            10_800_392 - 196_608 - 1_179_648 - 393_216,
        ),
        # Two scales instead of three take from another one, and nothing is gathered.
        (
            {"variant": "reference", "sff_order": "topdown"},
            10_800_392 - 196_608 - 1_179_648 - 131_072,
        ),
        # 256 more channels in each of the three first convolutions.
        ({"variant": "reference", "sff_use_graph_feat": True}, 10_800_392 + 3 * 256 * 256),
        # A dynamic graph has no convolution across its 64 nodes.
        ({"variant": "reference", "adjacency": "dynamic"}, 10_800_392 - 3 * 4_160),
        ({"variant": "reference", "dilated": True}, 10_800_392),
    ],
)
def test_learnable_parameters(options, expected):
    assert count_learnable(**options) == expected


def test_probability_maps_equal_the_loops():
    network = build("reference").eval()
    episode = make_episode()
    with torch.inference_mode():
        query = network.encode(episode.query_image)
        support = network.encode(episode.support_images[:, 0])
        learnt = network.learn(support, episode.support_masks[:, 0])
        maps = network.predict(query, [learnt]).maps
    for stage, sample in product((3, 4, 5), range(3)):
        own = query.extra[f"graph{stage}"][sample]
        other = support.extra[f"graph{stage}"][sample]
        share, _ = average_mask(episode.support_masks[sample], (other.shape[1], other.shape[2]))
        expected = graph_probability(
            own.flatten(1).double().numpy(),
            other.flatten(1).double().numpy(),
            share.flatten().double().numpy(),
        )
        found = maps[f"graph{stage}"][sample].flatten().numpy()
        assert np.allclose(found, expected, atol=2e-3)  # stretching magnifies float32


@pytest.mark.parametrize("variant", ["reference", "default"])
@pytest.mark.parametrize("value", [0, 1, 255])
def test_maps_stay_between_zero_and_one(variant, value):
    network = build(variant).eval()
    episode = make_episode()
    episode.support_masks = torch.full_like(episode.support_masks, value)
    maps = network(episode).maps
    for title in ("prior", "graph3", "graph4", "graph5"):
        assert maps[title].isfinite().all()
        assert maps[title].min() >= 0
        assert maps[title].max() <= 1


def test_a_constant_map_is_stretched_to_zero():
    assert stretch(torch.full((2, 1, 3, 3), 0.7)).abs().max() == 0


def test_no_gradient_passes_through_the_extremes():
    similarity = torch.tensor([0.1, 0.4, 0.9]).view(1, 1, 1, 3).requires_grad_()
    stretch(similarity)[0, 0, 0, 0].backward()
    assert similarity.grad.flatten()[1:].abs().max() == 0


def test_maps_do_not_depend_on_the_length_of_support_vectors():
    query, support = torch.randn(2, 8, 4, 4), torch.randn(2, 2, 8)
    for sides in (1, 2):
        expected = compare_graphs(query, support[:, :sides])
        assert torch.allclose(compare_graphs(query, 7 * support[:, :sides]), expected, atol=1e-6)


@pytest.mark.parametrize("variant", ["reference", "default"])
def test_five_times_the_same_shot_is_one_shot(variant):
    network = build(variant).eval()
    episode = make_episode()
    with torch.inference_mode():
        expected = network(episode).logits
        episode.support_images = episode.support_images.expand(-1, 5, -1, -1, -1)
        episode.support_masks = episode.support_masks.expand(-1, 5, -1, -1)
        assert torch.allclose(network(episode).logits, expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["reference", "default"])
def test_a_query_that_is_its_support_peaks_inside_the_mask(variant):
    """Vectors of two populations; each map's largest value lies in the object."""
    network = build(variant).eval()
    hits = []
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        masks = torch.zeros(1, 256, 256, dtype=torch.uint8)
        row, column = (torch.randint(0, 5, (2,), generator=generator) * 32).tolist()
        masks[:, row : row + 128, column : column + 128] = 1
        episode = make_episode(batch=1, height=256, width=256, seed=seed)
        episode.query_image[:, :, masks[0] == 1] //= 4
        episode.support_images, episode.support_masks = episode.query_image[:, None], masks[:, None]
        with torch.inference_mode():
            output = network(episode)
        for title in ("graph3", "graph4", "graph5", "prior"):
            plane = resize_maps(output.maps[title], (256, 256))[0, 0]
            peak = (plane == plane.max()).nonzero()[0]
            hits.append(bool(masks[0, peak[0], peak[1]]))
    assert np.mean(hits) > 0.95


def test_an_untrained_default_decides_by_prototypes():
    network = build().eval()
    output = network(make_episode())
    with torch.no_grad():
        network.fusion.join.weight.normal_()
    assert torch.equal(network(make_episode()).logits, output.logits)


def test_switches_reach_the_network():
    assert build(adjacency="dynamic").graphs.graphs["3"].exchange is None
    assert list(build(gpml_stages=(2, 3, 4)).graphs.graphs) == ["2", "3", "4"]
    for order in ORDERS:
        assert build(sff_order=order).fusion.order == order
    described = build(sff_use_graph_feat=True, gpml_stages=[4]).describe()
    assert described["sff_use_graph_feat"] is True
    assert described["gpml_stages"] == [4]


def test_scales_are_supervised_in_training_only():
    network = build().train()
    episode = make_episode()
    output = network(episode)
    sizes = [output.maps[f"auxiliary{divisor}"].shape[2] for divisor in (1, 2, 4)]
    assert sizes == [8, 4, 2]
    losses = network.auxiliary_losses(output, episode)
    assert losses.keys() == {"auxiliary", "graphs"}
    expected = torch.stack(
        [
            share_cross_entropy(output.maps[f"auxiliary{divisor}"], episode.query_mask, True)
            for divisor in (1, 2, 4)
        ]
    ).mean()
    assert torch.equal(losses["auxiliary"], expected)
    assert "auxiliary1" not in network.eval()(episode).maps


def test_the_direct_loss_teaches_the_graphs():
    network = build().train()
    episode = make_episode()
    network.auxiliary_losses(network(episode), episode)["graphs"].backward()
    assert network.graphs.temperatures.grad.abs().sum() > 0
    assert network.graphs.graphs["3"].norm.weight.grad.abs().sum() > 0


def test_a_frozen_backbone_stays_as_it_is():
    network = build().train()
    before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    for seed in range(10):
        episode = make_episode(batch=2, seed=seed)
        optimizer.zero_grad()
        share_cross_entropy(network(episode).logits, episode.query_mask).backward()
        optimizer.step()
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "lite"}, "no variant 'lite'"),
        ({"gpml_stages": [1, 3]}, r"gpml_stages are \[1, 3\].*some of \[2, 3, 4, 5\]"),
        ({"gpml_stages": []}, r"gpml_stages are \[\]"),
        ({"dilated": True}, "'test_resnet' has no dilated form; these have one: resnet50"),
        (
            {"backbone": BackboneConfig("resnet18", strides=(8, 16))},
            r"cannot use a backbone with strides \[8, 16\]; it needs one map of each",
        ),
        (
            {"backbone": BackboneConfig("efficientvit_m0")},
            "no feature maps of stride .*with a pyramid",
        ),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        build(**options)


@pytest.mark.slow
def test_eight_episodes_are_learnt_by_heart():
    network = build().train()
    episode = _coloured_squares(8)
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, 2e-3)
    overlap = 0.0
    for step in range(1, 501):
        output = network(episode)
        loss = share_cross_entropy(output.logits, episode.query_mask)
        loss = loss + sum(network.auxiliary_losses(output, episode).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            with torch.inference_mode():
                logits = resize_maps(network.eval()(episode).logits, (64, 64))
            found, truth = logits.argmax(dim=1), episode.query_mask
            overlap = float((found * truth).sum() / ((found + truth) > 0).sum())
            network.train()
            if overlap > 0.9:
                break
    assert overlap > 0.9


def _coloured_squares(count):
    """Squares on noise, the class told by its colour."""
    generator = torch.Generator().manual_seed(7)
    colours = torch.randint(0, 256, (count, 3), generator=generator)
    images = torch.randint(60, 160, (2, count, 3, 64, 64), generator=generator)
    masks = torch.zeros(2, count, 64, 64, dtype=torch.uint8)
    for role, sample in product(range(2), range(count)):
        row, column = (torch.randint(0, 5, (2,), generator=generator) * 8).tolist()
        masks[role, sample, row : row + 32, column : column + 32] = 1
        images[role, sample][:, masks[role, sample].bool()] = colours[sample][:, None]
    return dataclasses.replace(
        make_episode(batch=count),
        query_image=images[0].to(torch.uint8),
        query_mask=masks[0],
        support_images=images[1][:, None].to(torch.uint8),
        support_masks=masks[1][:, None],
    )


def test_one_support_of_several_shots_is_averaged():
    network = build().eval()
    episode = make_episode(shots=2)
    with torch.inference_mode():
        features = network.encode(episode.support_images[:, 0])
        first = network.learn(features, episode.support_masks[:, 0])
        second = network.learn(features, episode.support_masks[:, 1])
        query = network.encode(episode.query_image)
        assert isinstance(query, Features)
        both = network.predict(query, [first, second]).maps["graph3"]
        title = "graph3"
        mean = Support(first.tensors | {title: (first[title] + second[title]) / 2})
        assert torch.allclose(network.predict(query, [mean]).maps[title], both, atol=1e-6)
