from dataclasses import fields, replace

import pytest
import torch

from fewscape.core import Episode


def make_episode(seed=0, shots=2, size=4, with_regions=True):
    generator = torch.Generator().manual_seed(seed)

    def draw(high, *shape, dtype=torch.uint8):
        return torch.randint(0, high, shape, generator=generator).to(dtype)

    episode = Episode(
        query_image=draw(256, 1, 3, size, size),
        query_mask=draw(2, 1, size, size),
        support_images=draw(256, 1, shots, 3, size, size),
        support_masks=draw(2, 1, shots, size, size),
        class_id=torch.tensor([seed]),
    )
    if not with_regions:
        return episode
    return replace(
        episode,
        query_regions=draw(5, 1, size, size, dtype=torch.int32),
        support_regions=draw(5, 1, shots, size, size, dtype=torch.int32),
    )


def test_stack_keeps_every_episode_in_its_place():
    episodes = [make_episode(seed) for seed in range(3)]
    batch = Episode.stack(episodes)
    assert batch.class_id.tolist() == [0, 1, 2]
    assert batch.num_shots == 2
    for index, episode in enumerate(episodes):
        for field in fields(Episode):
            single, joined = getattr(episode, field.name), getattr(batch, field.name)
            if single is not None:
                assert torch.equal(joined[index : index + 1], single), field.name


def test_stack_of_one_is_the_episode():
    episode = make_episode()
    batch = Episode.stack([episode])
    assert torch.equal(batch.support_images, episode.support_images)


def test_what_one_lacks_all_lack():
    batch = Episode.stack([make_episode(0), make_episode(1, with_regions=False)])
    assert batch.query_regions is None
    assert batch.support_regions is None
    assert batch.query_labels is None
    assert batch.query_image.shape == (2, 3, 4, 4)


def test_stack_refuses_different_sizes():
    with pytest.raises(RuntimeError, match=r"[Ss]izes of tensors must match"):
        Episode.stack([make_episode(size=4), make_episode(size=5)])


def test_to_moves_every_tensor_and_leaves_the_original():
    episode = make_episode()
    moved = episode.to("meta")
    assert moved.query_labels is None
    for field in fields(Episode):
        if (tensor := getattr(moved, field.name)) is not None:
            assert tensor.device.type == "meta", field.name
            assert tensor.dtype == getattr(episode, field.name).dtype
    assert episode.query_image.device.type == "cpu"


def test_pinned_tensors_are_the_same(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor.clone())
    episode = make_episode()
    pinned = episode.pin_memory()
    assert pinned.query_image is not episode.query_image
    assert torch.equal(pinned.query_image, episode.query_image)
    assert pinned.query_labels is None
