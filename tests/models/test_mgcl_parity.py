"""The fast MGCL gives the published network's logits for the same weights.

See docs/methods/mgcl.md.
"""

import pytest
import torch

from fewscape.backbones import BackboneConfig, fit_state
from fewscape.core import Episode
from fewscape.models.mgcl import MGCL, from_official
from fewscape.ops import fuse_shots
from tests.reference.mgcl import LiteralMGCL, predict_shots, randomise_batch_norm

SIZE, PLANES = 256, 128


def make_planes(seed, batch, used=60):
    """Overlapping rectangles, largest first, with bare pixels; the last sample has none."""
    generator = torch.Generator().manual_seed(seed)
    planes = torch.zeros(batch, PLANES, SIZE, SIZE, dtype=torch.int8)
    for sample in range(batch - 1):
        corners = torch.randint(0, SIZE - 8, (used, 2), generator=generator).tolist()
        sides = torch.randint(4, 90, (used, 2), generator=generator).tolist()
        boxes = sorted(zip(corners, sides, strict=True), key=lambda box: -box[1][0] * box[1][1])
        for index, ((row, col), (height, width)) in enumerate(boxes):
            planes[sample, index, row : row + height, col : col + width] = 1
    return planes


def flatten(planes):
    """The region map of the planes: the last (smallest) plane wins, -1 where there is none."""
    numbers = torch.arange(1, PLANES + 1, dtype=torch.int32)[None, :, None, None]
    return (planes.int() * numbers).amax(dim=1) - 1


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    literal = LiteralMGCL()
    randomise_batch_norm(literal, seed=1)
    literal.eval()
    ours = MGCL(BackboneConfig("resnet50"), variant="reference")
    fit_state(ours, from_official(literal.state_dict()), "literal network")
    return literal, ours.eval()


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(2, 2, 3, SIZE, SIZE, generator=generator)
    masks = torch.zeros(2, SIZE, SIZE, dtype=torch.uint8)
    masks[0, 40:171, 30:99] = 1  # the second sample's support has no foreground
    return images, masks, make_planes(2, 2), make_planes(3, 2)


def normalise(images, network):
    return (images - network.backbone.mean) / network.backbone.std


@pytest.mark.slow
def test_logits_equal_the_published_network(networks, inputs):
    literal, ours = networks
    images, masks, query_planes, support_planes = inputs
    episode = Episode(
        images[0],
        torch.zeros_like(masks),
        images[1][:, None],
        masks[:, None],
        torch.zeros(2, dtype=torch.long),
        flatten(query_planes),
        flatten(support_planes)[:, None],
    )
    with torch.inference_mode():
        expected = literal(
            normalise(images[0], ours),
            normalise(images[1], ours),
            masks.float(),
            query_planes,
            support_planes,
        )
        logits = ours(episode).logits
    assert logits.shape == (2, 2, SIZE, SIZE)
    assert (logits - expected).abs().max() < 1e-5


@pytest.mark.slow
def test_five_shots_vote_as_published(networks, inputs):
    literal, ours = networks
    images, masks, query_planes, _ = inputs
    shots = torch.rand(1, 3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(8))
    shot_masks = torch.stack([masks[0], masks[0].flip(0), masks[0].T.contiguous()])[None]
    shot_planes = make_planes(11, 4)[None, :3]
    with torch.inference_mode():
        expected = predict_shots(
            literal,
            normalise(images[0][:1], ours),
            normalise(shots[0], ours)[None],
            shot_masks.float(),
            query_planes[:1],
            shot_planes,
        )
        query = ours.encode(images[0][:1], flatten(query_planes[:1]))
        supports = [
            ours.learn(
                ours.encode(shots[:, shot], flatten(shot_planes[:, shot])), shot_masks[:, shot]
            )
            for shot in range(3)
        ]
        output = ours.predict(query, supports)
        single = [ours.predict_shot(query, support).logits for support in supports]
    assert torch.equal(output.logits, fuse_shots(single, "vote"))
    decided = output.logits[:, 1] > output.logits[:, 0]
    assert (decided.float() == expected.float()).float().mean() > 0.9999


def test_parameters_are_those_of_the_paper():
    network = MGCL(BackboneConfig("resnet50"), variant="reference")
    assert sum(p.numel() for p in network.decoder.parameters()) == 700_818
    assert sum(p.numel() for p in network.backbone.parameters()) == 23_508_032


def test_older_checkpoints_and_parallel_prefixes_are_understood():
    network = MGCL(BackboneConfig("resnet50"), variant="reference")
    official = {}
    parts = {
        "squeeze32": "encoder_layer4",
        "squeeze16": "encoder_layer3",
        "squeeze8": "encoder_layer2",
        "mix16": "encoder_layer4to3",
        "mix8": "encoder_layer3to2",
        "decode8": "decoder1",
        "decode4": "decoder2",
    }
    for name, tensor in network.state_dict().items():
        if name.startswith("decoder."):
            _, part, rest = name.split(".", 2)
            rest = rest.replace("query", "conv1").replace("support", "conv2")
            name = f"segmentation_head.hpn_learner.{parts[part]}.{rest}"
        official[f"module.{name}"] = tensor
    official["module.backbone.fc.weight"] = torch.zeros(1000, 2048)
    converted = from_official(official)
    assert converted.keys() == network.state_dict().keys()


def test_a_foreign_name_is_refused():
    with pytest.raises(ValueError, match=r"not those of a published MGCL checkpoint: encoder\.x"):
        from_official({"encoder.x": torch.zeros(1)})
