"""BiCoR-Seg with embeddings from examples (docs/methods/bicor_seg.md#few-shots)."""

import pytest
import torch
from torch import nn

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Support
from fewscape.losses import class_cross_entropy, class_dice, fisher_loss
from fewscape.models import BiCoRFewShot
from fewscape.ops import resize_maps
from fewscape.testing import make_episode

ROWS = ("background", "others", "foreground")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return BiCoRFewShot(BackboneConfig("test_convnext"), width=32).eval()


def literal_embeddings(network, maps, masks):
    """The three embeddings of one class from its shots, cell by cell."""
    layer = network.layers[0]
    width = maps[0].shape[1]
    sums = {name: torch.zeros(width) for name in ("foreground", "others")}
    areas = dict.fromkeys(sums, 0.0)
    for grid, mask in zip(maps, masks, strict=True):
        for row in range(grid.shape[2]):
            for col in range(grid.shape[3]):
                cell = mask[4 * row : 4 * row + 4, 4 * col : 4 * col + 4]
                shares = {"foreground": (cell == 1).sum() / 16, "others": (cell == 0).sum() / 16}
                for name, share in shares.items():
                    sums[name] += share * layer.norm_features(grid[0, :, row, col])
                    areas[name] += float(share)
    made = [network.rows[0]]
    for number, name in ((1, "others"), (2, "foreground")):
        known = network.rows[number]
        if areas[name] == 0:
            made.append(known)
            continue
        context = layer.to_classes(sums[name] / (areas[name] + 1e-6))
        even = layer.norm_classes(known)
        gate = layer.gate(torch.cat([even, context]))
        made.append(gate * layer.candidate(context) + (1 - gate) * known)
    return torch.stack(made)


@pytest.mark.parametrize("case", ["usual", "no background", "nothing known"])
def test_embeddings_are_pooled_over_all_shots_together(network, case):
    masks = torch.randint(0, 2, (2, 64, 64), dtype=torch.uint8)
    masks[0, :9] = 255
    masks[1, :, 40:] = 0
    if case == "no background":
        masks[masks == 0] = 255
    if case == "nothing known":
        masks[:] = 255
    with torch.inference_mode():
        shots = [network.encode(torch.rand(1, 3, 64, 64)) for _ in range(2)]
        supports = [
            network.learn(shot, mask[None]) for shot, mask in zip(shots, masks, strict=True)
        ]
        joined = {n: supports[0][n] + supports[1][n] for n in ("sums", "areas")}
        found = network._embed(Support(joined))[0]
        expected = literal_embeddings(network, [shot.maps[0] for shot in shots], masks)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_shot_given_twice_changes_nothing(network):
    episode = make_episode(batch=1)
    with torch.inference_mode():
        features = network.encode(episode.query_image)
        shot = network.learn(
            network.encode(episode.support_images[:, 0]), episode.support_masks[:, 0]
        )
        once = network.predict(features, [shot]).logits
        twice = network.predict(features, [shot, shot]).logits
    torch.testing.assert_close(once, twice, atol=1e-5, rtol=1e-4)


def test_an_empty_support_says_nothing_of_the_image(network):
    """The class's embedding is the learnt one, whatever the image shows."""
    masks = torch.zeros(1, 64, 64, dtype=torch.uint8)
    with torch.inference_mode():
        for _ in range(2):
            support = network.learn(network.encode(torch.rand(1, 3, 64, 64)), masks)
            assert torch.equal(network._embed(support)[0, 2], network.rows[2])


def test_either_background_is_background(network):
    """The three probabilities are those of the softmax, two of them added."""
    episode = make_episode(batch=1)
    captured = []
    network.upsampler.register_forward_hook(lambda _, inputs, output: captured.append(output))
    network.classifier.register_forward_hook(lambda _, inputs, output: captured.append(output))
    with torch.inference_mode():
        logits = network(episode).logits
    weights, maps = sorted(captured, key=torch.Tensor.dim)
    three = torch.einsum("bnc,bchw->bnhw", weights, maps).softmax(dim=1)
    assert three.shape[1] == len(ROWS)
    torch.testing.assert_close(logits.softmax(dim=1)[:, 1], three[:, 2], atol=1e-5, rtol=1e-4)


