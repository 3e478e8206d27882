"""One list of checks over every few-shot network of the zoo."""

import copy

import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import Episode, ShapeError, Support
from fewscape.models import save_model
from fewscape.zoo import MODELS, load

SIZE = 64


STUB_CLIP = {
    "class_names": ["ship", "harbor", "plane"],
    "architecture": "stub",
    "first_class_id": 100,  # the classes of the episodes have no names here
}

TRANSFORMER = BackboneConfig(
    "vit_small_patch14_dinov2",
    options={"depth": 6, "embed_dim": 48, "num_heads": 3, "img_size": 56},
)

VARIANTS = {
    "dsmf_net, reference": ("dsmf_net", {"variant": "reference", "adjacency": "dynamic"}),
    "dsmf_net, light": (
        "dsmf_net",
        {"variant": "light", "gpml_stages": [2, 3, 4], "sff_order": "topdown"},
    ),
    "dsmf_net, dilated": (
        "dsmf_net",
        {"dilated": True, "backbone": BackboneConfig("resnet50"), "sff_use_graph_feat": True},
    ),
    "hsnet, reference": ("hsnet", {"variant": "reference"}),
    "icpd_net, reference": ("icpd_net", {"variant": "reference"}),
    "icpd_net, clip": ("icpd_net", {"clip": STUB_CLIP}),
    "mgcl, reference": ("mgcl", {"variant": "reference"}),
    "mgcl, projection": ("mgcl", {"projection": 8}),
    "mgcl, transformer": ("mgcl", {"backbone": TRANSFORMER}),
    "hsnet, transformer": ("hsnet", {"backbone": TRANSFORMER}),
    "pfenet, reference": (
        "pfenet",
        {"variant": "reference", "width": 32, "backbone": BackboneConfig("resnet50_dilated")},
    ),
}
"""Networks of the zoo with other than their default arguments."""


def build(title):
    torch.manual_seed(0)
    name, arguments = VARIANTS.get(title, (title, {}))
    return MODELS[name](**{"backbone": BackboneConfig("test_resnet"), **arguments}).eval()


def make_episode(batch=3, shots=1, height=SIZE, width=SIZE, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def integers(high, *shape, dtype=torch.uint8, low=0):
        return torch.randint(low, high, shape, generator=generator).to(dtype)

    return Episode(
        query_image=integers(256, batch, 3, height, width),
        query_mask=integers(2, batch, height, width),
        support_images=integers(256, batch, shots, 3, height, width),
        support_masks=integers(2, batch, shots, height, width),
        class_id=torch.arange(batch),
        query_regions=integers(20, batch, height, width, dtype=torch.int32, low=-1),
        support_regions=integers(20, batch, shots, height, width, dtype=torch.int32, low=-1),
    )


def part(episode, index):
    """One episode of a batch."""
    return Episode(
        *(
            None if value is None else value[index : index + 1]
            for value in (
                episode.query_image,
                episode.query_mask,
                episode.support_images,
                episode.support_masks,
                episode.class_id,
                episode.query_regions,
                episode.support_regions,
            )
        )
    )


@pytest.fixture(scope="module", params=sorted([*MODELS, *VARIANTS]))
def model(request):
    return build(request.param)


@pytest.mark.parametrize("shots", [1, 5])
def test_logits_have_the_declared_stride(model, shots):
    output = model(make_episode(shots=shots))
    assert output.logits.shape == (3, 2, SIZE // model.stride, SIZE // model.stride)
    assert output.size == (SIZE, SIZE)
    assert output.logits.isfinite().all()


def test_sides_may_differ(model):
    height, width = 2 * model.window_multiple, 3 * model.window_multiple
    output = model(make_episode(height=height, width=width))
    assert output.logits.shape[2:] == (height // model.stride, width // model.stride)


def test_a_size_that_does_not_fit_names_one_that_does(model):
    side = -(-50 // model.window_multiple) * model.window_multiple
    with pytest.raises(ShapeError, match=f"pad or resize them, for instance to {side} x {side}"):
        model.encode(torch.zeros(1, 3, 50, 50))


def test_three_steps_equal_forward(model):
    episode = make_episode(shots=2)
    with torch.inference_mode():
        features = model.encode(episode.query_image, episode.query_regions)
        supports = [
            model.learn(
                model.encode(episode.support_images[:, shot], episode.support_regions[:, shot]),
                episode.support_masks[:, shot],
            )
            for shot in range(2)
        ]
        expected = model(episode).logits
        logits = model.predict(features, supports).logits
    assert torch.allclose(logits, expected, atol=1e-4)


def test_a_batch_equals_its_episodes(model):
    episode = make_episode()
    with torch.inference_mode():
        together = model(episode).logits
        alone = torch.cat([model(part(episode, index)).logits for index in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)


def test_one_support_serves_many_queries(model, tmp_path):
    episode = make_episode()
    with torch.inference_mode():
        features = model.encode(episode.query_image, episode.query_regions)
        support = model.learn(
            model.encode(episode.support_images[:1, 0], episode.support_regions[:1, 0]),
            episode.support_masks[:1, 0],
        )
        support.save(tmp_path / "support.safetensors")
        again = Support.load(tmp_path / "support.safetensors")
        logits = model.predict(features, [again]).logits
        single = model.predict(features[1:2], [support]).logits
    assert logits.shape[0] == 3
    assert torch.allclose(logits[1:2], single, atol=1e-4)


def test_it_runs_without_regions(model):
    episode = make_episode()
    episode.query_regions = episode.support_regions = None
    assert model(episode).logits.isfinite().all()


@pytest.mark.parametrize("value", [0, 1, 255])
def test_degenerate_supports_give_finite_logits(model, value):
    episode = make_episode()
    episode.support_masks = torch.full_like(episode.support_masks, value)
    assert model(episode).logits.isfinite().all()


def test_gradients_reach_the_head_and_leave_a_frozen_backbone(model):
    network = copy.deepcopy(model).train()
    before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    head = [p for n, p in network.named_parameters() if not n.startswith("backbone")]
    output = network(make_episode())
    if head:
        output.logits.square().mean().backward()
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in head)
    assert all(parameter.grad is None for parameter in network.backbone.parameters())
    after = network.backbone.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_bfloat16_is_close_to_float32(model):
    episode = make_episode()
    half = copy.deepcopy(model).to(torch.bfloat16)
    with torch.inference_mode():
        full, rounded = model(episode).logits, half(episode).logits.float()
    spread = (full.max() - full.min()).clamp(min=0.1)
    assert (full - rounded).abs().max() < 0.1 * spread


def test_a_saved_folder_gives_the_same_network(model, tmp_path):
    save_model(model, tmp_path / "saved", "# card\n", window=SIZE)
    again = load(str(tmp_path / "saved")).few_shot
    episode = make_episode()
    with torch.inference_mode():
        assert torch.equal(again(episode).logits, model(episode).logits)


@pytest.mark.slow
def test_it_exports_to_a_graph(model):
    episode = make_episode(batch=1)

    class Whole(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, query, support, mask, regions):
            features = self.model.encode(query, regions)
            learnt = self.model.learn(self.model.encode(support, regions), mask)
            return self.model.predict(features, [learnt]).logits

    inputs = (
        episode.query_image,
        episode.support_images[:, 0],
        episode.support_masks[:, 0],
        episode.query_regions,
    )
    graph = torch.export.export(Whole(), inputs, strict=False).module()
    with torch.inference_mode():
        assert torch.allclose(graph(*inputs), Whole()(*inputs), atol=1e-4)
