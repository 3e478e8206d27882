import pytest
import torch
import torch.nn.functional as F

from fewscape.losses import share_cross_entropy, share_dice


def test_at_equal_resolution_it_is_the_plain_cross_entropy_without_unknown_pixels():
    logits = torch.randn(3, 2, 8, 8, dtype=torch.float64)
    masks = torch.randint(0, 2, (3, 8, 8), dtype=torch.uint8)
    masks[0, :3] = 255
    expected = F.cross_entropy(logits, masks.long(), ignore_index=255)
    assert share_cross_entropy(logits, masks).item() == pytest.approx(expected.item(), abs=1e-6)


def test_coarse_logits_count_every_pixel_of_their_cell():
    logits = torch.randn(2, 2, 4, 4)
    masks = torch.randint(0, 2, (2, 16, 16), dtype=torch.uint8)
    enlarged = logits.repeat_interleave(4, 2).repeat_interleave(4, 3)
    expected = F.cross_entropy(enlarged, masks.long())
    assert share_cross_entropy(logits, masks).item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("loss", [share_cross_entropy, share_dice])
def test_masks_without_a_known_pixel_give_a_finite_loss(loss):
    logits = torch.randn(1, 2, 4, 4, requires_grad=True)
    value = loss(logits, torch.full((1, 16, 16), 255, dtype=torch.uint8))
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


def test_dice_matches_its_definition():
    logits = torch.randn(2, 2, 6, 6)
    masks = torch.randint(0, 2, (2, 6, 6), dtype=torch.uint8)
    total = 0.0
    for image in range(2):
        share = logits[image].softmax(0)[1]
        truth = (masks[image] == 1).float()
        total += 1 - (2 * (share * truth).sum() + 1) / (share.sum() + truth.sum() + 1)
    assert share_dice(logits, masks).item() == pytest.approx(total.item() / 2, abs=1e-5)


def test_balanced_lets_both_sides_of_each_image_count_alike():
    logits = torch.randn(2, 2, 4, 4)
    masks = torch.zeros(2, 8, 8, dtype=torch.uint8)
    masks[0, :2, :2] = 1
    masks[1, :6] = 1
    enlarged = logits.repeat_interleave(2, 2).repeat_interleave(2, 3)
    total = 0.0
    for image in range(2):
        for side in (0, 1):
            chosen = masks[image] == side
            total -= enlarged[image].log_softmax(0)[side][chosen].mean().item() / 4
    value = share_cross_entropy(logits, masks, balanced=True)
    assert value.item() == pytest.approx(total, abs=1e-5)


def test_balanced_takes_an_image_without_foreground():
    logits = torch.randn(1, 2, 4, 4, requires_grad=True)
    value = share_cross_entropy(logits, torch.zeros(1, 8, 8, dtype=torch.uint8), balanced=True)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()
