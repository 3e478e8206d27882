import math

import pytest
import torch
import torch.nn.functional as F

from fewscape.losses import prior_cross_entropy, scale_cross_entropy, scale_weights

SIDE = 256


def rectangle(height, width):
    mask = torch.zeros(1, SIDE, SIDE, dtype=torch.uint8)
    mask[0, :height, :width] = 1
    return mask


@pytest.mark.parametrize(
    ("height", "width", "weight", "truncated"),
    [
        (1, 1, 12.09, 12),
        (10, 10, 7.49, 7),
        (25, 40, 5.18, 5),
        (100, 200, 2.19, 2),
        (256, 256, 1, 1),
    ],
)
def test_the_weight_of_one_object(height, width, weight, truncated):
    mask = rectangle(height, width)
    weights = scale_weights(mask)
    assert weights[mask == 1].unique().tolist() == [pytest.approx(weight, abs=5e-3)]
    assert (weights[mask == 0] == 1).all()
    assert scale_weights(mask, truncate=True)[mask == 1].unique().tolist() == [truncated]


def test_objects_count_apart_unless_a_corner_joins_them():
    mask = torch.zeros(2, 16, 16, dtype=torch.uint8)
    mask[:, :2, :2] = 1
    mask[0, 8:12, 8:12] = 1  # apart
    mask[1, 2:4, 2:4] = 1  # touches at a corner
    weights = scale_weights(mask)
    assert weights[0, 0, 0].item() == pytest.approx(1 - math.log(4 / 256))
    assert weights[0, 9, 9].item() == pytest.approx(1 - math.log(16 / 256))
    assert weights[1, mask[1] == 1].unique().tolist() == [pytest.approx(1 - math.log(8 / 256))]


def test_it_is_the_weighted_cross_entropy_over_the_number_of_known_pixels():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 2, 8, 8, generator=generator)
    masks = torch.randint(0, 2, (2, 16, 16), generator=generator).to(torch.uint8)
    masks[0, :5] = 255
    enlarged = logits.repeat_interleave(2, 2).repeat_interleave(2, 3)
    each = F.cross_entropy(enlarged, masks.long(), ignore_index=255, reduction="none")
    expected = (each * scale_weights(masks)).sum() / (masks != 255).sum()
    assert scale_cross_entropy(logits, masks).item() == pytest.approx(expected.item(), rel=1e-5)


def test_masks_without_a_known_pixel_give_zero():
    unknown = torch.full((1, 8, 8), 255, dtype=torch.uint8)
    assert scale_cross_entropy(torch.randn(1, 2, 4, 4), unknown) == 0
    assert prior_cross_entropy(torch.randn(1, 4, 4), unknown) == 0


def test_the_doubled_sigmoid_has_a_floor_and_the_single_one_has_none():
    sure = torch.full((1, 4, 4), 40.0)
    full, empty = torch.ones(1, 8, 8), torch.zeros(1, 8, 8)
    assert prior_cross_entropy(sure, full) < 1e-6
    assert prior_cross_entropy(sure, full, True).item() == pytest.approx(0.3133, abs=1e-4)
    assert prior_cross_entropy(-sure, empty, True).item() == pytest.approx(0.6931, abs=1e-4)


def test_the_prior_is_compared_with_known_pixels_only():
    logits = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(1))
    masks = torch.randint(0, 2, (2, 4, 4), dtype=torch.uint8)
    masks[0, 0] = 255
    known = masks != 255
    expected = F.binary_cross_entropy_with_logits(logits[known], masks[known].float())
    assert prior_cross_entropy(logits, masks).item() == pytest.approx(expected.item(), abs=1e-6)
