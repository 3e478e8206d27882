import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Episode
from fewscape.losses import scale_cross_entropy, share_cross_entropy
from fewscape.models import MGCL
from fewscape.training import FewShotSegmentation

LEVELS = (16, 8, 4, 2)
"""Cells a side of the maps of 64 pixel images."""


def make_task(training_mode="frozen", **settings):
    network = MGCL(BackboneConfig("test_resnet", training_mode=training_mode), region_method=None)
    return FewShotSegmentation(network, **settings)


def dense_maps(task, batch=1):
    channels = task.model.backbone.channels
    return tuple(
        torch.randn(batch, count, side, side, requires_grad=True)
        for count, side in zip(channels, LEVELS, strict=True)
    )


def test_the_dense_loss_ignores_unknown_pixels():
    task = make_task(dense_classes=3, dense_weight=1.0)
    maps = dense_maps(task)
    labels = torch.randint(0, 3, (1, 64, 64), dtype=torch.uint8)
    labels[:, :32] = 255
    loss = task._dense_loss(maps, labels)
    loss.backward()
    expected = []
    for head, level in zip(task.dense_heads, maps, strict=True):
        side = level.shape[-1]
        cell = 64 // side
        targets = labels[0, cell // 2 :: cell, cell // 2 :: cell].long()
        known = targets != 255
        logits = head(level)[0][:, known].T
        expected.append(torch.nn.functional.cross_entropy(logits, targets[known]))
        assert not level.grad[..., : side // 2, :].any()
        assert level.grad[..., side // 2 :, :].all()
    assert loss.item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-5)


def test_the_dense_loss_of_unknown_labels_is_zero_without_a_gradient():
    task = make_task(dense_classes=3, dense_weight=1.0)
    maps = dense_maps(task)
    loss = task._dense_loss(maps, torch.full((1, 64, 64), 255, dtype=torch.uint8))
    loss.backward()
    assert loss == 0
    assert not any(level.grad.any() for level in maps)


def test_the_dense_loss_reads_the_queries_only():
    task = make_task(dense_classes=3, dense_weight=1.0)
    maps = dense_maps(task, batch=4)
    task._dense_loss(maps, torch.zeros(2, 64, 64, dtype=torch.uint8)).backward()
    assert all(level.grad[:2].any() and not level.grad[2:].any() for level in maps)


def test_heads_of_a_loss_without_weight_are_not_made():
    assert len(make_task(dense_classes=3).dense_heads) == 0
    assert len(make_task(dense_weight=1.0).dense_heads) == 0


def test_only_frozen_backbones_are_cached():
    assert make_task(cache_gigabytes=0.01).cache is not None
    assert make_task("full", cache_gigabytes=0.01).cache is None


def test_the_output_is_that_of_the_network():
    task = make_task().eval()
    images = torch.randint(0, 256, (2, 1, 3, 64, 64), dtype=torch.uint8)
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[:, 16:48, 16:48] = 1
    episode = Episode(images[0], mask, images[1:], mask[None], torch.tensor([1]))
    with torch.no_grad():
        assert torch.equal(task(episode).logits, task.model(episode).logits)


def test_small_objects_count_more_where_the_recipe_says_so():
    images = torch.randint(0, 256, (2, 1, 3, 64, 64), dtype=torch.uint8)
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[:, 16:24, 16:24] = 1
    episode = Episode(images[0], mask, images[1:], mask[None], torch.tensor([1]))
    losses = {}
    for small_objects in (False, True):
        torch.manual_seed(0)
        task = make_task(small_objects=small_objects).eval()
        task.log = lambda *_, **__: None
        losses[small_objects] = task.training_step(episode, 0).item()
        expected = scale_cross_entropy if small_objects else share_cross_entropy
        logits = task(episode).logits
        assert losses[small_objects] == pytest.approx(expected(logits, mask).item())
    assert losses[True] > losses[False]


def test_two_weightings_of_pixels_are_refused():
    with pytest.raises(ConfigError, match="balanced and small_objects are both set"):
        make_task(balanced=True, small_objects=True)