def test_the_losses_are_those_of_the_heats_and_the_classes():
    torch.manual_seed(0)
    network = BiCoRFewShot(BackboneConfig("test_convnext"), width=32).train()
    episode = make_episode(batch=4)
    episode.class_id = torch.tensor([7, 3, 7, 5])
    output = network(episode)
    terms = network.auxiliary_losses(output, episode)
    heats = [resize_maps(output.maps[f"heat{number}"], (64, 64)) for number in (1, 2)]
    expected = sum(
        class_cross_entropy(heat, episode.query_mask) + class_dice(heat, episode.query_mask)
        for heat in heats
    )
    assert terms["heat"].item() == pytest.approx(0.1 * expected.item())
    samples = torch.zeros(8, 3, 32)
    present = torch.zeros(8, 3, dtype=torch.bool)
    for episode_number, place in enumerate((2, 0, 2, 1)):
        for offset, name in ((0, "support"), (4, "query")):
            samples[offset + episode_number, place] = output.maps[name][episode_number]
            present[offset + episode_number, place] = True
    assert terms["fisher"].item() == pytest.approx(0.1 * fisher_loss(samples, present).item())


def test_every_parameter_of_the_head_learns():
    torch.manual_seed(0)
    network = BiCoRFewShot(BackboneConfig("test_convnext"), width=32).train()
    episode = make_episode(batch=2)
    output = network(episode)
    loss = output.logits.square().mean() + sum(network.auxiliary_losses(output, episode).values())
    loss.backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None]
    assert [name for name in idle if not name.startswith("backbone")] == []


def test_it_is_trained_to_tell_a_class_from_an_example():
    """Classes are colours; an unseen colour is found after training on others."""
    torch.manual_seed(0)
    network = BiCoRFewShot(BackboneConfig("test_convnext"), width=32).train()
    head = [p for n, p in network.named_parameters() if not n.startswith("backbone")]
    optimizer = torch.optim.AdamW(head, lr=3e-3)

    def draw(colours):
        """Two halves of each image in the class's and in another colour."""
        episode = make_episode(batch=len(colours))
        for number, (own, other) in enumerate(colours):
            for image, mask, flip in (
                (episode.query_image[number], episode.query_mask[number], False),
                (episode.support_images[number, 0], episode.support_masks[number, 0], True),
            ):
                mask[:] = torch.cat([torch.ones(64, 32), torch.zeros(64, 32)], dim=1).byte()
                if flip:
                    mask[:] = 1 - mask
                for channel in range(3):
                    image[channel] = torch.where(mask == 1, own[channel], other[channel])
        return episode

    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        colours = torch.randint(0, 256, (4, 2, 3), generator=generator).tolist()
        episode = draw(colours)
        output = network(episode)
        loss = nn.functional.cross_entropy(output.logits, episode.query_mask.long())
        loss = loss + sum(network.auxiliary_losses(output, episode).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    episode = draw([((10, 250, 40), (240, 20, 220)), ((250, 240, 10), (20, 30, 250))])
    with torch.inference_mode():
        found = network.eval()(episode).logits.argmax(dim=1)
    assert (found == episode.query_mask).float().mean() > 0.9


@pytest.mark.parametrize(
    "options", [{"width": 40}, {"backbone": BackboneConfig("test_convnext", strides=(8, 16))}]
)
def test_what_does_not_fit_is_refused(options):
    with pytest.raises(ConfigError, match=r"it needs the strides \(4, 8, 16, 32\)"):
        BiCoRFewShot(**{"backbone": BackboneConfig("test_convnext"), **options})
