"""The fast ICPD-Net gives the released network's logits for the same weights."""

from dataclasses import replace

import pytest
import torch

from fewscape.backbones import BackboneConfig, fit_state
from fewscape.core import Features, WeightsError
from fewscape.models.icpd_net import ICPDNet, comparison, decoupling, from_official, prompts
from fewscape.models.icpd_net.fusion import THRESHOLD
from tests.reference.icpd_net import LiteralICPDNet, similarity
from tests.reference.mgcl import randomise_batch_norm

SIZE, WIDTH, CLASSES = 256, 32, 15
NAMES = [f"class {index}" for index in range(CLASSES)]
STUB = {"class_names": NAMES, "architecture": "stub"}


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    literal = LiteralICPDNet()
    randomise_batch_norm(literal, seed=1)
    with torch.no_grad():
        literal.priorlearner.downsample[8].weight *= 20  # so that some tokens are confident
        literal.hpn_learner.decoder2[2].weight *= 30  # logits of an untrained decoder are tiny
    literal.eval()
    ours = ICPDNet(BackboneConfig("resnet50"), variant="reference", clip=STUB)
    own = {name: tensor for name, tensor in ours.state_dict().items() if "ipdm." in name}
    fit_state(ours, own | from_official(literal.state_dict()), "literal network")
    return literal, ours.eval()


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(5)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    masks = torch.zeros(2, 2, SIZE, SIZE)
    masks[:, 0, 40:171, 30:99] = 1
    masks[:, 1, 128:, 100:220] = 1
    masks[1, 1] = 0
    masks[1, 1, 3:9, 3:9] = 1  # lost between the samples of all grids but one
    order = torch.stack([torch.randperm(CLASSES, generator=generator) for _ in range(2)])
    return {
        "images": torch.rand(2, 3, SIZE, SIZE, generator=generator),
        "shots": torch.rand(2, 2, 3, SIZE, SIZE, generator=generator),
        "masks": masks,
        "tokens": draw(2, 16, 16, WIDTH),
        "shot_tokens": draw(2, 2, 16, 16, WIDTH),
        "order": order,
    }


def predict(network, inputs, order, monkeypatch, shots):
    """Our three steps with the tokens and the order of the classes given."""
    monkeypatch.setattr(decoupling, "order_classes", lambda *_: order)

    def encode(images, tokens):
        maps = network.backbone(images)
        features = network.enhance(Features(maps, (SIZE, SIZE)))
        extra = network.ipdm.describe(tokens.permute(0, 3, 1, 2))
        return replace(features, extra=extra)

    supports = [
        network.learn(
            encode(inputs["shots"][:, shot], inputs["shot_tokens"][:, shot]),
            inputs["masks"][:, shot].to(torch.uint8),
        )
        for shot in range(shots)
    ]
    return network.predict(encode(inputs["images"], inputs["tokens"]), supports)


def run_literal(literal, inputs, network, mixing, shots):
    mean, std = network.backbone.mean, network.backbone.std
    return literal(
        (inputs["images"] - mean) / std,
        ((inputs["shots"] - mean) / std)[:, :shots],
        inputs["masks"][:, :shots],
        inputs["tokens"],
        inputs["shot_tokens"][:, :shots],
        network.ipdm.texts.vectors,
        inputs["order"],
        mixing,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("mixing", "shots"), [(0.5, 2), (0.0, 1)])
def test_logits_equal_the_released_network(networks, inputs, monkeypatch, mixing, shots):
    literal, ours = networks
    monkeypatch.setattr(ours, "mixing", mixing)
    with torch.inference_mode():
        expected = run_literal(literal, inputs, ours, mixing, shots)
        output = predict(ours, inputs, inputs["order"], monkeypatch, shots)
        ranks = iter(literal.ranks)
        monkeypatch.setattr(
            comparison, "rank_prior", lambda *_: next(ranks).flatten(1)
        )  # as the literal network ranked, also at near-ties
        exact = predict(ours, inputs, inputs["order"], monkeypatch, shots)
    assert output.logits.shape == (2, 2, SIZE, SIZE)
    assert (output.maps["prior"] > THRESHOLD).any()
    assert expected.std() > 0.2
    assert (output.logits - expected).abs().max() < 3e-3
    assert (exact.logits - expected).abs().max() < 1e-5


def test_parameters_are_those_of_the_release(networks):
    _, ours = networks
    count = {
        name: sum(p.numel() for p in part.parameters())
        for name, part in (("decoder", ours.decoder), ("learner", ours.ipdm.learner))
    }
    assert count == {"decoder": 1_401_378, "learner": 27_729}
    trained = sum(p.numel() for p in ours.parameters() if p.requires_grad)
    assert trained == 1_429_107
    vgg = ICPDNet(BackboneConfig("vgg16"), variant="reference", clip=STUB)
    assert sum(p.numel() for p in vgg.parameters() if p.requires_grad) == 1_427_379


@pytest.mark.parametrize("grid", [(3, 3), (3, 4)])
def test_similarity_is_that_of_the_triple_loop(grid):
    generator = torch.Generator().manual_seed(2)
    tokens = torch.randn(2, *grid, 4, generator=generator)
    texts = torch.randn(5, 4, generator=generator)
    fast = prompts.compare_texts(tokens.permute(0, 3, 1, 2), texts, "rows", unit_texts=False)
    assert torch.allclose(fast.permute(0, 2, 3, 1), similarity_loop(tokens, texts), atol=1e-6)
    assert torch.allclose(similarity(tokens, texts), similarity_loop(tokens, texts), atol=1e-6)
    turned = torch.tensor([3, 0, 4, 2, 1])
    again = prompts.compare_texts(tokens.permute(0, 3, 1, 2), texts[turned], "rows", False)
    assert torch.allclose(again, fast[:, turned], atol=1e-6)


def similarity_loop(tokens, texts):
    batch, height, width, channels = tokens.shape
    result = torch.zeros(batch, height, width, len(texts))
    for sample in range(batch):
        for row in range(height):
            for col in range(width):
                token = torch.stack(
                    [
                        tokens[sample, row, col, d] / tokens[sample, :, col, d].norm()
                        for d in range(channels)
                    ]
                )
                for index in range(len(texts)):
                    text = torch.stack(
                        [texts[index, d] / texts[:, d].norm() for d in range(channels)]
                    )
                    result[sample, row, col, index] = (token @ text) / token.norm() / text.norm()
    return result


def test_a_foreign_name_is_refused():
    with pytest.raises(WeightsError, match=r"not those of a published ICPD-Net checkpoint: enc\.x"):
        from_official({"enc.x": torch.zeros(1)})
