"""Contract tests of few-shot networks."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from fewscape.core import Episode, ShapeError, Support
from fewscape.models import FewShotModel
from fewscape.testing.storing import store_and_load

LEAST_SIDE = 64
"""Side of the images, pixels; larger if ``window_multiple`` is."""


class FewShotContract:
    """Tests of a few-shot network; a subclass provides the fixture ``model`` in evaluation mode.

    The network must run on images of 64 pixels, or of its ``window_multiple``.
    """

    @pytest.mark.parametrize("shots", [1, 5])
    def test_logits_have_the_declared_stride(self, model: FewShotModel, shots: int) -> None:
        """Two channels, background and foreground."""
        side = find_side(model)
        output = model(fit_episode(model, shots=shots))
        assert output.logits.shape == (3, 2, side // model.stride, side // model.stride)
        assert output.size == (side, side)
        assert output.logits.isfinite().all()

    def test_sides_may_differ(self, model: FewShotModel) -> None:
        """Windows need not be square."""
        height, width = 2 * model.window_multiple, 3 * model.window_multiple
        output = model(make_episode(height=height, width=width))
        assert output.logits.shape[2:] == (height // model.stride, width // model.stride)

    def test_a_size_that_does_not_fit_names_one_that_does(self, model: FewShotModel) -> None:
        """Instead of failing somewhere inside."""
        if 50 % model.window_multiple == 0:
            pytest.skip("it fits")
        side = -(-50 // model.window_multiple) * model.window_multiple
        match = f"pad or resize them, for example to {side} x {side}"
        with pytest.raises(ShapeError, match=match):
            model.encode(torch.zeros(1, 3, 50, 50))

    def test_three_steps_equal_forward(self, model: FewShotModel) -> None:
        """A scene is encoded once for all classes, and a support is learned once."""
        episode = fit_episode(model, shots=2)
        with torch.inference_mode():
            features = model.encode(episode.query_image, episode.query_regions)
            supports = [learn(model, episode, slice(None), shot) for shot in range(2)]
            logits = model.predict(features, supports).logits
            expected = model(episode).logits
        assert torch.allclose(logits, expected, atol=1e-4)

    def test_a_batch_equals_its_episodes(self, model: FewShotModel) -> None:
        """Episodes are independent."""
        episode = fit_episode(model)
        with torch.inference_mode():
            together = model(episode).logits
            alone = torch.cat([model(choose(episode, index)).logits for index in range(3)])
        assert torch.allclose(together, alone, atol=1e-4)

    def test_one_support_serves_many_queries(self, model: FewShotModel, tmp_path: Path) -> None:
        """Even after saving and loading."""
        episode = fit_episode(model)
        with torch.inference_mode():
            features = model.encode(episode.query_image, episode.query_regions)
            support = learn(model, episode, slice(1), 0)
            support.save(tmp_path / "support.safetensors")
            again = Support.load(tmp_path / "support.safetensors")
            logits = model.predict(features, [again]).logits
            single = model.predict(features[1:2], [support]).logits
        assert logits.shape[0] == 3
        assert torch.allclose(logits[1:2], single, atol=1e-4)

    def test_it_runs_without_regions(self, model: FewShotModel) -> None:
        """Region maps are optional."""
        episode = fit_episode(model)
        episode.query_regions = episode.support_regions = None
        assert model(episode).logits.isfinite().all()

    @pytest.mark.parametrize("value", [0, 1, 255])
    def test_degenerate_supports_give_finite_logits(self, model: FewShotModel, value: int) -> None:
        """Nothing, everything, and all unknown."""
        episode = fit_episode(model)
        episode.support_masks = torch.full_like(episode.support_masks, value)
        assert model(episode).logits.isfinite().all()

    def test_gradients_reach_the_head_and_leave_a_frozen_backbone(
        self, model: FewShotModel
    ) -> None:
        """A training-free network is skipped."""
        network = copy.deepcopy(model).train()
        before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
        head = [p for n, p in network.named_parameters() if not n.startswith("backbone")]
        output = network(fit_episode(model))
        if head:
            output.logits.square().mean().backward()
            assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in head)
        assert all(parameter.grad is None for parameter in network.backbone.parameters())
        after = network.backbone.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)

    def test_bfloat16_is_close_to_float32(self, model: FewShotModel) -> None:
        """The fast precision on recent hardware."""
        episode = fit_episode(model)
        half = copy.deepcopy(model).to(torch.bfloat16)
        with torch.inference_mode():
            full, rounded = model(episode).logits, half(episode).logits.float()
        spread = (full.max() - full.min()).clamp(min=0.1)
        assert (full - rounded).abs().max() < 0.1 * spread

    def test_a_saved_folder_gives_the_same_network(
        self, model: FewShotModel, tmp_path: Path
    ) -> None:
        """``describe`` and the weights are enough."""
        again = store_and_load(model, tmp_path / "saved", find_side(model)).few_shot
        episode = fit_episode(model)
        with torch.inference_mode():
            assert torch.equal(again(episode).logits, model(episode).logits)

    def test_it_exports_to_a_graph(self, model: FewShotModel) -> None:
        """There is no data-dependent control flow."""
        episode = fit_episode(model, batch=1)
        whole = _Whole(model)
        inputs = (
            episode.query_image,
            episode.support_images[:, 0],
            episode.support_masks[:, 0],
            episode.query_regions,
        )
        graph = torch.export.export(whole, inputs, strict=False).module()
        with torch.inference_mode():
            assert torch.allclose(graph(*inputs), whole(*inputs), atol=1e-4)


class _Whole(torch.nn.Module):
    """A one-shot network with tensor arguments."""

    def __init__(self, model: FewShotModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, query: torch.Tensor, support: torch.Tensor, mask: torch.Tensor, regions: torch.Tensor
    ) -> torch.Tensor:
        features = self.model.encode(query, regions)
        learnt = self.model.learn(self.model.encode(support, regions), mask)
        return self.model.predict(features, [learnt]).logits


def find_side(model: FewShotModel) -> int:
    """Side of a network's test images."""
    return -(-LEAST_SIDE // model.window_multiple) * model.window_multiple


def fit_episode(model: FewShotModel, **more: int) -> Episode:
    """A square episode that fits a network; ``more`` is passed to ``make_episode``."""
    side = find_side(model)
    return make_episode(height=side, width=side, **more)


def make_episode(
    batch: int = 3,
    shots: int = 1,
    height: int = LEAST_SIDE,
    width: int = LEAST_SIDE,
    seed: int = 0,
) -> Episode:
    """Make a random episode batch.

    Args:
        batch: B episodes.
        shots: shots per episode.
        height: height of all images.
        width: width of all images.
        seed: random seed.
    """
    generator = torch.Generator().manual_seed(seed)

    def integers(
        high: int, *shape: int, dtype: torch.dtype = torch.uint8, low: int = 0
    ) -> torch.Tensor:
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


def choose(episode: Episode, index: int) -> Episode:
    """Select one episode of a batch."""
    names = ("query_image", "query_mask", "support_images", "support_masks", "class_id")
    parts = {name: getattr(episode, name)[index : index + 1] for name in names}
    for name in ("query_regions", "support_regions"):
        value = getattr(episode, name)
        parts[name] = None if value is None else value[index : index + 1]
    return Episode(**parts)


def learn(model: FewShotModel, episode: Episode, which: slice, shot: int) -> Support:
    """Learn the support of one shot."""
    regions = episode.support_regions
    told = None if regions is None else regions[which, shot]
    features = model.encode(episode.support_images[which, shot], told)
    return model.learn(features, episode.support_masks[which, shot])
