import numpy as np
import torch

from fewscape.datasets import Augment


def test_draws_every_turn_and_mirror_and_moves_maps_alike():
    image = torch.arange(48, dtype=torch.uint8).reshape(3, 4, 4)
    rng = np.random.default_rng(0)
    still = Augment(brightness=0, contrast=0, saturation=0, tint=0)
    seen = set()
    for _ in range(100):
        moved, labels = still(rng, image, image[0].int())
        assert torch.equal(moved[0].int(), labels)
        assert torch.equal(moved[1].int(), labels + 16)
        seen.add(tuple(labels.flatten().tolist()))
    assert len(seen) == 8


def test_oblong_images_keep_their_shape():
    image = torch.zeros(3, 4, 6, dtype=torch.uint8)
    rng = np.random.default_rng(0)
    assert all(Augment()(rng, image)[0].shape == (3, 4, 6) for _ in range(20))


def test_light_changes_mildly_and_stays_bytes():
    image = torch.randint(60, 180, (3, 16, 16), dtype=torch.uint8)
    rng = np.random.default_rng(0)
    for _ in range(20):
        lit = Augment(turn=False)(rng, image)[0]
        assert lit.dtype == torch.uint8
        assert (lit.float() - image.float()).abs().mean() < 60
    assert not torch.equal(lit, image)


def test_chance_does_not_depend_on_the_input():
    first, second = np.random.default_rng(1), np.random.default_rng(1)
    Augment()(first, torch.zeros(3, 4, 4, dtype=torch.uint8))
    Augment(turn=False, brightness=0, contrast=0, saturation=0, tint=0)(
        second, torch.zeros(3, 9, 5, dtype=torch.uint8)
    )
    assert first.random() == second.random()
